import type { AlertSummary } from "../api/types";

export type DrillStep = "found" | "received" | "shown";

/**
 * How long a drill took on its way, in seconds since its hazard was made up: until the detector found it, the server had
 * it, and this browser showed it (`arrivedAt`, milliseconds; null if it was here before the page). The first two are by
 * the device's clock, the others by the server's: where these differ, a step may come out negative.
 */
export function drillSteps(
  alert: Pick<AlertSummary, "canary" | "created_at">,
  arrivedAt: number | null,
): { step: DrillStep; seconds: number }[] {
  const { canary } = alert;
  if (canary == null) return [];
  const began = Date.parse(canary.injected_at);
  const times: [DrillStep, number | null][] = [
    ["found", Date.parse(canary.opened_at)],
    ["received", Date.parse(alert.created_at)],
    ["shown", arrivedAt],
  ];
  return times.flatMap(([step, at]) => (at === null ? [] : [{ step, seconds: (at - began) / 1000 }]));
}

/** Whether somebody must act on it: drills show that the way holds, and ask nothing of anybody. */
export function isReal(alert: Pick<AlertSummary, "canary">): boolean {
  return alert.canary == null;
}
