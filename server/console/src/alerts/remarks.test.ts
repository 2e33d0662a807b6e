import { expect, test } from "vitest";

import { alertOf } from "../testing/alerts";
import { continuationOf, remarksOf } from "./remarks";

const episodeOf = (repeat_of: string | null, quiet_repeats: number | null) => ({ repeat_of, quiet_repeats });

test("an alert without anything special has no remarks", () => {
  expect(remarksOf(alertOf("a", { tier: "review" }))).toEqual([]);
  expect(continuationOf([episodeOf(null, null)])).toEqual([]);
});

test("over its budget and lasting too long are two remarks", () => {
  const texts = remarksOf(alertOf("a", { demoted: "budget", stale: true })).map(({ text }) => text);
  expect(texts).toEqual(["remarks.demoted", "remarks.stale"]);
});

test("a reason that this page does not know is named as it is", () => {
  expect(remarksOf(alertOf("a", { demoted: "night" }))).toEqual([
    { kind: "demoted", text: "remarks.demotedOther", hint: "remarks.demotedOtherHint", values: { reason: "night" } },
  ]);
});

test("quiet repeats of its episodes add up", () => {
  const [remark] = continuationOf([episodeOf("e", 2), episodeOf(null, null), episodeOf("e", null), episodeOf("e", 1)]);
  expect(remark?.text).toBe("remarks.repeats");
  expect(remark?.values).toEqual({ count: 3 });
});

test("it may continue an episode without having been seen in between", () => {
  expect(continuationOf([episodeOf("e", null)]).map(({ text }) => text)).toEqual(["remarks.continued"]);
});
