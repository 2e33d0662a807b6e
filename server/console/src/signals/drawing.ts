/** Where things lie in the drawing of a timeline. Pure: seconds in, pixels out. */

import type { Span } from "./timeline";

/** A piece of a row: one state, or several that are too short to be told apart. */
export interface Piece {
  x: number;
  width: number;
  /** The lamps that are lit in it; for several states all that are lit in any of them. */
  lit: readonly number[];
  unseen: string | null;
  /** Several states: the lamps go on and off. */
  mixed: boolean;
}

/** Narrower than this a state is not drawn by itself. */
const MIN_PIECE_PX = 3;

/** The pieces between `from` and `to` (seconds), in pixels from `start`; short states are drawn together. */
export function pieces(spans: readonly Span[], start: number, pxPerSecond: number, from: number, to: number): Piece[] {
  const drawn: Piece[] = [];
  let bucket: Span[] = [];
  const flush = (): void => {
    const first = bucket[0];
    const last = bucket.at(-1);
    if (first === undefined || last === undefined) return;
    const seen = bucket.filter(({ unseen }) => unseen === null);
    drawn.push({
      x: (first.start - start) * pxPerSecond,
      width: (last.end - first.start) * pxPerSecond,
      lit: [...new Set(seen.flatMap(({ lit }) => lit))].sort((a, b) => a - b),
      // A short glimpse does not make a time seen, nor a short bus a time unseen.
      unseen: seen.length * 2 >= bucket.length ? null : (bucket.find(({ unseen }) => unseen !== null)?.unseen ?? null),
      mixed: bucket.length > 1,
    });
    bucket = [];
  };
  for (const span of joined(spans.filter(({ start: begin, end }) => end >= from && begin <= to))) {
    if ((span.end - span.start) * pxPerSecond >= MIN_PIECE_PX) flush();
    bucket.push(span);
    const width = (span.end - (bucket[0]?.start ?? span.start)) * pxPerSecond;
    if (width >= MIN_PIECE_PX) flush();
  }
  flush();
  return drawn;
}

/** Neighbours whose lamps show the same: a countdown beside them changes nothing that is drawn. */
function joined(spans: readonly Span[]): Span[] {
  const whole: Span[] = [];
  for (const span of spans) {
    const last = whole.at(-1);
    if (last !== undefined && last.unseen === span.unseen && last.lit.join() === span.lit.join()) last.end = span.end;
    else whole.push({ ...span });
  }
  return whole;
}

export interface Band {
  lamp: number;
  y: number;
  height: number;
}

/** Where the lit lamps of a head lie in its row: the first on top, as on the pole, so that the place tells the colour too. */
export function bands(lit: readonly number[], lamps: number, height: number): Band[] {
  if (lit.length !== 1) {
    const share = height / Math.max(1, lit.length);
    return lit.map((lamp, k) => ({ lamp, y: k * share, height: share }));
  }
  const tall = lamps === 1 ? height : height * 0.64;
  return lit.map((lamp) => ({ lamp, y: lamps === 1 ? 0 : (lamp / (lamps - 1)) * (height - tall), height: tall }));
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400];

export interface Tick {
  /** Seconds from zero. */
  at: number;
  /** Milliseconds since 1970. */
  moment: number;
}

/** Round local times, at least `minPx` apart. `zeroAt` in milliseconds; `offsetMinutes` as `Date.getTimezoneOffset()`. */
export function timeTicks(
  range: { start: number; end: number; zeroAt: number },
  pxPerSecond: number,
  minPx: number,
  offsetMinutes: number,
): { step: number; ticks: Tick[] } {
  const step = STEPS_S.find((seconds) => seconds * pxPerSecond >= minPx) ?? 14_400;
  const local = range.zeroAt / 1000 - offsetMinutes * 60;
  const ticks: Tick[] = [];
  for (let k = Math.ceil((local + range.start) / step); k * step - local <= range.end; k += 1) {
    const at = k * step - local;
    ticks.push({ at, moment: range.zeroAt + at * 1000 });
  }
  return { step, ticks };
}

const FLAG_PX = 124;

/** Where the words of moments at `xs` go: right of them, or left of them near the end, one below the other if need be. */
export function flags(xs: readonly number[], width: number): { left: boolean; lane: number }[] {
  const taken: { lane: number; from: number; to: number }[] = [];
  return xs.map((x) => {
    const left = x > width - FLAG_PX;
    const from = left ? x - FLAG_PX : x;
    const to = from + FLAG_PX;
    let lane = 0;
    while (taken.some((other) => other.lane === lane && from < other.to && to > other.from)) lane += 1;
    taken.push({ lane, from, to });
    return { left, lane };
  });
}

/** Pixels a second at which `seconds` fill a width, but no fewer than can be read and no more than a browser draws. */
export const MIN_SCALE = 0.8;
export const MAX_SCALE = 60;
const MAX_WIDTH_PX = 60_000;

export function clampScale(scale: number, seconds: number, width: number): number {
  const fit = width / seconds;
  const most = Math.max(fit, Math.min(MAX_SCALE, MAX_WIDTH_PX / seconds));
  return Math.min(Math.max(scale, Math.min(fit, most)), most);
}

/** The first scale: everything, unless that would be too narrow to be read. */
export function firstScale(seconds: number, width: number): number {
  return clampScale(Math.max(width / seconds, MIN_SCALE), seconds, width);
}
