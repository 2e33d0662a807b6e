/** Stills of single heads before and after: pairs by what they show. */

import type { Evidence } from "../api/types";

export interface StillGroup {
  /** A head's id; empty where a still does not say. */
  label: string;
  /** In the order in which they were taken. */
  stills: Evidence[];
}

const KINDS: readonly string[] = ["before", "after"];

/** More are of no use to anybody, and cost a request each. */
const MOST_STILLS = 48;

/** `heads`: in which order the groups come; others follow. */
export function stillGroups(evidence: readonly Evidence[], heads: readonly string[] = []): StillGroup[] {
  const stills = evidence
    .filter(({ kind, media_type }) => KINDS.includes(kind) && media_type.startsWith("image/"))
    .sort((a, b) => Date.parse(a.captured_at) - Date.parse(b.captured_at) || rank(a) - rank(b))
    .slice(0, MOST_STILLS);
  const groups = new Map<string, Evidence[]>();
  for (const still of stills) {
    const label = still.label ?? "";
    groups.set(label, [...(groups.get(label) ?? []), still]);
  }
  const place = (label: string): number => (heads.includes(label) ? heads.indexOf(label) : heads.length);
  return [...groups]
    .map(([label, members]) => ({ label, stills: members }))
    .sort((a, b) => place(a.label) - place(b.label) || a.label.localeCompare(b.label));
}

/** What a still shows: the head as it was, as it is, or as it is again. */
export function stillKind(still: Evidence, repairedAt: string | null | undefined): "before" | "after" | "mended" {
  if (still.kind === "before") return "before";
  return repairedAt != null && Date.parse(still.captured_at) >= Date.parse(repairedAt) ? "mended" : "after";
}

function rank(still: Evidence): number {
  return KINDS.indexOf(still.kind);
}
