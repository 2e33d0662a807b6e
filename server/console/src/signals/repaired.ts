/** How long a fault lasted, and when it was repaired: what a city measures itself by. */

import type { AlertSummary } from "../api/types";

/** In whose words it is said that it is over: a signal is repaired, a structure is gone. */
export function isGone(alert: Pick<AlertSummary, "hazard">): boolean {
  return alert.hazard === "illegal_structure";
}

type Times = Pick<AlertSummary, "opened_at" | "ended_at" | "phase" | "repaired_at">;

/** Until the repair, else until its end, else until `now` (milliseconds). */
export function lastedSeconds(alert: Times, now: number): number {
  const over = alert.repaired_at ?? (alert.phase === "cleared" ? alert.ended_at : null);
  return Math.max(0, ((over == null ? now : Date.parse(over)) - Date.parse(alert.opened_at)) / 1000);
}
