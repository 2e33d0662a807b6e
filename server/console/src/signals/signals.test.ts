import { createInstance, type TFunction } from "i18next";
import { beforeAll, describe, expect, it } from "vitest";

import type { Evidence } from "../api/types";
import { bestTab, newestOfEach, tabsOf, timelinesOf } from "../evidence/select";
import { en } from "../i18n/en";
import { zh } from "../i18n/zh";
import { formatClock, formatShortMoment } from "../lib/time";
import { alertOf } from "../testing/alerts";
import { faultText, lampName, signalFacts, signalMeasurements, whereText, type SignalFacts } from "./detail";
import { bands, clampScale, firstScale, flags, pieces, timeTicks } from "./drawing";
import { lastedSeconds } from "./repaired";
import { stillGroups, stillKind } from "./stills";
import { firstLook, parseTimeline, spanAt, type LampTimeline, type Span } from "./timeline";
import { spanText, summaryText } from "./words";

const HEAD = {
  head: "n1",
  name: "North 1",
  approach: "north",
  group: "ns",
  concerned: false,
  lamps: [{ colour: "red" }, { colour: "amber", shape: "ball" }, { colour: "green", shape: "left" }],
  spans: [
    { start: -60, end: -20, lit: [0] },
    { start: -20, end: 0, lit: [2] },
    { start: 0, end: 30, lit: [] },
    { start: 40, end: 60, unseen: "occluded" },
  ],
};

const DOCUMENT = {
  version: 1,
  zero_at: "2026-11-21T08:00:00Z",
  start: -60,
  end: 70,
  samples_per_second: 8,
  heads: [HEAD, { ...HEAD, head: "n2", name: "", concerned: true }],
  moments: [{ at: 45, what: "certain" }, { at: 0, what: "began" }, { at: 1, what: "exploded" }],
};

function read(document: unknown): LampTimeline {
  const result = parseTimeline(document);
  if ("fault" in result) throw new Error(result.fault);
  return result.timeline;
}

const span = (start: number, end: number, ...lit: number[]): Span => ({ start, end, lit, unseen: null, countdown: null });

describe("reading a timeline", () => {
  it("puts the faulty heads first and what is not told down as unseen", () => {
    const timeline = read(DOCUMENT);
    expect(timeline.heads.map(({ id }) => id)).toEqual(["n2", "n1"]);
    expect(timeline.moments.map(({ what }) => what)).toEqual(["began", "certain"]);
    expect(timeline.heads[1]?.spans.map(({ start, end, lit, unseen }) => [start, end, lit.join("+"), unseen])).toEqual([
      [-60, -20, "0", null],
      [-20, 0, "2", null],
      [0, 30, "", null],
      [30, 40, "", "no_picture"],
      [40, 60, "", "occluded"],
      [60, 70, "", "no_picture"],
    ]);
  });

  it.each([
    [null, "notTimeline"],
    [[], "notTimeline"],
    ["<script>", "notTimeline"],
    [{ ...DOCUMENT, version: 2 }, "newer"],
    [{ ...DOCUMENT, version: "1" }, "notTimeline"],
    [{ ...DOCUMENT, zero_at: "yesterday" }, "notTimeline"],
    [{ ...DOCUMENT, end: -60 }, "notTimeline"],
    [{ ...DOCUMENT, end: Number.NaN }, "notTimeline"],
    [{ ...DOCUMENT, end: 1e300 }, "tooLong"],
    [{ ...DOCUMENT, start: 1e9, end: 1e9 + 1 }, "tooLong"],
    [{ ...DOCUMENT, heads: [] }, "empty"],
    [{ ...DOCUMENT, heads: { length: 5 } }, "notTimeline"],
    [{ ...DOCUMENT, heads: [null, 7, { head: "x" }, { head: "", lamps: [{}] }] }, "empty"],
  ])("says of %j that it is %s", (document, fault) => {
    expect(parseTimeline(document)).toEqual({ fault });
  });

  it("survives heads, lamps and spans of any kind", () => {
    const spans = [
      { start: 50, end: 60, lit: [1] },
      { start: 10, end: 20, lit: [0, 99, -1, "0", {}] },
      { start: 15, end: 25, lit: [2, 2] },
      { start: "0", end: 9 },
      { start: 30, end: 29 },
      { start: -1e12, end: 5, lit: "0" },
      null,
    ];
    const head = { head: "h", lamps: [{ colour: 7 }, null, {}], spans, name: { toString: 1 }, group: "x".repeat(9999) };
    const [only] = read({ ...DOCUMENT, heads: [head], moments: "none" }).heads;
    expect(only?.spans.map(({ start, end, lit, unseen }) => [start, end, lit.join("+"), unseen])).toEqual([
      [-60, 5, "", null],
      [5, 10, "", "no_picture"],
      [10, 20, "", "broken_document"],
      [20, 25, "2", null],
      [25, 50, "", "no_picture"],
      [50, 60, "1", null],
      [60, 70, "", "no_picture"],
    ]);
    expect(only?.group).toHaveLength(256);
    const many = { ...HEAD, spans: Array.from({ length: 9000 }, (_, k) => ({ start: -60 + k / 100, end: -60 + (k + 1) / 100, lit: [k % 2] })) };
    const crowd = read({ ...DOCUMENT, heads: Array.from({ length: 200 }, (_, k) => ({ ...many, head: `h${k}` })) });
    expect([crowd.heads.length, crowd.heads[0]?.spans.length]).toEqual([48, 4001]);
  });

  it("takes neighbours that show the same for one", () => {
    const spans = [{ start: -60, end: 0, lit: [0] }, { start: 0, end: 9, lit: [0] }, { start: 9, end: 70, lit: [0], countdown: "on" }];
    expect(read({ ...DOCUMENT, heads: [{ ...HEAD, spans }] }).heads[0]?.spans.map(({ start }) => start)).toEqual([-60, 9]);
  });

  it("begins where the fault does, or where it ended", () => {
    expect(firstLook(read(DOCUMENT))).toBe(0);
    expect(firstLook(read({ ...DOCUMENT, moments: [{ at: 9, what: "repaired" }, { at: -99, what: "began" }] }))).toBe(9);
    expect(firstLook(read({ ...DOCUMENT, moments: [] }))).toBe(-60);
  });

  it("finds the span of a time", () => {
    const spans = read(DOCUMENT).heads[0]?.spans ?? [];
    expect([-99, -60, -20.1, -20, 35, 70, 999].map((t) => spanAt(spans, t))).toEqual([0, 0, 0, 1, 3, 5, 5]);
  });
});

