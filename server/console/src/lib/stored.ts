import { useCallback, useSyncExternalStore } from "react";

/**
 * Small choices that outlive the page (language, theme, mute), shared between the tabs of a browser.
 * Storage may be forbidden: then the choice lives as long as the page.
 */

const memory = new Map<string, string>();
const listeners = new Set<() => void>();

export function readStored(key: string): string | null {
  try {
    return localStorage.getItem(key) ?? memory.get(key) ?? null;
  } catch {
    return memory.get(key) ?? null;
  }
}

export function writeStored(key: string, value: string): void {
  memory.set(key, value);
  try {
    localStorage.setItem(key, value);
  } catch {
    // Private windows may refuse; the value in memory serves this page.
  }
  for (const notify of listeners) notify();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
}

/** A stored choice among `allowed`; anything else in storage reads as `fallback`. */
export function useStored<T extends string>(
  key: string,
  allowed: readonly T[],
  fallback: T,
): [T, (value: T) => void] {
  const raw = useSyncExternalStore(subscribe, () => readStored(key));
  const value = allowed.find((candidate) => candidate === raw) ?? fallback;
  const set = useCallback((next: T) => writeStored(key, next), [key]);
  return [value, set];
}
