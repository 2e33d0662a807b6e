import { expect, test } from "vitest";

import { alertOf } from "../testing/alerts";
import { drillSteps, isReal } from "./drill";

const CANARY = { id: "c", injected_at: "2026-11-21T08:00:00Z", opened_at: "2026-11-21T08:00:01.5Z" };

test("a drill says how long each step of its way took", () => {
  const drill = alertOf("a", { canary: CANARY, created_at: "2026-11-21T08:00:02Z" });
  expect(drillSteps(drill, Date.parse("2026-11-21T08:00:02.25Z"))).toEqual([
    { step: "found", seconds: 1.5 },
    { step: "received", seconds: 2 },
    { step: "shown", seconds: 2.25 },
  ]);
  expect(drillSteps(drill, null).map(({ step }) => step)).toEqual(["found", "received"]);
});

test("what is real has no such steps", () => {
  expect(drillSteps(alertOf("a"), 0)).toEqual([]);
  expect([alertOf("a"), alertOf("b", { canary: CANARY })].map(isReal)).toEqual([true, false]);
});
