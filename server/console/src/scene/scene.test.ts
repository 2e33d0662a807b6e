import { createInstance, type TFunction } from "i18next";
import { beforeAll, describe, expect, it } from "vitest";

import { measurements } from "../alerts/measurements";
import { newestModel } from "../alerts/model";
import { en } from "../i18n/en";
import { zh } from "../i18n/zh";
import { fireFacts, fireText, growthText, percentText, sizeText, type FireFacts } from "./fire";
import { headingText, objectsFacts, objectsText } from "./objects";

const FIRE = {
  box: { x: 10, y: 20, width: 30, height: 40 },
  stage: "critical",
  proposers: ["model", "flame"],
  light: "night",
  seconds: 12,
  area_share: 0.0042,
  growth_per_minute: 1.2,
  width_m: 1.24,
  height_m: 0.81,
  cues: { power_1_12_hz: 0.7 },
  witnesses: [{ source: "hall-2", hazard: "smoke_density", seconds_ago: 3.2, distance_m: 12.4 }],
};

const PARKED = {
  zone: "fire lane",
  rule: "dwell",
  count: 3,
  seconds: 185,
  limit: 60,
  objects: [
    { label: "car", box: { x: 1, y: 1, width: 9, height: 9 }, seconds: 185 },
    { label: "car", box: { x: 20, y: 1, width: 9, height: 9 }, seconds: 90 },
    { label: "truck", box: { x: 40, y: 1, width: 9, height: 9 }, seconds: 70 },
  ],
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

function fire(fields: Record<string, unknown> = {}): FireFacts {
  const facts = fireFacts({ ...FIRE, ...fields });
  if (facts === null) throw new Error("not read");
  return facts;
}

describe("a fire in words", () => {
  it("says how long, how large, how fast, and who else says so", () => {
    expect(fireText("fire", fire(), 12, english, "en")).toBe(
      "Flames seen for 12 s, about 1.2 m wide and 0.8 m high, growing by 120 % a minute, " +
        "confirmed by hall-2 (smoke sensor, 3 s before, 12 m away)",
    );
    expect(fireText("fire", fire(), 12, chinese, "zh")).toBe(
      "可见明火 12秒，宽约 1.2 米、高约 0.8 米，每分钟扩大 120 %，旁证：hall-2（烟感，3秒前，相距 12 米）",
    );
  });

  it("leaves out what is not known", () => {
    const plain = fire({ growth_per_minute: null, width_m: undefined, height_m: undefined, witnesses: undefined });
    expect(fireText("smoke", plain, 65, english, "en")).toBe("Smoke seen for 1 min 05 s, 0.42 % of the picture");
    expect(sizeText(fire({ height_m: null }), english)).toBe("about 1.2 m wide");
    expect(sizeText(fire({ width_m: null }), english)).toBe("about 0.8 m high");
  });

  it.each([
    [null, null],
    [0.1, "not growing"],
    [-0.14, "not growing"],
    [0.5, "growing by 50 % a minute"],
    [-0.5, "shrinking by 50 % a minute"],
    [40, "growing more than tenfold a minute"],
  ])("tells a growth of %s a minute", (growth, expected) => {
    expect(growthText(fire({ growth_per_minute: growth }), english)).toBe(expected);
  });

  it.each([
    [0.000001, "< 0.01 %"],
    [0.0042, "0.42 %"],
    [0.05, "5 %"],
    [0.1234, "12 %"],
    [1, "100 %"],
  ])("writes a share of %s", (share, expected) => {
    expect(percentText(share)).toBe(expected);
  });

  it("takes a witness of a hazard that it does not know as it was sent, and one without distance", () => {
    const odd = fire({ witnesses: [{ source: "s-1", hazard: "odd_smell", seconds_ago: 1 }, { hazard: "fire" }, "no"] });
    expect(odd.witnesses).toHaveLength(1);
    expect(fireText("fire", odd, 5, english, "en")).toContain("confirmed by s-1 (odd smell, 1 s before)");
  });

  it.each([{}, { stage: "maybe" }, { light: "dusk" }, { area_share: "much" }])("is not read from %j", (fields) => {
    const detail = Object.keys(fields).length === 0 ? {} : { ...FIRE, ...fields };
    expect(fireFacts(detail)).toBeNull();
  });

  it("lists its facts in both languages", () => {
    const rows = measurements({ detail: FIRE }, english, "en").map(({ label, value }) => `${label}: ${value}`);
    expect(rows).toEqual([
      "Stage: Critical: it lasts, or another source agrees",
      "Size: about 1.2 m wide and 0.8 m high",
      "Of the picture: 0.42 %",
      "Growth: growing by 120 % a minute",
      "Light: night",
      "Noticed by: model, look of flames",
      "Witnesses: hall-2 (smoke sensor, 3 s before, 12 m away)",
    ]);
    expect(measurements({ detail: FIRE }, chinese, "zh").map(({ label }) => label)).toEqual([
      "阶段",
      "大小",
      "占画面",
      "变化",
      "光照",
      "判断依据",
      "旁证",
    ]);
  });
});

describe("things in a zone in words", () => {
  const read = (fields: Record<string, unknown> = {}) => {
    const facts = objectsFacts({ ...PARKED, ...fields });
    if (facts === null) throw new Error("not read");
    return facts;
  };

  it("says where, what, how long and what is allowed", () => {
    expect(objectsText(read(), 100, english, "en")).toBe(
      "In “fire lane”: car × 2, truck, for 3 min 05 s, at most 1 min 00 s allowed",
    );
    expect(objectsText(read(), 100, chinese, "zh")).toBe("“fire lane”内有轿车 × 2、货车，已 3分05秒，最多可停 1分00秒");
  });

  it("counts those that the event has no room for", () => {
    const crowd = read({ rule: "count", count: 12, limit: 8, objects: [{ label: "person", seconds: 4 }] });
    expect(objectsText(crowd, 40, english, "en")).toBe("In “fire lane”: person, 11 more, for 40 s, at most 8 allowed");
  });

  it("says which way it goes, and labels that it does not know as they were sent", () => {
    const ghost = read({ rule: "direction", count: 1, limit: 60, heading_degrees: 181, objects: [{ label: "e-scooter", seconds: 2 }] });
    expect(objectsText(ghost, 3, english, "en")).toBe(
      "In “fire lane”: e-scooter, going down the picture, for 3 s, more than 60° off the allowed direction",
    );
    const headings = [0, 44, 90, 359, 337, 225].map((degrees) => headingText(degrees, english));
    expect(headings).toEqual([
      "going up the picture",
      "going up and right",
      "going right",
      "going up the picture",
      "going up and left",
      "going down and left",
    ]);
  });

  it("is not read from what is something else", () => {
    for (const fields of [{ rule: "taste" }, { zone: 4 }, { limit: null }]) expect(objectsFacts({ ...PARKED, ...fields })).toBeNull();
    expect(measurements({ detail: PARKED }, english, "en").map(({ value }) => value)).toEqual([
      "fire lane",
      "car × 2, truck",
      "at most 1 min 00 s allowed",
      "3 min 05 s",
    ]);
  });
});

describe("the model behind an alert", () => {
  const episode = (observed_at: string, sha256: string | null) => ({
    episode_id: observed_at,
    source_id: "yard-1",
    phase: "updated" as const,
    revision: 1,
    started_at: observed_at,
    observed_at,
    ended_at: null,
    demoted: null,
    stale: false,
    repeat_of: null,
    quiet_repeats: null,
    repaired_at: null,
    producer:
      sha256 === null
        ? { software: "s", detector: "d", config_sha256: "0", model: null }
        : { software: "s", detector: "d", config_sha256: "0", model: { name: "fire_smoke", version: "1", sha256 } },
  });

  it("is that of the newest episode that names one", () => {
    expect(newestModel([])).toBeNull();
    expect(newestModel([episode("2026-11-22T08:00:00Z", null), { ...episode("2026-11-22T08:00:00Z", null), producer: null }])).toBeNull();
    const all = [
      episode("2026-11-22T08:00:00Z", "aa"),
      episode("2026-11-22T09:00:00Z", "bb"),
      episode("2026-11-22T10:00:00Z", null),
    ];
    expect(newestModel(all)?.sha256).toBe("bb");
  });
});
