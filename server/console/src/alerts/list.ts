import type { AlertPage, AlertState, AlertSummary, Queue, Severity } from "../api/types";
import type { Change } from "../live/types";

/** Which alerts a list shows. An empty `queues` shows every queue of the account. */
export interface ListFilter {
  openness: Openness;
  queue: string | null;
  /** The queue and all below it. */
  queues: ReadonlySet<string>;
}

export type Openness = "open" | "closed";

const SEVERITY_RANK: Record<Severity, number> = { red: 0, yellow: 1, blue: 2 };
/** `unsure` stays open: somebody looked and left it for others to judge. */
const OPEN_STATES: ReadonlySet<AlertState> = new Set<AlertState>(["queued", "claimed", "unsure"]);

export function isOpen(alert: Pick<AlertSummary, "state">): boolean {
  return OPEN_STATES.has(alert.state);
}

/** Who holds the alert at `now` (milliseconds). A lease ends without a change being sent: the clock decides. */
export function holderName(alert: Pick<AlertSummary, "claimed_by" | "claim_expires_at">, now: number): string | null {
  if (alert.claim_expires_at !== null && Date.parse(alert.claim_expires_at) <= now) return null;
  return alert.claimed_by;
}

export function matches(alert: AlertSummary, filter: ListFilter): boolean {
  if (isOpen(alert) !== (filter.openness === "open")) return false;
  if (filter.queue === null) return true;
  return filter.queues.has(alert.queue) || alert.border_queues.some((code) => filter.queues.has(code));
}

/** The server's own order, so that further pages continue it: open ones red first, then the newest; closed ones newest first. */
export function compareAlerts(openness: Openness): (a: AlertSummary, b: AlertSummary) => number {
  return (a, b) =>
    (openness === "open" ? SEVERITY_RANK[a.severity] - SEVERITY_RANK[b.severity] : 0) ||
    Date.parse(b.opened_at) - Date.parse(a.opened_at) ||
    b.id.localeCompare(a.id);
}

/**
 * The list after `changes`, in the order of their `seq`. The list's cursor moves along, so that a change that the
 * snapshot contained, or that comes a second time, has no effect. Returns the same list if nothing came.
 *
 * `version` tells decisions apart, not the device's updates: only an older decision than the known one is passed over.
 */
export function applyChanges(page: AlertPage, changes: readonly Change[], filter: ListFilter): AlertPage {
  const byId = new Map(page.alerts.map((alert) => [alert.id, alert]));
  let cursor = page.cursor;
  for (const { seq, alert } of changes) {
    if (seq <= cursor) continue;
    cursor = seq;
    const present = byId.get(alert.id);
    if (present !== undefined && present.version > alert.version) continue;
    if (matches(alert, filter)) byId.set(alert.id, alert);
    else byId.delete(alert.id);
  }
  return cursor === page.cursor ? page : { ...page, alerts: [...byId.values()], cursor };
}

/** A further page behind what is there; what is there has followed the changes and wins. */
export function appendPage(page: AlertPage, further: AlertPage): AlertPage {
  const byId = new Map(page.alerts.map((alert) => [alert.id, alert]));
  for (const alert of further.alerts) {
    if (!byId.has(alert.id)) byId.set(alert.id, alert);
  }
  return { alerts: [...byId.values()], cursor: page.cursor, next: further.next };
}

/** The alert to look at after `current`: the next in the list, or the one before it at the end. */
export function neighbour(alerts: readonly AlertSummary[], current: string | null, step: 1 | -1): string | null {
  if (alerts.length === 0) return null;
  const index = alerts.findIndex(({ id }) => id === current);
  if (index < 0) return alerts[step === 1 ? 0 : alerts.length - 1]?.id ?? null;
  return alerts[Math.min(alerts.length - 1, Math.max(0, index + step))]?.id ?? null;
}

/** After a verdict on `judged`: the next that nobody else judges and nobody was unsure of, else any other, else none. */
export function nextToJudge(
  alerts: readonly AlertSummary[],
  judged: string,
  me: string,
  now: number,
): string | null {
  const index = alerts.findIndex(({ id }) => id === judged);
  const others = [...alerts.slice(index + 1), ...alerts.slice(0, Math.max(0, index))].filter(({ id }) => id !== judged);
  const free = others.filter((alert) => isOpen(alert) && [null, me].includes(holderName(alert, now)));
  return (free.find(({ state }) => state !== "unsure") ?? free[0] ?? others[0])?.id ?? null;
}

/** A queue's code and those of all queues below it. */
export function withDescendants(queues: readonly Queue[], code: string | null): ReadonlySet<string> {
  const found = new Set<string>(code === null ? [] : [code]);
  let grew = code !== null;
  while (grew) {
    grew = false;
    for (const queue of queues) {
      if (queue.parent !== null && found.has(queue.parent) && !found.has(queue.code)) {
        found.add(queue.code);
        grew = true;
      }
    }
  }
  return found;
}
