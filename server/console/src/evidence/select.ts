import type { AlertDetail, Evidence } from "../api/types";

export type Tab = "timeline" | "stills" | "clip" | "snapshot" | "telemetry";

export interface EvidenceSet {
  clip: Evidence | null;
  snapshot: Evidence | null;
  overlay: Evidence | null;
  track: Evidence | null;
  telemetry: Evidence | null;
  /** Lamps of a traffic signal. */
  timeline: Evidence | null;
  /** Pictures before and after: the newest of those after, else of those before. */
  stills: Evidence | null;
}

/** The newest file of each kind: whole before partial before expected, later before earlier. */
export function newestOfEach(evidence: readonly Evidence[]): EvidenceSet {
  const newest = (kind: string): Evidence | null =>
    [...evidence].filter((item) => item.kind === kind).sort(byWorth)[0] ?? null;
  return {
    clip: newest("clip"),
    snapshot: newest("snapshot"),
    overlay: newest("overlay"),
    track: newest("track"),
    telemetry: newest("telemetry"),
    timeline: timelinesOf(evidence)[0] ?? null,
    stills: newest("after") ?? newest("before"),
  };
}

/** Lamp timelines, the best first: of two that begin together the larger one tells more. */
export function timelinesOf(evidence: readonly Evidence[]): Evidence[] {
  return evidence
    .filter(({ kind, media_type }) => kind === "timeline" && media_type === "application/json")
    .sort((a, b) => byWorth(a, b) || b.bytes - a.bytes);
}

const STATE_RANK: Record<Evidence["state"], number> = { whole: 0, partial: 1, expected: 2, dropped: 3 };

function byWorth(a: Evidence, b: Evidence): number {
  return STATE_RANK[a.state] - STATE_RANK[b.state] || Date.parse(b.captured_at) - Date.parse(a.captured_at);
}

export function isWhole(evidence: Evidence | null): evidence is Evidence {
  return evidence?.state === "whole";
}

/** Whether a file is still to come; one that its box gave up is not. */
export function isPending(evidence: Evidence | null): boolean {
  return evidence === null || evidence.state === "expected" || evidence.state === "partial";
}

/** A sensor has readings and no picture; everything else is looked at. */
export function isSensor(alert: Pick<AlertDetail, "detail">): boolean {
  return typeof alert.detail["channel"] === "string";
}

/** A fault of traffic signals: its proof is a timeline. */
export function isSignal(alert: Pick<AlertDetail, "hazard">): boolean {
  return alert.hazard.startsWith("signal_");
}

/** Something that survey flights find: its proof are pictures before and after. */
export function isStructure(alert: Pick<AlertDetail, "hazard">): boolean {
  return alert.hazard === "illegal_structure";
}

/** The tabs that an alert has, whether their files are here yet or not. */
export function tabsOf(alert: AlertDetail, files: EvidenceSet): Tab[] {
  if (isSensor(alert)) {
    return ["telemetry", ...(files.clip === null ? [] : ["clip" as const]), ...(files.snapshot === null ? [] : ["snapshot" as const])];
  }
  if (isStructure(alert)) {
    const others = ["snapshot", "clip"] as const;
    return ["stills", ...others.filter((name) => files[name] !== null)];
  }
  const first = isSignal(alert) || files.timeline !== null ? (["timeline"] as const) : [];
  return [...first, "clip", "snapshot", ...(files.telemetry === null ? [] : ["telemetry" as const])];
}

/** What to show first: the clip if it is here, else whatever is, else what will come. */
export function bestTab(tabs: readonly Tab[], files: EvidenceSet): Tab {
  return tabs.find((tab) => isWhole(files[tab])) ?? tabs[0] ?? "snapshot";
}
