import { describe, expect, it } from "vitest";

import type { AlertDetail, Evidence } from "../api/types";
import { ageColour, drawTracks, letterbox } from "./draw";
import { FRAME_S, frameMoment, nextSpeed } from "./player";
import { pictureName } from "./save";
import { bestTab, isPending, newestOfEach, tabsOf } from "./select";
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
    { label: "a", points: [[43, 10, 20], [42.5, 0, 0], ["bad", 1, 2]], box: [4, 5, 6, 7] },
    { label: "empty", points: [], box: [1, 2, 0, 0] },
  ],
};

describe("tracks", () => {
  it("reads the edge's document and puts it on the clip's clock", () => {
    const track = parseTrackDocument(DOCUMENT);
    expect(track?.tracks).toEqual([
      {
        label: "a",
        points: [{ t: 42.5, x: 0, y: 0 }, { t: 43, x: 10, y: 20 }],
        box: { x: 4, y: 5, width: 6, height: 7 },
      },
    ]);
    expect(track?.size).toBeNull();
    expect(parseTrackDocument({ ...DOCUMENT, size: [1920, 1080] })?.size).toEqual({ width: 1920, height: 1080 });
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

describe("what is drawn over a picture", () => {
  it("is coloured by age: blue, yellow, red", () => {
    expect([0, 0.5, 1, 7].map(ageColour)).toEqual([
      "rgb(40, 190, 255)",
      "rgb(255, 225, 70)",
      "rgb(255, 60, 40)",
      "rgb(255, 60, 40)",
    ]);
  });

  it("keeps the picture's proportions", () => {
    expect(letterbox({ width: 800, height: 800 }, { width: 1600, height: 900 })).toEqual({ scale: 0.5, left: 0, top: 175 });
  });

  it("follows a clip of another size than the detector's picture", () => {
    const spots: [string, number, number][] = [];
    const note = (name: string) => (x: number, y: number): void => void spots.push([name, x, y]);
    const methods: Record<string, unknown> = {
      arc: note("dot"),
      createLinearGradient: () => ({ addColorStop: () => undefined }),
      measureText: () => ({ width: 10 }),
    };
    const pen = new Proxy({} as CanvasRenderingContext2D, {
      get: (_, name): unknown => methods[String(name)] ?? (() => undefined),
      set: () => true,
    });
    const tracks = parseTrackDocument(DOCUMENT)?.tracks ?? [];
    const half = { width: 320, height: 180 };
    drawTracks(pen, { width: 640, height: 360 }, { width: 640, height: 360 }, 1, { tracks, size: half, now: null });
    expect(spots).toEqual([["dot", 0, 0], ["dot", 20, 40]]);
    spots.length = 0;
    drawTracks(pen, { width: 640, height: 360 }, { width: 640, height: 360 }, 1, { tracks, size: half, now: 42.6 });
    expect(spots[0]).toEqual(["dot", 0, 0]);
    expect(spots.length).toBeGreaterThan(1);
    spots.length = 0;
    drawTracks(pen, { width: 640, height: 360 }, { width: 640, height: 360 }, 1, { tracks, size: half, now: 60 });
    expect(spots).toEqual([]);
  });

  it("is saved under a name that sorts and that every file system takes", () => {
    expect(pictureName("东门 3 / Gate", "2026-11-21T08:00:05.123Z")).toBe("东门-3-Gate_2026-11-21T08-00-05_overlay.jpg");
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
  const alert = (detail: Record<string, unknown>): AlertDetail => ({ hazard: "thrown_object", detail }) as unknown as AlertDetail;

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

  it("waits for what comes, and not for what its box gave up", () => {
    expect(newestOfEach([file("clip", "dropped"), file("clip", "expected")]).clip?.state).toBe("expected");
    expect([null, file("clip", "expected"), file("clip", "partial")].every(isPending)).toBe(true);
    expect([file("clip", "dropped"), file("clip", "whole")].some(isPending)).toBe(false);
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
