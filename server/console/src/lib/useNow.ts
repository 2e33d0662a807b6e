import { useSyncExternalStore } from "react";

import { serverNow } from "./clock";

let current = serverNow();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | null = null;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    current = serverNow();
    for (const notify of listeners) notify();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer !== null) {
      clearInterval(timer);
      timer = null;
    }
  };
}

/** The server's time in milliseconds, ticking once a second: one timer however many ages are on the screen. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => current);
}
