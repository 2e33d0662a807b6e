/** The lamp timeline that an edge writes (`contract/timeline.py`): read with care, for whoever sent it. */

export const MAX_BYTES = 8 * 1024 * 1024;
const MAX_HEADS = 48;
const MAX_LAMPS = 6;
const MAX_SPANS = 4000;
const MAX_MOMENTS = 16;
const MAX_TEXT = 256;
/** Half a day: a document that claims more is none that we could draw. */
const MAX_SECONDS = 43_200;

export interface Lamp {
  colour: string;
  shape: string;
}

/** Seconds from the timeline's zero. */
export interface Span {
  start: number;
  end: number;
  /** Indices of the lit lamps; none: dark, unless `unseen` says that nobody knows. */
  lit: readonly number[];
  unseen: string | null;
  countdown: "on" | "off" | "unknown" | null;
}

export interface Head {
  id: string;
  name: string;
  approach: string;
  group: string;
  concerned: boolean;
  lamps: readonly Lamp[];
  /** In order, without overlap and without a gap: what the document does not tell is unseen. */
  spans: readonly Span[];
}

export type MomentKind = "began" | "certain" | "repaired" | "over";

export interface Moment {
  at: number;
  what: MomentKind;
}

export interface LampTimeline {
  /** Milliseconds since 1970 of second 0. */
  zeroAt: number;
  start: number;
  end: number;
  samplesPerSecond: number;
  /** Those that the fault is about first. */
  heads: readonly Head[];
  moments: readonly Moment[];
}

/** Why a document is not drawn. */
export type TimelineFault = "notTimeline" | "newer" | "empty" | "tooLong" | "tooLarge";

export type TimelineResult = { timeline: LampTimeline } | { fault: TimelineFault };

/** What is said of a time that the document does not tell about. */
export const NO_PICTURE = "no_picture";

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function finite(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function text(value: unknown): string {
  return typeof value === "string" ? value.slice(0, MAX_TEXT) : "";
}

function list(value: unknown, most: number): unknown[] {
  return Array.isArray(value) ? value.slice(0, most) : [];
}

const MOMENTS: readonly MomentKind[] = ["began", "certain", "repaired", "over"];
const COUNTDOWNS = ["on", "off", "unknown"] as const;

/** Reads version 1. What is broken in a part of it is left out, and then unknown; what is broken as a whole is said. */
export function parseTimeline(value: unknown): TimelineResult {
  if (!isRecord(value) || !Array.isArray(value["heads"])) return { fault: "notTimeline" };
  if (typeof value["version"] === "number" && value["version"] > 1) return { fault: "newer" };
  const zeroAt = Date.parse(text(value["zero_at"]));
  const start = finite(value["start"]);
  const end = finite(value["end"]);
  if (value["version"] !== 1 || Number.isNaN(zeroAt) || start === null || end === null || end <= start) {
    return { fault: "notTimeline" };
  }
  if (end - start > MAX_SECONDS || Math.max(-start, end) > 2 * MAX_SECONDS) return { fault: "tooLong" };
  const heads = list(value["heads"], MAX_HEADS).flatMap((head) => parseHead(head, start, end));
  if (heads.length === 0) return { fault: "empty" };
  const moments = list(value["moments"], MAX_MOMENTS)
    .flatMap((moment): Moment[] => {
      if (!isRecord(moment)) return [];
      const at = finite(moment["at"]);
      const what = MOMENTS.find((kind) => kind === moment["what"]);
      return at === null || what === undefined ? [] : [{ at, what }];
    })
    .sort((a, b) => a.at - b.at);
  return {
    timeline: {
      zeroAt,
      start,
      end,
      samplesPerSecond: finite(value["samples_per_second"]) ?? 0,
      heads: [...heads.filter(({ concerned }) => concerned), ...heads.filter(({ concerned }) => !concerned)],
      moments,
    },
  };
}

function parseHead(value: unknown, start: number, end: number): Head[] {
  if (!isRecord(value) || text(value["head"]) === "") return [];
  const lamps = list(value["lamps"], MAX_LAMPS).map((lamp) => {
    const fields = isRecord(lamp) ? lamp : {};
    return { colour: text(fields["colour"]), shape: text(fields["shape"]) };
  });
  if (lamps.length === 0) return [];
  const spans = list(value["spans"], MAX_SPANS)
    .flatMap((span) => parseSpan(span, lamps.length, start, end))
    .sort((a, b) => a.start - b.start);
  return [
    {
      id: text(value["head"]),
      name: text(value["name"]),
      approach: text(value["approach"]),
      group: text(value["group"]),
      concerned: value["concerned"] === true,
      lamps,
      spans: withoutHoles(spans, start, end),
    },
  ];
}

function parseSpan(value: unknown, lamps: number, start: number, end: number): Span[] {
  if (!isRecord(value)) return [];
  const from = finite(value["start"]);
  const to = finite(value["end"]);
  if (from === null || to === null) return [];
  const lit = list(value["lit"], MAX_LAMPS);
  const indices = lit.filter((index): index is number => Number.isInteger(index) && Number(index) >= 0 && Number(index) < lamps);
  const unseen = text(value["unseen"]) || (indices.length < lit.length ? "broken_document" : null);
  const span: Span = {
    start: Math.max(from, start),
    end: Math.min(to, end),
    lit: unseen === null ? [...new Set(indices)].sort((a, b) => a - b) : [],
    unseen,
    countdown: COUNTDOWNS.find((state) => state === value["countdown"]) ?? null,
  };
  return span.end > span.start ? [span] : [];
}

function isSameState(a: Span, b: Span): boolean {
  return a.unseen === b.unseen && a.countdown === b.countdown && a.lit.join() === b.lit.join();
}

/**
 * Gaps become unseen time, of two spans that overlap the later one begins where the earlier one ends, and neighbours
 * that show the same are one.
 */
function withoutHoles(spans: readonly Span[], start: number, end: number): Span[] {
  const whole: Span[] = [];
  let reached = start;
  const unknown = (to: number): Span => ({ start: reached, end: to, lit: [], unseen: NO_PICTURE, countdown: null });
  for (const span of spans) {
    // A millisecond is rounding, not a gap.
    if (span.start - reached > 0.002) whole.push(unknown(span.start));
    if (span.end <= reached) continue;
    const last = whole.at(-1);
    if (last !== undefined && isSameState(last, span)) last.end = span.end;
    else whole.push({ ...span, start: Math.max(span.start, last?.end ?? start) });
    reached = span.end;
  }
  if (end - reached > 0.002) whole.push(unknown(end));
  return whole;
}

/** Where one begins to read: at the fault's beginning, or at what the document tells instead. */
export function firstLook({ moments, start }: Pick<LampTimeline, "moments" | "start">): number {
  return (["began", "repaired", "certain", "over"] as const)
    .map((kind) => moments.find(({ what }) => what === kind)?.at)
    .find((at) => at !== undefined && at >= start) ?? start;
}

/** The span at a time; the last one at the end. */
export function spanAt(spans: readonly Span[], t: number): number {
  let low = 0;
  let high = spans.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((spans[middle]?.start ?? 0) <= t) low = middle;
    else high = middle - 1;
  }
  return low;
}
