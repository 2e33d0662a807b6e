import { useEffect, useRef, type ReactNode, type RefObject } from "react";

import { drawTracks } from "./draw";
import { naturalSize, type Shown, type Trace } from "./track";

interface TrackOverlayProps {
  /** The video or picture below. */
  mediaRef: RefObject<Shown | null>;
  trace: Trace;
  testId: string;
}

/** Draws the tracks over a video, frame by frame in step with it, or over a still. */
export function TrackOverlay({ mediaRef, trace, testId }: TrackOverlayProps): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);

  useEffect(() => {
    let handle = 0;
    let drawn = "";
    const tick = (): void => {
      const media = mediaRef.current;
      if (canvas.current !== null && media !== null) drawn = draw(canvas.current, media, trace, drawn);
      handle = requestAnimationFrame(tick);
    };
    handle = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(handle);
  }, [mediaRef, trace]);

  return <canvas ref={canvas} className="track-overlay" data-testid={testId} aria-hidden="true" />;
}

/** Draws if anything is different from `drawn`; returns what it was drawn from. */
function draw(canvas: HTMLCanvasElement, media: Shown, trace: Trace, drawn: string): string {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const box = { width: Math.round(canvas.clientWidth * ratio), height: Math.round(canvas.clientHeight * ratio) };
  const picture = naturalSize(media);
  const now = media instanceof HTMLVideoElement ? trace.clipStart + media.currentTime : null;
  const state = JSON.stringify([box, picture, now]);
  if (state === drawn) return drawn;
  canvas.width = box.width;
  canvas.height = box.height;
  const context = canvas.getContext("2d");
  if (context === null || picture.width === 0) return "";
  drawTracks(context, box, picture, ratio, { ...trace, now });
  return state;
}
