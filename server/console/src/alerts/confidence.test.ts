import { expect, it } from "vitest";

import { confidencePercent } from "./confidence";

it.each([
  [0, 0],
  [0.0004, 1],
  [0.504, 50],
  [0.505, 51],
  [0.994, 99],
  [0.9999, 99],
  [1, 100],
])("%d is shown as %d %%", (confidence, percent) => {
  expect(confidencePercent(confidence)).toBe(percent);
});
