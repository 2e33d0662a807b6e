import { useSyncExternalStore } from "react";

export interface Toast {
  id: number;
  tone: "good" | "bad" | "info";
  text: string;
}

const SHOWN_MS = { good: 3_500, info: 5_000, bad: 9_000 } as const;

let toasts: readonly Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function publish(next: readonly Toast[]): void {
  toasts = next;
  for (const notify of listeners) notify();
}

export function showToast(tone: Toast["tone"], text: string): void {
  const toast = { id: nextId++, tone, text };
  publish([...toasts.slice(-3), toast]);
  setTimeout(() => dismissToast(toast.id), SHOWN_MS[tone]);
}

export function dismissToast(id: number): void {
  publish(toasts.filter((toast) => toast.id !== id));
}

export function useToasts(): readonly Toast[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
}
