import { expect, it } from "vitest";

import { changedFields } from "./changes";

it("shows what differs, whatever is missing on either side", () => {
  expect(changedFields({ state: "queued", version: 1 }, { state: "confirmed", version: 1, by: null })).toEqual([
    { field: "state", before: "queued", after: "confirmed" },
  ]);
  expect(changedFields(null, { n: 2, list: [1] })).toEqual([
    { field: "n", before: "–", after: "2" },
    { field: "list", before: "–", after: "[1]" },
  ]);
  expect(changedFields("a", "b")).toEqual([{ field: "", before: "a", after: "b" }]);
  expect(changedFields(null, null)).toEqual([]);
});
