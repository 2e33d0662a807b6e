/** The detector's trajectory, wherever it comes from: the `track` evidence or the few points in the event's detail. */

export interface TrackPoint {
  /** Seconds of the source's media time. */
  t: number;
  x: number;
  y: number;
}

export interface PictureSize {
  width: number;
  height: number;
}

export interface TrackBox extends PictureSize {
  x: number;
  y: number;
}

export interface Track {
  label: string;
  points: TrackPoint[];
  /** Where the object was last. */
  box: TrackBox | null;
  /** Media time since when it is there, for what has a place and no path. */
  since?: number;
}

export interface TrackDocument {
  /** Begin of the episode, milliseconds since 1970 and seconds of media time: one moment on both clocks. */
  startedAt: number;
  startSeconds: number;
  /** Of the picture whose pixels the tracks count; boxes of an older version do not say. */
  size: PictureSize | null;
  tracks: Track[];
}

/** What is drawn over a clip or a picture. */
export interface Trace {
  tracks: readonly Track[];
  size: PictureSize | null;
  /** Media time of the clip's first frame, seconds; of no use on a picture. */
  clipStart: number;
}

export type Shown = HTMLImageElement | HTMLVideoElement;

/** The size of what is shown, in its own pixels; 0 × 0 until it is known. */
export function naturalSize(media: Shown): PictureSize {
  return media instanceof HTMLVideoElement
    ? { width: media.videoWidth, height: media.videoHeight }
    : { width: media.naturalWidth, height: media.naturalHeight };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** Points as the track document writes them: `[t, x, y]`. What is no point is passed over. */
function parsePoints(value: unknown): TrackPoint[] {
  if (!Array.isArray(value)) return [];
  return value
    .flatMap((row: unknown) => {
      if (!Array.isArray(row)) return [];
      const [t, x, y] = row as unknown[];
      return isFiniteNumber(t) && isFiniteNumber(x) && isFiniteNumber(y) ? [{ t, x, y }] : [];
    })
    .sort((a, b) => a.t - b.t);
}

function parseNumbers(value: unknown, count: number): number[] | null {
  return Array.isArray(value) && value.length === count && value.every(isFiniteNumber) ? value : null;
}

function parseBox(value: unknown): TrackBox | null {
  const [x = 0, y = 0, width = 0, height = 0] = parseNumbers(value, 4) ?? [];
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}

function parseSize(value: unknown): PictureSize | null {
  const [width = 0, height = 0] = parseNumbers(value, 2) ?? [];
  return width > 0 && height > 0 ? { width, height } : null;
}

/** Reads `gridsentry.track.v1`; null for anything else. */
export function parseTrackDocument(value: unknown): TrackDocument | null {
  if (!isRecord(value) || value["format"] !== "gridsentry.track.v1") return null;
  const startedAt = Date.parse(String(value["started_at"]));
  const startSeconds = value["start_seconds"];
  if (Number.isNaN(startedAt) || !isFiniteNumber(startSeconds) || !Array.isArray(value["tracks"])) return null;
  const tracks = value["tracks"]
    .filter(isRecord)
    .map((track) => ({
      label: typeof track["label"] === "string" ? track["label"] : "",
      points: parsePoints(track["points"]),
      box: parseBox(track["box"]),
    }))
    .filter((track) => track.points.length > 0 || track.box !== null);
  return { startedAt, startSeconds, size: parseSize(value["size"]), tracks };
}

/** Media time of the first frame of a clip that begins at `capturedAt` (ISO). */
export function clipStartSeconds(document: TrackDocument, capturedAt: string): number {
  return document.startSeconds + (Date.parse(capturedAt) - document.startedAt) / 1000;
}

/** Where the object was at `t`, between the points; null before the first and after the last. */
export function positionAt(points: readonly TrackPoint[], t: number): { x: number; y: number } | null {
  const after = points.findIndex((point) => point.t >= t);
  if (after < 0) return null;
  const next = points[after];
  const previous = points[after - 1];
  if (next === undefined) return null;
  if (previous === undefined) return next.t - t < 0.02 ? next : null;
  const share = (t - previous.t) / Math.max(1e-9, next.t - previous.t);
  return { x: previous.x + share * (next.x - previous.x), y: previous.y + share * (next.y - previous.y) };
}
