import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { alertOf } from "../testing/alerts";
import { LiveConnection } from "./connection";
import type { Change, LiveStatus } from "./types";

/** A server of streams: each request waits until the test answers it. */
class Streams {
  readonly requests: { url: string; lastEventId: string | null; signal: AbortSignal }[] = [];
  private readonly controllers: ReadableStreamDefaultController<Uint8Array>[] = [];
  status = 200;

  readonly fetch = (url: string, init: RequestInit): Promise<Response> => {
    const signal = init.signal as AbortSignal;
    this.requests.push({ url, lastEventId: new Headers(init.headers).get("Last-Event-ID"), signal });
    if (this.status !== 200) return Promise.resolve(new Response("{}", { status: this.status }));
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.controllers.push(controller);
        signal.addEventListener("abort", () => controller.error(new DOMException("aborted", "AbortError")));
      },
    });
    return Promise.resolve(new Response(body));
  };

  say(text: string): void {
    this.controllers.at(-1)?.enqueue(new TextEncoder().encode(text));
  }

  end(): void {
    this.controllers.at(-1)?.close();
  }
}

const frame = (seq: number): string =>
  `id: ${seq}\nevent: alert\ndata: ${JSON.stringify({ seq, alert: alertOf(`a-${seq}`) })}\n\n`;

describe("LiveConnection", () => {
  let streams: Streams;
  let changes: Change[];
  let states: LiveStatus["state"][];
  let resets: number;
  let connection: LiveConnection | null;

  const open = async (): Promise<void> => {
    connection = new LiveConnection(5, {
      onChange: (change) => changes.push(change),
      onReset: () => (resets += 1),
      onStatus: ({ state }) => states.push(state),
    });
    await settle();
  };

  beforeEach(() => {
    vi.useFakeTimers();
    streams = new Streams();
    vi.stubGlobal("fetch", streams.fetch);
    changes = [];
    states = [];
    resets = 0;
    connection = null;
  });

  afterEach(() => {
    connection?.close();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  const settle = async (milliseconds = 1): Promise<void> => {
    await vi.advanceTimersByTimeAsync(milliseconds);
  };

  it("starts where the snapshot ended and tells what comes", async () => {
    await open();
    expect(streams.requests[0]).toMatchObject({ url: "/api/v1/live?after=5", lastEventId: "5" });
    streams.say(frame(6) + frame(7));
    await settle();
    expect(changes.map(({ seq }) => seq)).toEqual([6, 7]);
    expect(states).toEqual(["live"]);
  });

  it("goes on where it was after the stream ends, and says so meanwhile", async () => {
    await open();
    streams.say(frame(6));
    await settle();
    streams.end();
    await settle();
    expect(states).toEqual(["live", "reconnecting"]);
    await settle(1_000);
    expect(streams.requests[1]).toMatchObject({ lastEventId: "6" });
    await settle();
    expect(states).toEqual(["live", "reconnecting", "live"]);
  });

  it("moves its place on by keep-alives", async () => {
    await open();
    streams.say(": keep-alive\nid: 90\n\n");
    await settle();
    streams.end();
    await settle(1_000);
    expect(streams.requests[1]?.lastEventId).toBe("90");
  });

  it("gives up a connection that says nothing: silence is not quiet", async () => {
    await open();
    await settle(30_000);
    streams.say(": keep-alive\n\n");
    await settle(30_000);
    expect(states).toEqual(["live"]);
    await settle(6_000);
    expect(states.slice(0, 2)).toEqual(["live", "reconnecting"]);
    expect(streams.requests.length).toBeGreaterThan(1);
  });

  it("tries again more and more slowly while the server is away", async () => {
    streams.status = 503;
    await open();
    await settle(60_000);
    expect(states).toEqual(["reconnecting"]);
    expect(streams.requests.length).toBeGreaterThan(4);
    expect(streams.requests.length).toBeLessThan(20);
  });

  it("ends with the session and does not try again", async () => {
    streams.status = 401;
    await open();
    await settle(2_000);
    const tries = streams.requests.length;
    await settle(60_000);
    expect(states.at(-1)).toBe("ended");
    expect(streams.requests.length).toBe(tries);
  });

  it("passes a reset on and follows from its place", async () => {
    await open();
    streams.say('id: 400\nevent: reset\ndata: {"seq":400}\n\n');
    await settle();
    expect(resets).toBe(1);
    streams.end();
    await settle(1_000);
    expect(streams.requests[1]?.lastEventId).toBe("400");
  });
});
