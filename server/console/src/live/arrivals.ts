import { useSyncExternalStore } from "react";

import type { AlertSummary } from "../api/types";
import { isOpen } from "../alerts/list";
import type { Change } from "./types";

/** A change older than this tells of an alert that was merely not on the loaded pages, not of a new one. */
const NEWS_MS = 10 * 60_000;

/** Which alerts are new to this operator: arrived while the console was open, and not looked at yet. */
export class Arrivals {
  private readonly known = new Set<string>();
  private fresh: ReadonlySet<string> = new Set();
  /** When each alert came that arrived while the page was open, in milliseconds. */
  private readonly times = new Map<string, number>();
  private readonly listeners = new Set<() => void>();

  /** Alerts of a snapshot are known from the start. */
  know(alerts: readonly Pick<AlertSummary, "id">[]): void {
    for (const { id } of alerts) this.known.add(id);
  }

  /** The open alerts among `changes` that were never seen before. */
  take(changes: readonly Change[], now: number): AlertSummary[] {
    const arrived = new Map<string, AlertSummary>();
    for (const { alert } of changes) {
      if (this.known.has(alert.id)) {
        if (arrived.has(alert.id)) arrived.set(alert.id, alert);
        continue;
      }
      this.known.add(alert.id);
      this.times.set(alert.id, now);
      if (now - Date.parse(alert.created_at) < NEWS_MS) arrived.set(alert.id, alert);
    }
    const open = [...arrived.values()].filter(isOpen);
    const gone = changes.filter(({ alert }) => !isOpen(alert) && this.fresh.has(alert.id));
    if (open.length > 0 || gone.length > 0) {
      const next = new Set(this.fresh);
      for (const { id } of open) next.add(id);
      for (const { alert } of gone) next.delete(alert.id);
      this.publish(next);
    }
    return open;
  }

  /** When the alert came; null if it was there before the page. */
  arrivedAt(id: string): number | null {
    return this.times.get(id) ?? null;
  }

  look(id: string): void {
    if (!this.fresh.has(id)) return;
    const next = new Set(this.fresh);
    next.delete(id);
    this.publish(next);
  }

  clear(): void {
    this.known.clear();
    this.times.clear();
    this.publish(new Set());
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): ReadonlySet<string> => this.fresh;

  private publish(next: ReadonlySet<string>): void {
    this.fresh = next;
    for (const notify of this.listeners) notify();
  }
}

export const arrivals = new Arrivals();

export function useFreshAlerts(): ReadonlySet<string> {
  return useSyncExternalStore(arrivals.subscribe, arrivals.snapshot);
}
