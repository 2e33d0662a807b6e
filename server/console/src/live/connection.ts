import { followStream, type SseFrame } from "./sse";
import type { Change, FeedHandlers, LiveState } from "./types";

/** The server sends a comment at least every 15 s; twice that and a little is silence, not quiet. */
const SILENCE_MS = 35_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;

/** One stream of changes that reconnects where it left off, with growing, jittered pauses. */
export class LiveConnection {
  private readonly handlers: FeedHandlers;
  private readonly stop = new AbortController();
  private attempt: AbortController | null = null;
  private state: LiveState = "connecting";
  private since = Date.now();
  private wake: (() => void) | null = null;
  /** The last change that came, or the snapshot's place before it. */
  private position: number;

  constructor(after: number, handlers: FeedHandlers) {
    this.position = after;
    this.handlers = handlers;
    window.addEventListener("online", this.hurry);
    void this.run();
  }

  close(): void {
    window.removeEventListener("online", this.hurry);
    this.stop.abort();
    this.attempt?.abort();
    this.wake?.();
  }

  private isClosed(): boolean {
    return this.stop.signal.aborted;
  }

  private readonly hurry = (): void => {
    this.wake?.();
  };

  private async run(): Promise<void> {
    let failures = 0;
    while (!this.isClosed()) {
      const status = await this.attemptOnce(() => {
        failures = 0;
      });
      if (this.isClosed()) return;
      if (status === 401 || status === 403) {
        this.become("ended");
        return;
      }
      this.become("reconnecting");
      const ceiling = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 10));
      failures += 1;
      await this.pause(ceiling / 2 + (Math.random() * ceiling) / 2);
    }
  }

  private async attemptOnce(onOpen: () => void): Promise<number | null> {
    const attempt = new AbortController();
    this.attempt = attempt;
    let watchdog = setTimeout(() => attempt.abort(), SILENCE_MS);
    try {
      return await followStream(`/api/v1/live?after=${this.position}`, String(this.position), attempt.signal, {
        onOpen: () => {
          onOpen();
          this.become("live");
        },
        onActivity: (lastEventId) => {
          if (lastEventId !== null) this.position = Math.max(this.position, Number(lastEventId) || 0);
          clearTimeout(watchdog);
          watchdog = setTimeout(() => attempt.abort(), SILENCE_MS);
        },
        onFrame: (frame) => this.take(frame),
      });
    } catch {
      return null; // The network or the watchdog ended it: the caller reports "reconnecting" and tries again.
    } finally {
      clearTimeout(watchdog);
    }
  }

  private take(frame: SseFrame): void {
    if (frame.event === "reset") {
      const cursor = Number(frame.id ?? Number.NaN);
      if (Number.isFinite(cursor)) this.position = cursor;
      this.handlers.onReset();
      return;
    }
    if (frame.event !== "alert") return;
    const change = parseChange(frame.data);
    if (change === null) return;
    this.position = Math.max(this.position, change.seq);
    this.handlers.onChange(change);
  }

  private become(state: LiveState): void {
    if (state === this.state) return;
    this.state = state;
    this.since = Date.now();
    this.handlers.onStatus({ state, since: this.since });
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Null for a frame that is not a change; a newer server may send kinds that this console does not know. */
export function parseChange(data: string): Change | null {
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value !== "object" || value === null) return null;
    const { seq, alert } = value as Partial<Change>;
    if (typeof seq !== "number" || typeof alert !== "object" || typeof alert.id !== "string") return null;
    return { seq, alert };
  } catch {
    return null;
  }
}
