import { createInstance } from "i18next";
import { useCallback } from "react";
import { initReactI18next, useTranslation } from "react-i18next";

import { readStored, writeStored } from "../lib/stored";
import type { Language } from "../lib/time";
import { en, type Messages } from "./en";
import { zh } from "./zh";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "translation";
    resources: { translation: Messages };
  }
}

const KEY = "gridsentry.language";

/** The stored choice, else Chinese for a Chinese browser, else English. */
export function initialLanguage(stored: string | null, browser: readonly string[]): Language {
  if (stored === "zh" || stored === "en") return stored;
  return browser[0]?.toLowerCase().startsWith("zh") === true ? "zh" : "en";
}

function apply(language: Language): void {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
}

export const i18n = createInstance();

export async function startI18n(): Promise<void> {
  const language = initialLanguage(readStored(KEY), navigator.languages);
  apply(language);
  await i18n.use(initReactI18next).init({
    resources: { en: { translation: en }, zh: { translation: zh } },
    lng: language,
    fallbackLng: "en",
    interpolation: { escapeValue: false }, // React escapes.
  });
}

/** The language in use and a way to change it, for this browser from now on. */
export function useLanguage(): [Language, (language: Language) => void] {
  const { i18n: instance } = useTranslation();
  const language: Language = instance.language === "zh" ? "zh" : "en";
  const set = useCallback(
    (next: Language) => {
      writeStored(KEY, next);
      apply(next);
      void instance.changeLanguage(next);
    },
    [instance],
  );
  return [language, set];
}
