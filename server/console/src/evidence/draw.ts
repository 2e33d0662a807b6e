/** Draws what the detector saw: the same on a clip that plays, on a still, and in a picture that is saved. */

import { positionAt, type PictureSize, type Track, type TrackPoint } from "./track";

/** In a clip the track is shown a moment before it begins and stays for a moment after it. */
const LEAD_S = 0.4;
const LINGER_S = 3;

/** From the track's beginning through its middle to its end: blue, yellow, red. As the edge burns it into pictures. */
const AGES: readonly (readonly [number, number, number])[] = [
  [40, 190, 255],
  [255, 225, 70],
  [255, 60, 40],
];
const INK = "rgba(0, 0, 0, 0.55)";

export interface Drawing {
  tracks: readonly Track[];
  /** The picture whose pixels the tracks count; null: the shown one's own. */
  size: PictureSize | null;
  /** Media time, seconds; null draws all of every track, as on a still. */
  now: number | null;
}

/** Where the shown picture lies in its box: letterboxed, as `object-fit: contain` does it. */
export function letterbox(box: PictureSize, picture: PictureSize): { scale: number; left: number; top: number } {
  const scale = Math.min(box.width / picture.width, box.height / picture.height);
  return { scale, left: (box.width - picture.width * scale) / 2, top: (box.height - picture.height * scale) / 2 };
}

/** Where the object is `share` (0 to 1) of its track's time: the colour of that age. */
export function ageColour(share: number): string {
  const place = Math.min(1, Math.max(0, share)) * (AGES.length - 1);
  const index = Math.min(Math.floor(place), AGES.length - 2);
  const [early, late] = [AGES[index], AGES[index + 1]];
  if (early === undefined || late === undefined) return "rgb(255, 60, 40)";
  const mixed = early.map((value, channel) => Math.round(value + ((late[channel] ?? value) - value) * (place - index)));
  return `rgb(${mixed.join(", ")})`;
}

/** Draws into a canvas whose box shows `picture`; `unit` is the width of a thin line in canvas pixels. */
export function drawTracks(
  context: CanvasRenderingContext2D,
  box: PictureSize,
  picture: PictureSize,
  unit: number,
  { tracks, size, now }: Drawing,
): void {
  const counted = size ?? picture;
  const { scale, left, top } = letterbox(box, picture);
  const toCanvas = ({ x, y }: { x: number; y: number }): Spot => [
    left + (x / counted.width) * picture.width * scale,
    top + (y / counted.height) * picture.height * scale,
  ];
  const pen = { context, unit, toCanvas };
  for (const track of tracks) drawTrack(pen, track, now);
  for (const track of tracks) if (now === null || ended(track, now)) drawLabel(pen, track, box);
}

type Spot = [number, number];

interface Pen {
  context: CanvasRenderingContext2D;
  unit: number;
  toCanvas: (point: { x: number; y: number }) => Spot;
}

function ended(track: Track, now: number): boolean {
  const last = track.points.at(-1);
  return last !== undefined && now >= last.t && now <= last.t + LINGER_S;
}

function drawTrack(pen: Pen, track: Track, now: number | null): void {
  const { points } = track;
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined) {
    // What stays where it is has a place and no path: flames, a parked car.
    if (now === null || now >= (track.since ?? 0)) drawBox(pen, track);
    return;
  }
  if (now !== null && (now < first.t - LEAD_S || now > last.t + LINGER_S)) return;
  if (now !== null) stroke(pen, points.map(pen.toCanvas), "rgba(255, 255, 255, 0.4)", 1.2, [4, 5]);
  const past = now === null ? points : points.filter((point) => point.t <= now);
  const here = now === null ? null : positionAt(points, now);
  const path: TrackPoint[] = here === null || now === null ? [...past] : [...past, { t: now, ...here }];
  const share = (t: number): number => (t - first.t) / Math.max(1e-9, last.t - first.t);
  stroke(pen, path.map(pen.toCanvas), INK, 4.5, []);
  path.slice(1).forEach((point, index) => {
    const from = path[index];
    if (from !== undefined) strokeSegment(pen, pen.toCanvas(from), pen.toCanvas(point), share(from.t), share(point.t));
  });
  for (const point of past) dot(pen, pen.toCanvas(point), ageColour(share(point.t)));
  if (here !== null) ring(pen, pen.toCanvas(here));
  if (now === null || ended(track, now)) drawBox(pen, track);
}

