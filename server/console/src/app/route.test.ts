import { expect, it } from "vitest";

import { parsePath, pathOf, type Route } from "./route";

it.each<Route>([
  { page: "alerts", alert: null },
  { page: "alerts", alert: "0190-a/b ü" },
  { page: "audit", subject: null },
  { page: "audit", subject: "alert:0190" },
  { page: "dead-letters" },
  { page: "devices" },
])("%o survives the address", (route) => {
  expect(parsePath(pathOf(route))).toEqual(route);
});

it("shows the alerts for an address that it does not know or cannot read", () => {
  expect(parsePath("/what")).toEqual({ page: "alerts", alert: null });
  expect(parsePath("/alerts/%E0%A4%A")).toEqual({ page: "alerts", alert: null });
});
