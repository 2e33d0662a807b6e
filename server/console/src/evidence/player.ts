import { useCallback, useEffect, useRef, useState, type RefObject } from "react";

/** Cameras differ; a step of the usual 25 frames a second moves by one frame or, on slower ones, by none. */
export const FRAME_S = 1 / 25;
export const SPEEDS = [0.25, 0.5, 1, 2] as const;

export interface Player {
  video: RefObject<HTMLVideoElement | null>;
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
  bind: {
    onPlay: () => void;
    onPause: () => void;
    onLoadedMetadata: () => void;
    onTimeUpdate: () => void;
    onSeeked: () => void;
    onError: () => void;
  };
}

/** The state of a clip's player; the element is the truth and this follows it. */
export function usePlayer(): Player {
  const video = useRef<HTMLVideoElement>(null);
  const [playing, setPlaying] = useState(false);
  const [position, setPosition] = useState(0);
  const [length, setLength] = useState(0);
  const [speed, setSpeed] = useState(1);
  const [loop, setLoop] = useState(true);
  const [broken, setBroken] = useState(false);

  const toggle = useCallback(() => {
    const element = video.current;
    if (element === null) return;
    if (element.paused) element.play().catch(() => setPlaying(false));
    else element.pause();
  }, []);

  const seek = useCallback((seconds: number) => {
    const element = video.current;
    if (element === null || !Number.isFinite(element.duration)) return;
    element.currentTime = Math.min(element.duration, Math.max(0, seconds));
    setPosition(element.currentTime);
  }, []);

  const step = useCallback(
    (frames: number) => {
      const element = video.current;
      if (element === null) return;
      element.pause();
      // Half a frame in: exactly on a frame's edge rounding decides which of two is shown.
      const frame = Math.round(element.currentTime / FRAME_S - 0.5) + frames;
      seek((frame + 0.5) * FRAME_S);
    },
    [seek],
  );

  useEffect(() => {
    if (video.current !== null) video.current.playbackRate = speed;
  }, [speed]);

  const follow = useCallback(() => setPosition(video.current?.currentTime ?? 0), []);
  return {
    video,
    playing,
    position,
    length,
    speed,
    loop,
    broken,
    toggle,
    step,
    seek,
    cycleSpeed: useCallback(
      () => setSpeed((now) => SPEEDS[(SPEEDS.findIndex((value) => value === now) + 1) % SPEEDS.length] ?? 1),
      [],
    ),
    toggleLoop: useCallback(() => setLoop((now) => !now), []),
    bind: {
      onPlay: () => setPlaying(true),
      onPause: () => setPlaying(false),
      onLoadedMetadata: () => {
        setBroken(false);
        setLength(video.current?.duration ?? 0);
        follow();
      },
      onTimeUpdate: follow,
      onSeeked: follow,
      onError: () => setBroken(true),
    },
  };
}