function drawBox(pen: Pen, { box }: Track): void {
  if (box === null) return;
  const pad = 4 * pen.unit;
  const [left, top] = pen.toCanvas(box);
  const [right, bottom] = pen.toCanvas({ x: box.x + box.width, y: box.y + box.height });
  for (const [colour, width] of [[INK, 3.5], ["rgb(255, 220, 60)", 1.8]] as const) {
    pen.context.lineWidth = width * pen.unit;
    pen.context.strokeStyle = colour;
    pen.context.strokeRect(left - pad, top - pad, right - left + 2 * pad, bottom - top + 2 * pad);
  }
}

function drawLabel({ context, unit, toCanvas }: Pen, { label, box, points }: Track, within: PictureSize): void {
  const anchor = box === null ? points.at(-1) : { x: box.x + box.width, y: box.y };
  if (label === "" || anchor === undefined) return;
  const size = 13 * unit;
  const pad = 5 * unit;
  context.font = `600 ${size}px system-ui, sans-serif`;
  const width = context.measureText(label).width + 2 * pad;
  const height = size + 2 * pad;
  const [x, y] = toCanvas(anchor);
  // To the right of the box, or to its left where the picture ends: over the track it would hide it.
  const [beside] = toCanvas(box ?? anchor);
  const right = x + 10 * unit;
  const left = Math.max(0, right + width <= within.width ? right : beside - 10 * unit - width);
  const top = Math.max(0, Math.min(y - 10 * unit - height, within.height - height));
  context.fillStyle = "rgba(0, 0, 0, 0.65)";
  context.fillRect(left, top, width, height);
  context.fillStyle = "#fff";
  context.textBaseline = "middle";
  context.fillText(label, left + pad, top + height / 2);
}

/** A piece of the track, its colour running with its age; through yellow where it spans the middle. */
function strokeSegment(pen: Pen, from: Spot, to: Spot, early: number, late: number): void {
  const colour = pen.context.createLinearGradient(...from, ...to);
  colour.addColorStop(0, ageColour(early));
  if (early < 0.5 && late > 0.5) colour.addColorStop((0.5 - early) / (late - early), ageColour(0.5));
  colour.addColorStop(1, ageColour(late));
  stroke(pen, [from, to], colour, 2.5, []);
}

function stroke(
  { context, unit }: Pen,
  path: readonly Spot[],
  colour: string | CanvasGradient,
  width: number,
  dash: number[],
): void {
  const [start, ...rest] = path;
  if (start === undefined || rest.length === 0) return;
  context.beginPath();
  context.moveTo(...start);
  for (const spot of rest) context.lineTo(...spot);
  context.setLineDash(dash.map((length) => length * unit));
  context.lineCap = "round";
  context.lineJoin = "round";
  context.lineWidth = width * unit;
  context.strokeStyle = colour;
  context.stroke();
  context.setLineDash([]);
}

function dot({ context, unit }: Pen, [x, y]: Spot, colour: string): void {
  context.beginPath();
  context.arc(x, y, 2.2 * unit, 0, 2 * Math.PI);
  context.fillStyle = colour;
  context.fill();
}

function ring({ context, unit }: Pen, [x, y]: Spot): void {
  for (const [colour, width] of [[INK, 4], ["#ff5a4f", 2]] as const) {
    context.beginPath();
    context.arc(x, y, 15 * unit, 0, 2 * Math.PI);
    context.lineWidth = width * unit;
    context.strokeStyle = colour;
    context.stroke();
  }
}
