import { expect, it } from "vitest";

import { alertOf } from "../testing/alerts";
import { accuracyRing, boundsOf, discsOf, pinsOf, zoomFor } from "./geometry";

it("draws the accuracy ring at its radius, in metres", () => {
  const ring = accuracyRing(113.62, 34.75, 50);
  const metres = ring.map(([lon, lat]) =>
    Math.hypot((lon - 113.62) * 111_195 * Math.cos((34.75 * Math.PI) / 180), (lat - 34.75) * 111_195),
  );
  expect(Math.min(...metres)).toBeGreaterThan(49.9);
  expect(Math.max(...metres)).toBeLessThan(50.1);
  expect(ring[0]).toEqual(ring.at(-1));
});

it("finds the box around all grids, and none without any", () => {
  const grid = (coordinates: number[][][]): GeoJSON.Polygon => ({ type: "Polygon", coordinates });
  const properties = { code: "1", name_zh: "", name_en: "", level: 0, layer: "admin" as const, parent: null };
  const multi: GeoJSON.MultiPolygon = { type: "MultiPolygon", coordinates: [[[[5, 5], [6, 7], [5, 5]]]] };
  const features = [grid([[[0, 0], [2, 0], [2, 1], [0, 0]]]), multi].map((geometry) => ({
    type: "Feature" as const,
    geometry,
    properties,
  }));
  expect(boundsOf({ type: "FeatureCollection", features })).toEqual([0, 0, 6, 7]);
  expect(boundsOf({ type: "FeatureCollection", features: [] })).toBeNull();
});

it("draws the selected alert on top of red, and red on top of blue", () => {
  const alerts = [alertOf("red"), alertOf("blue", { severity: "blue" })];
  const rank = (selected: string | null): number[] => pinsOf(alerts, selected).features.map((pin) => pin.properties.rank);
  expect(rank(null)).toEqual([3, 1]);
  expect(rank("blue")).toEqual([3, 11]);
  expect(discsOf(alerts, "blue").features.map((disc) => disc.properties.selected)).toEqual([false, true]);
});

it("comes close to a well known place and stays back from a vague one", () => {
  expect(zoomFor(34.75, 10)).toBeGreaterThan(zoomFor(34.75, 100));
  expect(zoomFor(34.75, 0.1)).toBe(zoomFor(34.75, 1));
  expect(zoomFor(34.75, 50_000)).toBe(12.5);
});
