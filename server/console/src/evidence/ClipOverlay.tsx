import { useEffect, useRef, type ReactNode, type RefObject } from "react";

import { positionAt, type Track, type TrackPoint } from "./track";

/** The trajectory is shown a moment before it begins and stays for a moment after it. */
const LEAD_S = 0.4;
const LINGER_S = 3;

interface ClipOverlayProps {
  videoRef: RefObject<HTMLVideoElement | null>;
  /** In the clip's own pixels and in media time: a clip is cut from the packets that the detector saw. */
  tracks: readonly Track[];
  /** Media time of the clip's first frame, seconds. */
  clipStart: number;
}

/** Draws the trajectory over the video, frame by frame in step with it. */
export function ClipOverlay({ videoRef, tracks, clipStart }: ClipOverlayProps): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);

  useEffect(() => {
    let handle = 0;
    const tick = (): void => {
      const element = videoRef.current;
      if (canvas.current !== null && element !== null) draw(canvas.current, element, tracks, clipStart);
      handle = requestAnimationFrame(tick);
    };
    handle = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(handle);
  }, [videoRef, tracks, clipStart]);

  return <canvas ref={canvas} className="clip-overlay" data-testid="clip-overlay" aria-hidden="true" />;
}

type ToCanvas = (point: { x: number; y: number }) => [number, number];

function draw(canvas: HTMLCanvasElement, video: HTMLVideoElement, tracks: readonly Track[], clipStart: number): void {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.clearRect(0, 0, width, height);
  if (video.videoWidth === 0) return;
  // The video keeps its proportions inside its box: the same letterbox holds for the drawing.
  const scale = Math.min(width / video.videoWidth, height / video.videoHeight);
  const left = (width - video.videoWidth * scale) / 2;
  const top = (height - video.videoHeight * scale) / 2;
  for (const { points } of tracks) {
    drawTrack(context, points, clipStart + video.currentTime, ratio, ({ x, y }) => [left + x * scale, top + y * scale]);
  }
}

function drawTrack(
  context: CanvasRenderingContext2D,
  points: readonly TrackPoint[],
  now: number,
  ratio: number,
  at: ToCanvas,
): void {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined || now < first.t - LEAD_S || now > last.t + LINGER_S) return;
  line(context, points.map(at), "rgba(255, 255, 255, 0.35)", 1.5 * ratio, [4 * ratio, 5 * ratio]);
  const past = points.filter((point) => point.t <= now);
  const here = positionAt(points, now);
  line(context, [...past.map(at), ...(here === null ? [] : [at(here)])], "#ffd23e", 2.5 * ratio, []);
  context.fillStyle = "#ffd23e";
  for (const point of past) dot(context, at(point), 2 * ratio);
  if (here !== null) ring(context, at(here), 15 * ratio, ratio);
}

function line(
  context: CanvasRenderingContext2D,
  path: readonly [number, number][],
  colour: string,
  width: number,
  dash: number[],
): void {
  const [start, ...rest] = path;
  if (start === undefined) return;
  context.beginPath();
  context.moveTo(...start);
  for (const point of rest) context.lineTo(...point);
  context.setLineDash(dash);
  context.lineWidth = width + 2;
  context.strokeStyle = "rgba(0, 0, 0, 0.45)";
  context.stroke();
  context.lineWidth = width;
  context.strokeStyle = colour;
  context.stroke();
  context.setLineDash([]);
}

function dot(context: CanvasRenderingContext2D, [x, y]: [number, number], radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

function ring(context: CanvasRenderingContext2D, [x, y]: [number, number], radius: number, ratio: number): void {
  for (const [colour, width] of [
    ["rgba(0, 0, 0, 0.6)", 4 * ratio],
    ["#ff5a4f", 2 * ratio],
  ] as const) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.stroke();
  }
}
