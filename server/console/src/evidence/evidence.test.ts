import { describe, expect, it } from "vitest";

import type { AlertDetail, Evidence } from "../api/types";
import { FRAME_S, frameMoment, nextSpeed } from "./player";
import { bestTab, newestOfEach, tabsOf } from "./select";
import { niceTicks, parseTelemetry } from "./telemetry";
import { clipStartSeconds, parseTrackDocument, positionAt } from "./track";

const file = (kind: string, state: Evidence["state"], captured_at = "2026-11-21T08:00:00Z"): Evidence => ({
  sha256: `${kind}-${state}-${captured_at}`,
  kind,
  media_type: "image/jpeg",
  bytes: 1,
  captured_at,
  redacted: false,
  state,
});

const DOCUMENT = {
  format: "gridsentry.track.v1",
  started_at: "2026-11-21T08:00:10Z",
  start_seconds: 42.5,
  tracks: [
    { label: "a", points: [[43, 10, 20], [42.5, 0, 0], ["bad", 1, 2]], box: null },
    { label: "empty", points: [] },
  ],
};

describe("tracks", () => {
  it("reads the edge's document and puts it on the clip's clock", () => {
    const track = parseTrackDocument(DOCUMENT);
    expect(track?.tracks).toEqual([
      { label: "a", points: [{ t: 42.5, x: 0, y: 0 }, { t: 43, x: 10, y: 20 }] },
    ]);
    // The clip begins 5 s before the episode: its first frame is at 37.5 s of media time.
    expect(track && clipStartSeconds(track, "2026-11-21T08:00:05Z")).toBeCloseTo(37.5);
  });

  it("refuses anything else", () => {
    for (const value of [null, [], {}, { ...DOCUMENT, format: "v2" }, { ...DOCUMENT, started_at: "x" }]) {
      expect(parseTrackDocument(value)).toBeNull();
    }
  });

  it("finds places between the points, and none outside", () => {
    const points = parseTrackDocument(DOCUMENT)?.tracks[0]?.points ?? [];
    expect(positionAt(points, 42.75)).toEqual({ x: 5, y: 10 });
    expect(positionAt(points, 43.1)).toBeNull();
    expect(positionAt(points, 42)).toBeNull();
  });
});

describe("readings", () => {
  it("reads the edge's document in the order of time", () => {
    const telemetry = parseTelemetry({
      format: "gridsentry.telemetry.v1",
      channel: "level",
      unit: "m",
      set_limit: 1.2,
      clear_limit: null,
      readings: [["2026-11-21T08:00:01Z", 1.3], ["2026-11-21T08:00:00Z", 1.1], ["?", 1], ["2026-11-21T08:00:02Z", "NaN"]],
    });
    expect(telemetry?.readings.map(({ value }) => value)).toEqual([1.1, 1.3]);
    expect(telemetry).toMatchObject({ channel: "level", unit: "m", setLimit: 1.2, clearLimit: null });
    expect(parseTelemetry({ format: "other" })).toBeNull();
  });

  it("divides the axis at round values", () => {
    expect(niceTicks(0.93, 1.47, 5)).toEqual([1, 1.2, 1.4]);
    expect(niceTicks(-30, 120, 5)).toEqual([0, 50, 100]);
    expect(niceTicks(2, 2, 5)).toEqual([2]);
  });
});

describe("what to show", () => {
  const alert = (detail: Record<string, unknown>): AlertDetail => ({ detail }) as unknown as AlertDetail;

  it("prefers the whole file, then the newest", () => {
    const files = newestOfEach([
      file("clip", "expected", "2026-11-21T09:00:00Z"),
      file("clip", "whole", "2026-11-21T08:00:00Z"),
      file("snapshot", "whole", "2026-11-21T08:00:00Z"),
      file("snapshot", "whole", "2026-11-21T08:30:00Z"),
    ]);
    expect(files.clip?.state).toBe("whole");
    expect(files.snapshot?.captured_at).toBe("2026-11-21T08:30:00Z");
  });

  it("shows the picture until the clip is here", () => {
    const files = newestOfEach([file("clip", "partial"), file("snapshot", "whole")]);
    const tabs = tabsOf(alert({ box: {} }), files);
    expect(tabs).toEqual(["clip", "snapshot"]);
    expect(bestTab(tabs, files)).toBe("snapshot");
    expect(bestTab(tabs, newestOfEach([file("clip", "whole"), file("snapshot", "whole")]))).toBe("clip");
    expect(bestTab(tabs, newestOfEach([]))).toBe("clip");
  });

  it("offers a sensor's readings and no clip", () => {
    expect(tabsOf(alert({ channel: "level" }), newestOfEach([]))).toEqual(["telemetry"]);
  });
});

describe("the player", () => {
  it("steps to the middle of the next or previous frame", () => {
    expect(frameMoment(1, 1)).toBeCloseTo(26.5 * FRAME_S);
    expect(frameMoment(26.5 * FRAME_S, 1)).toBeCloseTo(27.5 * FRAME_S);
    expect(frameMoment(26.5 * FRAME_S, -1)).toBeCloseTo(25.5 * FRAME_S);
  });

  it("goes round its speeds", () => {
    expect([1, 2, 0.25, 0.5].map(nextSpeed)).toEqual([2, 0.25, 0.5, 1]);
  });
});
