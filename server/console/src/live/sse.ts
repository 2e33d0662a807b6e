/**
 * Server-sent events over `fetch`, after the WHATWG specification's parsing rules.
 *
 * The browser's own EventSource hides comments, so that a connection which died silently looks like a quiet city,
 * and hides the status, so that an ended session looks like a broken network. Both matter here.
 */

export interface SseFrame {
  event: string;
  data: string;
  id: string | null;
}

/** Takes text as it comes and gives whole frames; comments only count as signs of life. */
export class SseParser {
  private buffer = "";
  private event = "";
  private data: string[] = [];
  private id: string | null = null;

  /** The last id that came, also one without data: a keep-alive moves the place on. */
  get lastEventId(): string | null {
    return this.id;
  }

  push(chunk: string): SseFrame[] {
    this.buffer += chunk;
    const frames: SseFrame[] = [];
    for (;;) {
      const line = this.nextLine();
      if (line === null) return frames;
      if (line === "") {
        if (this.data.length > 0) {
          frames.push({ event: this.event || "message", data: this.data.join("\n"), id: this.id });
        } else if (this.event !== "") {
          frames.push({ event: this.event, data: "", id: this.id });
        }
        this.event = "";
        this.data = [];
      } else {
        this.field(line);
      }
    }
  }

  private nextLine(): string | null {
    const end = this.buffer.search(/\r\n|\n|\r/);
    // A lone CR at the end may be the first half of a CRLF: wait for more.
    if (end < 0 || (this.buffer[end] === "\r" && end === this.buffer.length - 1)) return null;
    const line = this.buffer.slice(0, end);
    const width = this.buffer.startsWith("\r\n", end) ? 2 : 1;
    this.buffer = this.buffer.slice(end + width);
    return line;
  }

  private field(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const raw = colon < 0 ? "" : line.slice(colon + 1);
    const value = raw.startsWith(" ") ? raw.slice(1) : raw;
    if (name === "event") this.event = value;
    else if (name === "data") this.data.push(value);
    else if (name === "id" && !value.includes("\0")) this.id = value;
  }
}

export interface StreamHandlers {
  onOpen: () => void;
  /** Anything came, a comment included; its frames have been given before. */
  onActivity: (lastEventId: string | null) => void;
  onFrame: (frame: SseFrame) => void;
}

/** Follows one stream until it ends. Rejects on network errors; resolves with the status that ended it. */
export async function followStream(
  url: string,
  lastEventId: string | null,
  signal: AbortSignal,
  handlers: StreamHandlers,
): Promise<number> {
  const headers: Record<string, string> = { Accept: "text/event-stream" };
  if (lastEventId !== null) headers["Last-Event-ID"] = lastEventId;
  const response = await fetch(url, { headers, signal, cache: "no-store", credentials: "same-origin" });
  if (!response.ok || response.body === null) return response.status;
  handlers.onOpen();
  const parser = new SseParser();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return response.status;
    for (const frame of parser.push(value)) handlers.onFrame(frame);
    handlers.onActivity(parser.lastEventId);
  }
}
