import { describe, expect, it } from "vitest";

import type { Mosaic } from "../api/types";
import { chosen, comparable, isSeen, mosaicName, mosaicOf, NO_MOSAIC, overlaps } from "./mosaics";

function mosaic(id: string, west = 0, day = "2026-11-20"): Mosaic {
  return {
    sha256: id,
    area: "market",
    name: `market@${day}`,
    taken_at: `${day}T23:30:00+08:00`,
    bounds: [west, 0, west + 1, 1],
    least_zoom: 15,
    most_zoom: 21,
    gsd_m: 0.05,
    attribution: "Survey",
  };
}

const NEW = mosaic("new");
const OLD = mosaic("old", 0.5, "2026-08-14");
const FAR = mosaic("far", 7);
const ALL = [NEW, OLD, FAR];

describe("mosaics", () => {
  it("are named by area and by the day on the drone's clock", () => {
    expect(mosaicName(NEW)).toBe("market · 2026-11-20");
  });

  it("are compared with those of the same ground only", () => {
    expect(comparable(ALL, NEW)).toEqual([OLD]);
    expect(comparable(ALL, FAR)).toEqual([]);
    expect(comparable(ALL, null)).toEqual([]);
    expect(overlaps([0, 0, 1, 1], [1, 0, 2, 1])).toBe(false);
  });

  it("keep the comparison while it makes sense", () => {
    const both = { after: "new", before: "old", share: 0.3 };
    expect(chosen(both, "far", ALL)).toEqual({ after: "far", before: null, share: 1 });
    expect(chosen({ ...both, before: "new" }, "old", ALL)).toEqual({ after: "old", before: "new", share: 0.3 });
    expect(chosen(both, "old", ALL)).toEqual({ after: "old", before: null, share: 1 });
    expect(chosen(both, null, ALL)).toEqual(NO_MOSAIC);
    expect(chosen(NO_MOSAIC, "gone", ALL)).toEqual(NO_MOSAIC);
    expect(mosaicOf(ALL, "gone")).toBeNull();
  });

  it("are gone to when they cannot be seen", () => {
    expect(isSeen([-1, -1, 2, 2], [0, 0, 1, 1])).toBe(true);
    expect(isSeen([0.4, 0.4, 0.5, 0.5], [0, 0, 1, 1])).toBe(true);
    expect(isSeen([5, 5, 6, 6], [0, 0, 1, 1])).toBe(false);
    expect(isSeen([-50, -50, 50, 50], [0, 0, 1, 1])).toBe(false);
  });
});
