import { createInstance, type TFunction } from "i18next";
import { beforeAll, describe, expect, it } from "vitest";

import { measurements } from "../alerts/measurements";
import type { AlertDetail, Evidence } from "../api/types";
import { newestOfEach, tabsOf } from "../evidence/select";
import { en } from "../i18n/en";
import { zh } from "../i18n/zh";
import { areaOf, discsOf, zoomFor } from "../map/geometry";
import { alertOf } from "../testing/alerts";
import { dayText, exceededText, permitText, squareMetres, structureFacts, structureText, type StructureFacts } from "./facts";

const SHED = {
  structure: "E113.62530N34.74660",
  change: "extended",
  area_m2: 48.3,
  exceeded_m2: 21.7,
  cover: {
    register_id: "B-17",
    permit_id: "P-2024-9",
    permit_state: "expired",
    valid_from: "2024-01-01",
    valid_until: "2026-06-30",
  },
  on: ["water", "road"],
  order_id: "order-7",
  rebuilt: true,
  cues: ["blue_steel", "odd_thing"],
  sightings: { frames: 7, flights: 2, first_seen: "2026-10-20T08:00:00Z" },
  flight: { id: "f-2", kind: "flight", taken_at: "2026-11-22T08:00:00Z" },
  compared_with: { id: "ortho-2025", kind: "orthophoto" },
};

let english: TFunction;
let chinese: TFunction;

beforeAll(async () => {
  const instance = createInstance();
  await instance.init({
    resources: { en: { translation: en }, zh: { translation: zh } },
    lng: "en",
    interpolation: { escapeValue: false },
  });
  english = instance.getFixedT("en");
  chinese = instance.getFixedT("zh");
});

function read(fields: Record<string, unknown> = {}): StructureFacts {
  const facts = structureFacts({ ...SHED, ...fields });
  if (facts === null) throw new Error("not read");
  return facts;
}

describe("a structure in words", () => {
  it("says what happened, how large, whether a permit covers it, and what else is against it", () => {
    expect(structureText(read(), english, "en")).toBe(
      "Extended, about 48 m², 22 m² of it beyond what is approved, permit P-2024-9 ended on 2026-06-30, on a road, " +
        "in water, demolition order order-7, built again after it was removed, seen by 2 flights",
    );
    expect(structureText(read(), chinese, "zh")).toBe(
      "扩建，约 48 平方米，其中 22 平方米超出批准范围，许可 P-2024-9 已于 2026-06-30 到期，占用道路，占用水域，" +
        "拆除决定 order-7，拆后重建，2 次飞行所见",
    );
  });

  it("says plainly that nothing covers it", () => {
    const plain = read({
      change: "new",
      exceeded_m2: 47.9,
      cover: undefined,
      on: undefined,
      order_id: undefined,
      rebuilt: undefined,
      sightings: { frames: 3, flights: 1 },
    });
    expect(structureText(plain, english, "en")).toBe(
      "Newly built, about 48 m², none of it approved, no permit in the register, seen by 1 flight",
    );
  });

  it("says of what is gone only what it was", () => {
    expect(structureText(read({ change: "removed" }), english, "en")).toBe("Gone, about 48 m², demolition order order-7");
  });

  it("says that a roof tells nothing of the height", () => {
    const roof = read({ change: "higher_unknown", exceeded_m2: 0 });
    expect(exceededText(roof, english)).toBeNull();
    expect(structureText(roof, english, "en")).toContain("whether it has grown higher cannot be told from above");
  });

  it.each([
    ["valid", "permit P-2024-9 exceeded"],
    ["not_yet", "permit P-2024-9 begins on 2024-01-01"],
    ["unreadable", "the days of permit P-2024-9 cannot be read"],
    ["revoked", "no permit in the register"],
  ])("tells a permit that is %s", (state, expected) => {
    expect(permitText(read({ cover: { ...SHED.cover, permit_state: state } }), english)).toBe(expected);
  });

  it.each([
    [8.44, "8.4"],
    [9.99, "10.0"],
    [10.4, "10"],
    [1234.5, "1235"],
  ])("writes %s m²", (area, expected) => {
    expect(squareMetres(area)).toBe(expected);
  });

  it("lists its facts, with cues and grounds that it does not know as they were sent or not at all", () => {
    const rows = measurements({ detail: { ...SHED, on: ["road", "moon"] } }, english, "en");
    const day = (iso: string): string => dayText(iso, "en");
    expect(rows.map(({ label, value }) => `${label}: ${value}`)).toEqual([
      "Change: Extended",
      "Area: 48 m²",
      "Beyond what is approved: 22 m²",
      "Approved building: touches or contains B-17",
      "Permit: permit P-2024-9 ended on 2026-06-30",
      "Stands: on a road",
      "Demolition order: order-7",
      "Looks like: blue colour steel, odd thing",
      `Seen: 2 flights, 7 pairs of pictures, first ${day("2026-10-20T08:00:00Z")}`,
      `This flight: flight f-2 (${day("2026-11-22T08:00:00Z")})`,
      "Compared with: orthophoto ortho-2025",
    ]);
    expect(measurements({ detail: SHED }, chinese, "zh")[0]).toEqual({ label: "变化", value: "扩建" });
  });

  it.each([{ change: "grown" }, { area_m2: "large" }, { exceeded_m2: null }])("is not read from %j", (fields) => {
    expect(structureFacts({ ...SHED, ...fields })).toBeNull();
  });

  it("is read from what is damaged, without what cannot be", () => {
    const odd = read({ cover: 7, on: "road", cues: [1, ""], sightings: [], flight: { id: 3 }, compared_with: null, order_id: 4 });
    expect(structureText(odd, english, "en")).toBe(
      "Extended, about 48 m², 22 m² of it beyond what is approved, no permit in the register, " +
        "built again after it was removed, seen by 1 flight",
    );
    expect(dayText("soon", "en")).toBe("–");
  });
});

describe("a structure's place and pictures", () => {
  const ring: [number, number][] = [
    [113.62, 34.74],
    [113.621, 34.74],
    [113.621, 34.741],
    [113.62, 34.74],
  ];
  const location = {
    point: { type: "Point" as const, coordinates: [113.6205, 34.7402] as [number, number] },
    accuracy_m: 1,
    method: "drone_ray" as const,
  };

  it("is drawn as its footprint, and as a disc without one", () => {
    const area = { type: "Polygon" as const, coordinates: [ring] };
    const shed = alertOf("shed", { hazard: "illegal_structure", location: { ...location, area } });
    expect(areaOf(shed)).toEqual(ring);
    expect(discsOf([shed], null).features[0]?.geometry.coordinates).toEqual([ring]);
    expect(areaOf(alertOf("other", { location }))).toHaveLength(49);
  });

  it("may be looked at more closely than a disc", () => {
    expect(zoomFor(34.7, 1, 18)).toBe(18);
    expect(zoomFor(34.7, 1)).toBe(16.2);
  });

  it("is proved by pictures before and after, which come first", () => {
    const file = (kind: string): Evidence =>
      ({ kind, sha256: kind, state: "whole", media_type: "image/jpeg", captured_at: "2026-11-22T08:00:00Z", bytes: 9 }) as Evidence;
    const files = newestOfEach([file("before"), file("after")]);
    expect(files.stills?.kind).toBe("after");
    const alert = { ...alertOf("shed", { hazard: "illegal_structure" }), detail: SHED } as unknown as AlertDetail;
    expect(tabsOf(alert, files)).toEqual(["stills"]);
    expect(tabsOf(alert, newestOfEach([file("clip")]))).toEqual(["stills", "clip"]);
  });
});
