import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useLanguage } from "../i18n";

/** Named in the other language, for whoever cannot read this one. */
export function LanguageButton(): ReactNode {
  const { t } = useTranslation();
  const [language, setLanguage] = useLanguage();
  const other = language === "zh" ? "en" : "zh";
  return (
    <button
      type="button"
      className="chip-button"
      data-testid="language"
      lang={other === "zh" ? "zh-CN" : "en"}
      aria-label={t("top.languageLabel")}
      onClick={() => setLanguage(other)}
    >
      {t("top.language")}
    </button>
  );
}
