import { describe, expect, it } from "vitest";

import type { AlertPage } from "../api/types";
import type { Change } from "../live/types";
import { alertOf, queueOf } from "../testing/alerts";
import { appendPage, applyChanges, compareAlerts, matches, neighbour, nextToJudge, withDescendants, type ListFilter } from "./list";

const OPEN: ListFilter = { openness: "open", queue: null, queues: new Set() };
const CLOSED: ListFilter = { openness: "closed", queue: null, queues: new Set() };
const page = (ids: string[], cursor = 10): AlertPage => ({ alerts: ids.map((id) => alertOf(id)), cursor, next: null });
const ids = ({ alerts }: AlertPage): string[] => alerts.map(({ id }) => id);
const change = (seq: number, id: string, fields: Parameters<typeof alertOf>[1] = {}): Change => ({
  seq,
  alert: alertOf(id, fields),
});

describe("applyChanges", () => {
  it("adds, replaces and removes", () => {
    const after = applyChanges(
      page(["a", "b"]),
      [change(11, "c"), change(12, "a", { severity: "blue" }), change(13, "b", { version: 2, state: "confirmed" })],
      OPEN,
    );
    expect(ids(after)).toEqual(["a", "c"]);
    expect(after.alerts[0]?.severity).toBe("blue");
    expect(after.cursor).toBe(13);
  });

  it("passes over what the snapshot contained, and keeps the list's identity then", () => {
    const before = page(["a"], 20);
    expect(applyChanges(before, [change(19, "z"), change(20, "a", { state: "rejected" })], OPEN)).toBe(before);
  });

  it("has no effect the second time", () => {
    const changes = [change(11, "c"), change(12, "c", { version: 2, state: "rejected" })];
    const once = applyChanges(page(["a"]), changes, OPEN);
    expect(applyChanges(once, changes, OPEN)).toBe(once);
    expect(ids(once)).toEqual(["a"]);
  });

  it("takes a device's update, which leaves the version alone", () => {
    const after = applyChanges(page(["a"]), [change(11, "a", { phase: "cleared" })], OPEN);
    expect(after.alerts[0]?.phase).toBe("cleared");
  });

  it("keeps a newer decision that this browser already knows", () => {
    const known = { ...page([]), alerts: [alertOf("a", { version: 3, state: "claimed" })] };
    expect(applyChanges(known, [change(11, "a", { version: 2 })], OPEN).alerts[0]?.version).toBe(3);
  });

  it("keeps an alert about which somebody was unsure: it is still open", () => {
    expect(ids(applyChanges(page(["a"]), [change(11, "a", { version: 2, state: "unsure" })], OPEN))).toEqual(["a"]);
  });

  it("fills the closed list", () => {
    expect(ids(applyChanges(page([]), [change(11, "a", { state: "rejected" }), change(12, "b")], CLOSED))).toEqual(["a"]);
  });

  it("moves an alert that was routed elsewhere out of a queue's list", () => {
    const filter: ListFilter = { openness: "open", queue: "q-1", queues: new Set(["q-1"]) };
    expect(ids(applyChanges(page(["a"]), [change(11, "a", { queue: "q-2" })], filter))).toEqual([]);
    const border = change(11, "a", { queue: "q-2", border_queues: ["q-1"] });
    expect(ids(applyChanges(page(["a"]), [border], filter))).toEqual(["a"]);
  });
});

describe("the order of the list", () => {
  it("puts red before blue and the newest first, as the server does", () => {
    const alerts = [
      alertOf("old-red", { opened_at: "2026-11-21T08:00:00Z" }),
      alertOf("blue", { severity: "blue", opened_at: "2026-11-21T09:00:00Z" }),
      alertOf("new-red", { opened_at: "2026-11-21T08:30:00Z" }),
    ];
    expect([...alerts].sort(compareAlerts("open")).map(({ id }) => id)).toEqual(["new-red", "old-red", "blue"]);
    expect([...alerts].sort(compareAlerts("closed")).map(({ id }) => id)).toEqual(["blue", "new-red", "old-red"]);
  });
});

describe("moving through the list", () => {
  const NOW = Date.parse("2026-11-21T08:05:00Z");
  const alerts = ["a", "b", "c"].map((id) => alertOf(id));

  it("stops at both ends and starts at either", () => {
    expect(neighbour(alerts, "a", 1)).toBe("b");
    expect(neighbour(alerts, "c", 1)).toBe("c");
    expect(neighbour(alerts, "a", -1)).toBe("a");
    expect(neighbour(alerts, null, 1)).toBe("a");
    expect(neighbour(alerts, null, -1)).toBe("c");
    expect(neighbour([], "a", 1)).toBeNull();
  });

  it("goes on to an alert that nobody judges, and comes back to skipped ones", () => {
    const held = { state: "claimed", claimed_by: "Wang" } as const;
    const taken = alertOf("b", { ...held, claim_expires_at: "2026-11-21T08:06:00Z" });
    const left = alertOf("b", { ...held, claim_expires_at: "2026-11-21T08:04:00Z" });
    expect(nextToJudge([alertOf("a"), left, alertOf("c")], "a", "Li", NOW)).toBe("b");
    expect(nextToJudge([alertOf("a"), taken, alertOf("c")], "a", "Li", NOW)).toBe("c");
    expect(nextToJudge([alertOf("a"), taken, alertOf("c")], "c", "Li", NOW)).toBe("a");
    expect(nextToJudge([alertOf("a"), alertOf("b", { state: "unsure" }), alertOf("c")], "a", "Li", NOW)).toBe("c");
    expect(nextToJudge([alertOf("a"), alertOf("b", { state: "unsure" })], "a", "Li", NOW)).toBe("b");
    expect(nextToJudge([alertOf("a")], "a", "Li", NOW)).toBeNull();
  });
});

describe("queues", () => {
  it("holds what lies below a queue", () => {
    const queues = [queueOf("1", null), queueOf("12", "1"), queueOf("123", "12"), queueOf("13", "1")];
    expect([...withDescendants(queues, "12")].sort()).toEqual(["12", "123"]);
    expect(withDescendants(queues, null).size).toBe(0);
    expect(matches(alertOf("a", { queue: "123" }), { openness: "open", queue: "12", queues: withDescendants(queues, "12") })).toBe(true);
  });

  it("appends a page without doubling what the changes brought meanwhile", () => {
    const both = appendPage(page(["a", "b"]), { ...page(["b", "c"], 30), next: "more" });
    expect(ids(both)).toEqual(["a", "b", "c"]);
    expect(both).toMatchObject({ cursor: 10, next: "more" });
  });
});
