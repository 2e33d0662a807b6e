import { useEffect } from "react";

import { useStored } from "../lib/stored";
import { useMedia } from "../lib/useMedia";

const THEMES = ["system", "dark", "light"] as const;
export type Theme = (typeof THEMES)[number];

/** The chosen theme, and the one that results from it. Dark unless the system asks for light. */
export function useTheme(): { theme: Theme; resolved: "dark" | "light"; next: () => void } {
  const [theme, setTheme] = useStored<Theme>("gridsentry.theme", THEMES, "system");
  const systemLight = useMedia("(prefers-color-scheme: light)");
  const resolved = theme === "system" ? (systemLight ? "light" : "dark") : theme;
  return {
    theme,
    resolved,
    next: () => setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system"),
  };
}

/** Puts the theme on the page; once, at the root. */
export function useApplyTheme(): void {
  const { resolved } = useTheme();
  useEffect(() => {
    document.documentElement.dataset["theme"] = resolved;
  }, [resolved]);
}

const SOUND = ["on", "muted"] as const;

export function useMuted(): [boolean, (muted: boolean) => void] {
  const [sound, setSound] = useStored<(typeof SOUND)[number]>("gridsentry.sound", SOUND, "on");
  return [sound === "muted", (muted) => setSound(muted ? "muted" : "on")];
}