describe("drawing", () => {
  it("draws each state that has room, and quick ones together", () => {
    const flashing = Array.from({ length: 40 }, (_, k) => span(k * 0.5, k * 0.5 + 0.5, ...(k % 2 === 0 ? [1] : [])));
    const wide = pieces(flashing, 0, 20, 0, 99);
    expect([wide.length, wide.some(({ mixed }) => mixed)]).toEqual([40, false]);
    const narrow = pieces(flashing, 0, 1, 0, 99);
    expect(narrow.length).toBeLessThanOrEqual(7);
    expect(narrow.every(({ mixed, lit }) => mixed && lit.join() === "1")).toBe(true);
    expect(narrow.reduce((sum, { width }) => sum + width, 0)).toBeCloseTo(20);
    expect(pieces(flashing, 0, 20, 5, 6)).toHaveLength(4);
  });

  it("draws one piece where only the countdown changes", () => {
    const red = [0, 1, 2].map((k): Span => ({ ...span(10 * k, 10 * k + 10, 0), countdown: k === 1 ? "unknown" : "on" }));
    expect(pieces(red, 0, 5, 0, 99).map(({ x, width, mixed }) => [x, width, mixed])).toEqual([[0, 150, false]]);
  });

  it("does not take a glimpse for sight", () => {
    const hidden = [1, 2, 3, 4].map((k): Span => ({ ...span(k, k + 1), unseen: k === 2 ? null : "fog" }));
    expect(pieces(hidden, 0, 0.5, 0, 9)[0]?.unseen).toBe("fog");
  });

  it("lays lamps in the order of the pole, so that the place tells the colour", () => {
    const [red] = bands([0], 3, 26);
    const [green] = bands([2], 3, 26);
    expect(red?.y).toBe(0);
    expect((green?.y ?? 0) + (green?.height ?? 0)).toBeCloseTo(26);
    expect(bands([0, 1], 3, 26).map(({ y }) => y)).toEqual([0, 13]);
    expect(bands([0], 1, 26)).toEqual([{ lamp: 0, y: 0, height: 26 }]);
    expect(bands([], 3, 26)).toEqual([]);
  });

  it("ticks at round local times", () => {
    const range = { start: -60, end: 70, zeroAt: Date.parse("2026-11-21T08:00:07Z") };
    const { step, ticks } = timeTicks(range, 2, 70, -480);
    expect(step).toBe(60);
    expect(ticks.map(({ moment }) => new Date(moment).toISOString().slice(11, 19))).toEqual(["08:00:00", "08:01:00"]);
    // A zone half an hour off: full hours lie elsewhere.
    const day = timeTicks({ ...range, start: 0, end: 7200 }, 0.02, 70, -330);
    expect(new Date(day.ticks[0]?.moment ?? 0).toISOString().slice(14, 16)).toBe("30");
  });

  it("lays the words of moments so that none covers another", () => {
    expect(flags([0, 300, 310], 1000)).toEqual([
      { left: false, lane: 0 },
      { left: false, lane: 0 },
      { left: false, lane: 1 },
    ]);
    expect(flags([800, 990], 1000)).toEqual([
      { left: false, lane: 0 },
      { left: true, lane: 1 },
    ]);
  });

  it("begins with all of it, unless that could not be read", () => {
    expect(firstScale(100, 700)).toBe(7);
    expect(firstScale(3600, 700)).toBe(0.8);
    expect(clampScale(1e9, 100, 700)).toBe(60);
    expect(clampScale(0, 100, 700)).toBe(7);
    expect(clampScale(60, 43_200, 700) * 43_200).toBeLessThanOrEqual(60_000);
  });
});

