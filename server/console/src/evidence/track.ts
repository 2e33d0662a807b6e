/** The detector's trajectory, wherever it comes from: the `track` evidence or the few points in the event's detail. */

export interface TrackPoint {
  /** Seconds of the source's media time. */
  t: number;
  x: number;
  y: number;
}

export interface Track {
  label: string;
  points: TrackPoint[];
}

export interface TrackDocument {
  /** Begin of the episode, milliseconds since 1970 and seconds of media time: one moment on both clocks. */
  startedAt: number;
  startSeconds: number;
  tracks: Track[];
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
    }))
    .filter((track) => track.points.length > 0);
  return { startedAt, startSeconds, tracks };
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
