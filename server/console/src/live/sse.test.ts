import { describe, expect, it } from "vitest";

import { parseChange } from "./connection";
import { SseParser } from "./sse";

const STREAM = 'retry: 1000\n: connected\n\nid: 7\nevent: alert\ndata: {"a":1}\n\nevent: reset\r\ndata: x\r\ndata: y\r\n\r\n: keep-alive\nid: 9\n\n';
const FRAMES = [
  { event: "alert", data: '{"a":1}', id: "7" },
  { event: "reset", data: "x\ny", id: "7" },
];

describe("SseParser", () => {
  it("reads frames, and ids that come without one", () => {
    const parser = new SseParser();
    expect(parser.push(STREAM)).toEqual(FRAMES);
    expect(parser.lastEventId).toBe("9");
  });

  it("reads the same wherever the network cuts it", () => {
    for (let cut = 1; cut < STREAM.length; cut += 1) {
      const parser = new SseParser();
      expect([...parser.push(STREAM.slice(0, cut)), ...parser.push(STREAM.slice(cut))]).toEqual(FRAMES);
      expect(parser.lastEventId).toBe("9");
    }
  });

  it("knows nothing of an unfinished frame", () => {
    expect(new SseParser().push("event: alert\ndata: 1\n")).toEqual([]);
  });
});

describe("parseChange", () => {
  it("passes over what is no change", () => {
    for (const data of ["", "nonsense", "null", "[]", '{"seq":"1","alert":{"id":"a"}}', '{"seq":1,"alert":{}}']) {
      expect(parseChange(data)).toBeNull();
    }
  });
});