const languages: Record<"en" | "zh", TFunction> = { en: (() => "") as unknown as TFunction, zh: (() => "") as unknown as TFunction };
const DARK = { scope: "head", heads: ["n1"], heads_total: 1, seconds: 45, visible_share: 0.973, samples_per_second: 8.04 };

function facts(detail: Record<string, unknown>): SignalFacts {
  const found = signalFacts({ ...DARK, ...detail });
  if (found === null) throw new Error("no facts");
  return found;
}

describe("telling a fault", () => {
  beforeAll(async () => {
    const words = createInstance();
    await words.init({ lng: "en", resources: { en: { translation: en }, zh: { translation: zh } }, interpolation: { escapeValue: false } });
    languages.en = words.getFixedT("en");
    languages.zh = words.getFixedT("zh");
  });

  it.each([
    ["signal_dark", {}, "nothing lit for 3 min 34 s", "3分34秒没有任何灯亮"],
    ["signal_lamp", { lamp: { colour: "red" }, cycles: 3 }, "red does not light when it should; seen in 3 cycles", "红该亮不亮；已见于 3 个周期"],
    ["signal_stuck", { expected_seconds: 70 }, "no change for 3 min 34 s; longest normal at this hour 1 min 10 s", "3分34秒没有变化；此时段正常最长 1分10秒"],
    [
      "signal_flashing",
      { lamp: { colour: "amber" }, flash_hz: 1.02, flash_duty: 0.5 },
      "amber flashes at 1.0 Hz; lit 50 % of the time; for 3 min 34 s",
      "黄以 1.0 赫兹闪烁；亮的时间占 50 %；持续 3分34秒",
    ],
    ["signal_conflict", { scope: "groups", groups: ["A", "B"], cycles: 2 }, "green at the same time; seen in 2 cycles", "同时放行；已见于 2 个周期"],
    ["signal_sequence", { order: ["red", "red+amber", "dark"] }, "wrong order: red → red + amber → dark", "次序错误：红 → 红 + 黄 → 灭"],
    ["signal_countdown", { cycles: 1 }, "the countdown shows nothing; seen in 1 cycle", "倒计时不显示；已见于 1 个周期"],
    ["signal_unheard_of", {}, "for 3 min 34 s", "持续 3分34秒"],
  ])("%s", (hazard, detail, english, chinese) => {
    expect(faultText(hazard, facts(detail), 214, languages.en, "en")).toBe(english);
    expect(faultText(hazard, facts(detail), 214, languages.zh, "zh")).toBe(chinese);
  });

  it.each([
    [{ heads: ["n1"] }, "Head North 1"],
    [{ scope: "approach", approach: "north", heads: ["n1", "n2"], heads_total: 2 }, "Approach north (2 heads)"],
    [{ scope: "junction", heads: ["n1"], heads_total: 30 }, "The whole junction (30 heads)"],
    [{ scope: "groups", groups: ["A", "B"] }, "Groups A and B"],
  ])("says where: %j", (detail, where) => {
    expect(whereText(facts(detail), languages.en, "en", (id) => (id === "n1" ? "North 1" : id))).toBe(where);
  });

  it("lists what it rests on, and how many heads are not listed", () => {
    const rows = signalMeasurements(facts({ scope: "junction", heads_total: 30 }), languages.en, "en");
    expect(rows.map(({ value }) => value)).toEqual(["The whole junction (30 heads)", "n1 and 29 more", "seen 97 % of the time, 8 times a second"]);
  });

  it("takes what it does not know as it comes, and nothing for a fault", () => {
    expect(lampName({ colour: "turquoise", shape: "squid" }, languages.en)).toBe("turquoise squid");
    for (const detail of [{}, { scope: "head" }, { scope: "planet", heads: ["a"] }, { scope: "head", heads: "abc" }]) {
      expect(signalFacts(detail)).toBeNull();
    }
    const odd = facts({ order: [1, {}, "red"], lamp: "red", flash_hz: "fast", groups: null, heads_total: "many" });
    expect([odd.order, odd.lamp, odd.flashHz, odd.groups, odd.headsTotal]).toEqual([["red"], null, null, [], 1]);
  });

  it("tells a piece of the timeline and the whole of it", () => {
    const timeline = read({ ...DOCUMENT, heads: [HEAD] });
    const [head] = timeline.heads;
    if (head === undefined) throw new Error("no head");
    const at = (t: number): string => formatClock(timeline.zeroAt + t * 1000, "en", true);
    const told = head.spans.map((piece) => spanText(timeline, head, piece, languages.en, "en"));
    expect(told[1]).toBe(`green left arrow, ${at(-20)}–${at(0)} (20 s)`);
    expect(told[2]).toContain("dark");
    expect(told[4]).toContain("not seen: something stands before it");
    expect(summaryText(timeline, languages.en, "en")).toContain(`began ${at(0)}, certain ${at(45)}`);
  });
});

