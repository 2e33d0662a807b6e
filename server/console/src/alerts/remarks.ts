import type { AlertDetail, AlertSummary } from "../api/types";

/** Something that the device remarks on an alert: keys of its short text and of its explanation, and what they tell. */
export interface Remark {
  kind: "demoted" | "stale" | "continued";
  text: "remarks.demoted" | "remarks.demotedOther" | "remarks.stale" | "remarks.continued" | "remarks.repeats";
  hint:
    | "remarks.demotedHint"
    | "remarks.demotedOtherHint"
    | "remarks.staleHint"
    | "remarks.continuedHint"
    | "remarks.repeatsHint";
  values?: { reason?: string; count?: number };
}

/** What must be known to judge it rightly even in a list: why it is only a review, and that it may be a fixture. */
export function remarksOf(alert: Pick<AlertSummary, "demoted" | "stale">): Remark[] {
  const remarks: Remark[] = [];
  if (alert.demoted === "budget") {
    remarks.push({ kind: "demoted", text: "remarks.demoted", hint: "remarks.demotedHint" });
  } else if (alert.demoted != null) {
    const values = { reason: alert.demoted };
    remarks.push({ kind: "demoted", text: "remarks.demotedOther", hint: "remarks.demotedOtherHint", values });
  }
  if (alert.stale) remarks.push({ kind: "stale", text: "remarks.stale", hint: "remarks.staleHint" });
  return remarks;
}

/**
 * That it continues an earlier episode, if one of its episodes does. The quiet repeats of several episodes add up: each
 * counts those since the episode before it.
 */
export function continuationOf(
  episodes: Pick<AlertDetail["media_episodes"][number], "repeat_of" | "quiet_repeats">[],
): Remark[] {
  const continued = episodes.filter((episode) => episode.repeat_of != null);
  if (continued.length === 0) return [];
  const count = continued.reduce((sum, episode) => sum + (episode.quiet_repeats ?? 0), 0);
  if (count === 0) return [{ kind: "continued", text: "remarks.continued", hint: "remarks.continuedHint" }];
  return [{ kind: "continued", text: "remarks.repeats", hint: "remarks.repeatsHint", values: { count } }];
}
