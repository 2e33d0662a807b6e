import { useEffect, useState, type RefObject } from "react";

/** Cameras differ; a step of the usual 25 frames a second moves by one frame or, on slower ones, by none. */
export const FRAME_S = 1 / 25;
const SPEEDS = [0.25, 0.5, 1, 2] as const;

export interface Player {
  playing: boolean;
  position: number;
  length: number;
  speed: number;
  loop: boolean;
  broken: boolean;
  toggle: () => void;
  step: (frames: number) => void;
  seek: (seconds: number) => void;
  cycleSpeed: () => void;
  toggleLoop: () => void;
  /** Listeners for the video element. */
  bind: {
    onPlay: () => void;
    onPause: () => void;
    onLoadedMetadata: () => void;
    onTimeUpdate: () => void;
    onSeeked: () => void;
    onError: () => void;
  };
}

/** Half a frame in: exactly on a frame's edge rounding decides which of two is shown. */
export function frameMoment(from: number, frames: number): number {
  return (Math.round(from / FRAME_S - 0.5) + frames + 0.5) * FRAME_S;
}

export function nextSpeed(speed: number): number {
  return SPEEDS[(SPEEDS.findIndex((value) => value === speed) + 1) % SPEEDS.length] ?? 1;
}

/** The state of a clip's player; the element is the truth and this follows it. */
export function usePlayer(videoRef: RefObject<HTMLVideoElement | null>): Player {
  const [playing, setPlaying] = useState(false);
  const [position, setPosition] = useState(0);
  const [length, setLength] = useState(0);
  const [speed, setSpeed] = useState(1);
  const [loop, setLoop] = useState(true);
  const [broken, setBroken] = useState(false);

  const toggle = (): void => {
    const element = videoRef.current;
    if (element === null) return;
    if (element.paused) element.play().catch(() => setPlaying(false));
    else element.pause();
  };
  const seek = (seconds: number): void => {
    const element = videoRef.current;
    if (element === null || !Number.isFinite(element.duration)) return;
    element.currentTime = Math.min(element.duration, Math.max(0, seconds));
    setPosition(element.currentTime);
  };
  const step = (frames: number): void => {
    const element = videoRef.current;
    if (element === null) return;
    element.pause();
    seek(frameMoment(element.currentTime, frames));
  };
  const follow = (): void => setPosition(videoRef.current?.currentTime ?? 0);

  useEffect(() => {
    if (videoRef.current !== null) videoRef.current.playbackRate = speed;
  }, [speed, videoRef]);

  return {
    playing,
    position,
    length,
    speed,
    loop,
    broken,
    toggle,
    step,
    seek,
    cycleSpeed: () => setSpeed(nextSpeed),
    toggleLoop: () => setLoop((now) => !now),
    bind: {
      onPlay: () => setPlaying(true),
      onPause: () => setPlaying(false),
      onLoadedMetadata: () => {
        setBroken(false);
        setLength(videoRef.current?.duration ?? 0);
        follow();
      },
      onTimeUpdate: follow,
      onSeeked: follow,
      onError: () => setBroken(true),
    },
  };
}