describe("a repair", () => {
  const alert = { opened_at: "2026-11-21T08:00:00Z", ended_at: null, phase: "updated", repaired_at: null } as const;

  it("is how long it lasted; until then it lasts", () => {
    expect(lastedSeconds(alert, Date.parse("2026-11-21T08:00:07Z"))).toBe(7);
    const over = { ...alert, phase: "cleared", ended_at: "2026-11-21T09:00:00Z" } as const;
    expect(lastedSeconds(over, 0)).toBe(3600);
    expect(lastedSeconds({ ...over, repaired_at: "2026-11-21T09:12:00Z" }, 0)).toBe(4320);
  });

  it("is told to the minute, with its day if that is another one", () => {
    const moment = new Date(2026, 10, 21, 9, 5, 59);
    const iso = moment.toISOString();
    expect(formatShortMoment(iso, "en", moment.getTime())).toBe("09:05");
    expect(formatShortMoment(iso, "en", moment.getTime() + 86_400_000)).toBe("21 Nov 09:05");
    expect(formatShortMoment("soon", "en", 0)).toBe("–");
  });
});

const file = (kind: string, fields: Partial<Evidence> = {}): Evidence => ({
  sha256: `${kind}${JSON.stringify(fields)}`,
  kind,
  media_type: kind === "timeline" ? "application/json" : "image/jpeg",
  bytes: 10,
  captured_at: "2026-11-21T08:00:00Z",
  redacted: false,
  state: "whole",
  ...fields,
});

describe("the evidence of a signal", () => {
  it("begins with the timeline, the latest and largest one first", () => {
    const files = [file("timeline"), file("timeline", { bytes: 20 }), file("timeline", { state: "expected", bytes: 99 }), file("clip")];
    expect(timelinesOf(files).map(({ bytes }) => bytes)).toEqual([20, 10, 99]);
    expect(timelinesOf([file("timeline", { media_type: "text/html" })])).toEqual([]);
    const alert = { ...alertOf("a", { hazard: "signal_dark" }), detail: {} } as unknown as Parameters<typeof tabsOf>[0];
    const set = newestOfEach(files);
    expect(tabsOf(alert, set)).toEqual(["timeline", "clip", "snapshot"]);
    expect(bestTab(tabsOf(alert, set), set)).toBe("timeline");
  });

  it("pairs stills by head in the order of time, and shows no file that is no picture", () => {
    const groups = stillGroups([
      file("after", { label: "n1", captured_at: "2026-11-21T08:01:00Z" }),
      file("before", { label: "n2" }),
      file("before", { label: "n1", captured_at: "2026-11-21T08:01:00Z" }),
      file("after", { label: "n1", captured_at: "2026-11-21T09:01:00Z" }),
      file("before", { media_type: "application/json" }),
      file("snapshot", { label: "n1" }),
    ], ["n2", "n1"]);
    expect(groups.map(({ label, stills }) => [label, ...stills.map(({ kind }) => kind)])).toEqual([
      ["n2", "before"],
      ["n1", "before", "after", "after"],
    ]);
    const [, first, second] = groups[1]?.stills ?? [];
    expect([first, second].map((still) => still && stillKind(still, "2026-11-21T09:00:00Z"))).toEqual(["after", "mended"]);
  });
});
