import { describe, expect, it } from "vitest";

import { alertOf } from "../testing/alerts";
import { Arrivals } from "./arrivals";
import { RecentChanges } from "./recent";
import type { Change } from "./types";

const change = (seq: number, id = `a-${seq}`, fields: Parameters<typeof alertOf>[1] = {}): Change => ({
  seq,
  alert: alertOf(id, fields),
});

describe("RecentChanges", () => {
  it("gives what came behind a snapshot's place", () => {
    const recent = new RecentChanges();
    for (const seq of [3, 5, 8]) recent.add(change(seq));
    expect(recent.since(4)?.map(({ seq }) => seq)).toEqual([5, 8]);
    expect(recent.since(8)).toEqual([]);
  });

  it("says so when some of it is no longer there", () => {
    const recent = new RecentChanges(2);
    for (const seq of [1, 2, 3, 4]) recent.add(change(seq));
    expect(recent.since(1)).toBeNull();
    expect(recent.since(2)?.map(({ seq }) => seq)).toEqual([3, 4]);
  });
});

describe("Arrivals", () => {
  const now = Date.parse("2026-11-21T08:01:00Z");

  it("tells each new open alert once", () => {
    const arrivals = new Arrivals();
    arrivals.know([alertOf("old")]);
    expect(arrivals.take([change(1, "old"), change(2, "new")], now).map(({ id }) => id)).toEqual(["new"]);
    expect(arrivals.take([change(3, "new", { phase: "cleared" })], now)).toEqual([]);
    expect([...arrivals.snapshot()]).toEqual(["new"]);
    arrivals.look("new");
    expect(arrivals.snapshot().size).toBe(0);
  });

  it("is silent about alerts that were judged before anybody saw them, and about old ones from further pages", () => {
    const arrivals = new Arrivals();
    const judged = [change(1, "a"), change(2, "a", { state: "confirmed", version: 2 })];
    expect(arrivals.take(judged, now)).toEqual([]);
    expect(arrivals.take([change(3, "b", { created_at: "2026-11-20T08:00:00Z" })], now)).toEqual([]);
  });

  it("forgets the mark when somebody else decides", () => {
    const arrivals = new Arrivals();
    arrivals.take([change(1, "a")], now);
    arrivals.take([change(2, "a", { state: "rejected", version: 2 })], now);
    expect(arrivals.snapshot().size).toBe(0);
  });
});
