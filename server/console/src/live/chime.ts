import type { Severity } from "../api/types";

/**
 * The sound of a new alert, made in code: no file to load, nothing to license. Two calm notes for yellow and blue,
 * three rising, insistent ones for red. A browser gives sound only after a gesture; until then `audioReady` is false
 * and the console says so.
 */

let context: AudioContext | null = null;
const listeners = new Set<() => void>();

/** To be called in a handler of a key or a pointer. */
export function unlockAudio(): void {
  if (typeof AudioContext === "undefined") return;
  context ??= new AudioContext();
  if (context.state === "running") return;
  void context.resume().then(() => {
    for (const notify of listeners) notify();
  });
}

export function audioReady(): boolean {
  return context !== null && context.state === "running";
}

export function subscribeAudio(notify: () => void): () => void {
  listeners.add(notify);
  return () => listeners.delete(notify);
}

interface Note {
  frequency: number;
  at: number;
  length: number;
}

const CALM: readonly Note[] = [
  { frequency: 659.3, at: 0, length: 0.35 },
  { frequency: 880, at: 0.14, length: 0.5 },
];
const URGENT: readonly Note[] = [0, 0.55].flatMap((start) => [
  { frequency: 784, at: start, length: 0.16 },
  { frequency: 988, at: start + 0.13, length: 0.16 },
  { frequency: 1318.5, at: start + 0.26, length: 0.24 },
]);
const HELD_MS = 1_500;

/**
 * Plays in one tab of the browser: whoever gets the lock first and is allowed to make a sound. Red ones have a lock of
 * their own: a calm sound that is being played silences no urgent one.
 */
export async function chime(severity: Severity): Promise<void> {
  const ready = context;
  if (ready === null || ready.state !== "running") return;
  const locks = (navigator as { locks?: LockManager }).locks;
  if (locks === undefined) {
    play(ready, severity);
    return;
  }
  const name = severity === "red" ? "gridsentry-chime-urgent" : "gridsentry-chime";
  await locks.request(name, { ifAvailable: true }, async (lock) => {
    if (lock === null) return;
    play(ready, severity);
    await new Promise((resolve) => setTimeout(resolve, HELD_MS));
  });
}

function play(audio: AudioContext, severity: Severity): void {
  const notes = severity === "red" ? URGENT : CALM;
  const level = severity === "red" ? 0.22 : 0.12;
  for (const note of notes) {
    const start = audio.currentTime + 0.02 + note.at;
    const oscillator = audio.createOscillator();
    const gain = audio.createGain();
    oscillator.type = severity === "red" ? "triangle" : "sine";
    oscillator.frequency.value = note.frequency;
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(level, start + 0.012);
    gain.gain.exponentialRampToValueAtTime(0.0005, start + note.length);
    oscillator.connect(gain).connect(audio.destination);
    oscillator.start(start);
    oscillator.stop(start + note.length + 0.05);
  }
}
