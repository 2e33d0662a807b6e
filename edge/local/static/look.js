// Language and colours, the same on every page of the box.

import { say } from "./drawing.js";
import { TEXTS, firstLanguage } from "./texts.js";

const THEMES = ["auto", "dark", "light"];

export const look = {
  language: firstLanguage(localStorage.getItem("language"), navigator.languages),
  theme: localStorage.getItem("theme") ?? "auto",
};

export function nextLanguage() {
  const names = Object.keys(TEXTS);
  look.language = names[(names.indexOf(look.language) + 1) % names.length];
  localStorage.setItem("language", look.language);
}

export function nextTheme() {
  look.theme = THEMES[(THEMES.indexOf(look.theme) + 1) % THEMES.length];
  localStorage.setItem("theme", look.theme);
}

/** Sets every text that the page's markup names, and what the two buttons say. */
export function speak(t) {
  document.documentElement.lang = t.locale;
  for (const element of document.querySelectorAll("[data-t]")) say(element, t(element.dataset.t));
  for (const element of document.querySelectorAll("[data-t-placeholder]")) element.placeholder = t(element.dataset.tPlaceholder);
  for (const element of document.querySelectorAll("[data-t-label]")) element.setAttribute("aria-label", t(element.dataset.tLabel));
  const button = document.getElementById("language");
  say(button, t("other"));
  button.lang = look.language === "zh" ? "en" : "zh-CN";
  paint(t);
}

export function paint(t) {
  const word = t({ auto: "themeAuto", dark: "themeDark", light: "themeLight" }[look.theme]);
  if (look.theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = look.theme;
  const button = document.getElementById("theme");
  say(button, word);
  button.setAttribute("aria-label", t("themeLabel", { now: word }));
}
