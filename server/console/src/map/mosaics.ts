import { useQuery } from "@tanstack/react-query";

import { listMosaics } from "../api/calls";
import type { Mosaic } from "../api/types";
import type { Bounds } from "./geometry";

/** A flight's mosaic is added a few times a week. */
const FRESH_MS = 5 * 60_000;
const NONE: readonly Mosaic[] = [];

/** What of the ground is shown under grids and alerts, by ids; an id that is gone shows nothing. */
export interface MosaicChoice {
  after: string | null;
  before: string | null;
  /** How much of `after` covers `before`: 0 to 1. */
  share: number;
}

export const NO_MOSAIC: MosaicChoice = { after: null, before: null, share: 1 };

/** The newest first; none while they are not there, and where the server has none. */
export function useMosaics(): readonly Mosaic[] {
  return useQuery({ queryKey: ["mosaics"], queryFn: listMosaics, staleTime: FRESH_MS }).data ?? NONE;
}

/** "market · 2026-11-20": the area, and the day by the drone's own clock. */
export function mosaicName(mosaic: Pick<Mosaic, "area" | "taken_at">): string {
  return `${mosaic.area} · ${mosaic.taken_at.slice(0, 10)}`;
}

export function mosaicOf(mosaics: readonly Mosaic[], id: string | null): Mosaic | null {
  return mosaics.find(({ sha256 }) => sha256 === id) ?? null;
}

/** Those that show some of the same ground, without itself. */
export function comparable(mosaics: readonly Mosaic[], with_: Mosaic | null): Mosaic[] {
  if (with_ === null) return [];
  return mosaics.filter((each) => each.sha256 !== with_.sha256 && overlaps(each.bounds, with_.bounds));
}

export function overlaps(one: Bounds, other: Bounds): boolean {
  return one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3];
}

/** Too small to be seen, or not in the view at all: then the map goes there. */
export function isSeen(view: Bounds, bounds: Bounds): boolean {
  const width = (bounds[2] - bounds[0]) / Math.max(view[2] - view[0], 1e-12);
  const height = (bounds[3] - bounds[1]) / Math.max(view[3] - view[1], 1e-12);
  return overlaps(view, bounds) && Math.max(width, height) > 0.1;
}

/** After another one is chosen: what it can no longer be compared with is dropped. */
export function chosen(choice: MosaicChoice, id: string | null, mosaics: readonly Mosaic[]): MosaicChoice {
  const after = mosaicOf(mosaics, id);
  const before = comparable(mosaics, after).some(({ sha256 }) => sha256 === choice.before) ? choice.before : null;
  return { after: after?.sha256 ?? null, before, share: before === null ? 1 : choice.share };
}
