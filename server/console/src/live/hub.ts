import { readStored, writeStored } from "../lib/stored";
import { LiveConnection } from "./connection";
import { RecentChanges } from "./recent";
import type { Change, LiveStatus } from "./types";

/**
 * One stream a browser: a browser opens six connections a host, and each tab's own stream would hang the seventh tab
 * and every request with it. The tab that holds a Web Lock leads and passes on what comes by a BroadcastChannel.
 *
 * Web Locks need a secure context (HTTPS or localhost). Without them every tab keeps a stream of its own.
 */

type Message =
  | { kind: "change"; change: Change }
  | { kind: "reset" }
  | { kind: "status"; status: LiveStatus }
  | { kind: "ping" };

const PING_MS = 4_000;
/** A leader that answers no ping for this long is frozen or gone without releasing its lock. */
const LEADER_SILENCE_MS = 15_000;
/** The batch that a storm is gathered into; a single change never waits. */
const FLUSH_MS = 100;
const POSITION_KEY = "gridsentry.live.position";
const POSITION_FRESH_MS = 10 * 60_000;

export interface HubListener {
  onChanges: (changes: Change[]) => void;
  onReset: () => void;
}

export class LiveHub {
  readonly recent = new RecentChanges();
  private readonly lockName: string;
  private readonly statusListeners = new Set<() => void>();
  private channel: BroadcastChannel | null = null;
  private listener: HubListener | null = null;
  private stop = new AbortController();
  private status: LiveStatus = { state: "connecting", since: Date.now() };
  private connection: LiveConnection | null = null;
  private position: number;
  private leaderHeardAt = Date.now();
  private pending: Change[] = [];
  private flushedAt = 0;
  private flushTimer: ReturnType<typeof setTimeout> | null = null;
  private pingTimer: ReturnType<typeof setInterval> | null = null;

  /** `account` keeps two people's tabs apart, `after` is the place of the first snapshot. */
  constructor(account: string, after: number) {
    this.position = after;
    this.lockName = `gridsentry-live-${account}`;
  }

  /** Begins to follow; may be called again after `close`, and goes on where it was. */
  open(listener: HubListener): void {
    this.listener = listener;
    this.stop = new AbortController();
    this.leaderHeardAt = Date.now();
    const channel = new BroadcastChannel(this.lockName);
    channel.onmessage = (event: MessageEvent<Message>) => this.hear(event.data);
    channel.postMessage({ kind: "ping" } satisfies Message);
    this.channel = channel;
    this.pingTimer = setInterval(() => this.checkLeader(), PING_MS);
    void this.queueForLead(false, this.stop.signal);
  }

  close(): void {
    this.stop.abort();
    this.connection?.close();
    this.connection = null;
    if (this.pingTimer !== null) clearInterval(this.pingTimer);
    if (this.flushTimer !== null) clearTimeout(this.flushTimer);
    this.flushTimer = null;
    this.channel?.close();
    this.channel = null;
    this.listener = null;
  }

  readonly subscribeStatus = (notify: () => void): (() => void) => {
    this.statusListeners.add(notify);
    return () => this.statusListeners.delete(notify);
  };

  readonly getStatus = (): LiveStatus => this.status;

  private async queueForLead(steal: boolean, stopped: AbortSignal): Promise<void> {
    // Absent outside secure contexts, whatever the DOM's types say.
    const locks = (navigator as { locks?: LockManager }).locks;
    if (locks === undefined) {
      this.lead();
      return;
    }
    const options: LockOptions = steal ? { steal: true } : { signal: stopped };
    try {
      await locks.request(this.lockName, options, () => this.leadUntil(stopped));
    } catch {
      if (stopped.aborted) return;
      // Another tab took a lead that this one seemed to have lost: follow it.
      this.connection?.close();
      this.connection = null;
      void this.queueForLead(false, stopped);
    }
  }

  private leadUntil(stopped: AbortSignal): Promise<void> {
    return new Promise((release) => {
      if (stopped.aborted) {
        release();
        return;
      }
      stopped.addEventListener("abort", () => release());
      this.lead();
    });
  }

  private lead(): void {
    if (this.connection !== null) return;
    const after = Math.min(this.position, storedPosition() ?? this.position);
    this.connection = new LiveConnection(after, {
      onChange: (change) => {
        this.tell({ kind: "change", change });
        this.take(change);
      },
      onReset: () => {
        this.tell({ kind: "reset" });
        this.reset();
      },
      onStatus: (status) => {
        this.tell({ kind: "status", status });
        this.become(status);
      },
    });
  }

  private tell(message: Message): void {
    this.channel?.postMessage(message);
    if (message.kind === "change") storePosition(message.change.seq);
  }

  private hear(message: Message): void {
    if (message.kind === "ping") {
      if (this.connection !== null) this.tell({ kind: "status", status: this.status });
      return;
    }
    if (this.connection !== null) return;
    this.leaderHeardAt = Date.now();
    if (message.kind === "change") this.take(message.change);
    else if (message.kind === "reset") this.reset();
    else this.become(message.status);
  }

  private checkLeader(): void {
    if (this.connection !== null || document.hidden) {
      this.leaderHeardAt = Date.now();
      return;
    }
    this.channel?.postMessage({ kind: "ping" } satisfies Message);
    const silentMs = Date.now() - this.leaderHeardAt;
    if (silentMs < LEADER_SILENCE_MS) return;
    this.become({ state: "reconnecting", since: this.leaderHeardAt });
    this.leaderHeardAt = Date.now();
    void this.queueForLead(true, this.stop.signal);
  }

  private take(change: Change): void {
    this.position = Math.max(this.position, change.seq);
    this.recent.add(change);
    this.pending.push(change);
    const waited = Date.now() - this.flushedAt;
    if (waited >= FLUSH_MS) this.flush();
    else this.flushTimer ??= setTimeout(() => this.flush(), FLUSH_MS - waited);
  }

  private flush(): void {
    if (this.flushTimer !== null) clearTimeout(this.flushTimer);
    this.flushTimer = null;
    this.flushedAt = Date.now();
    const changes = this.pending;
    this.pending = [];
    if (changes.length > 0) this.listener?.onChanges(changes);
  }

  private reset(): void {
    this.recent.clear();
    this.pending = [];
    this.listener?.onReset();
  }

  private become(status: LiveStatus): void {
    if (status.state === this.status.state && status.since === this.status.since) return;
    this.status = status;
    for (const notify of this.statusListeners) notify();
  }
}

/** Where the browser's last leader had come to, if that was a moment ago: another tab may not have heard more. */
function storedPosition(): number | null {
  const [seq, at] = (readStored(POSITION_KEY) ?? "").split("@").map(Number);
  if (seq === undefined || at === undefined || Number.isNaN(seq) || Date.now() - at > POSITION_FRESH_MS) return null;
  return seq;
}

function storePosition(seq: number): void {
  writeStored(POSITION_KEY, `${seq}@${Date.now()}`);
}
