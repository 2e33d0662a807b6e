import { expect, it } from "vitest";

import { queueOf } from "../testing/alerts";
import { totalsBelow, treeOrder } from "./queues";

const QUEUES = [queueOf("2", "0", { open: 1 }), queueOf("21", "2", { open: 4 }), queueOf("0", null), queueOf("1", "0", { open: 2 })];

it("lists parents before their children, by code", () => {
  expect(treeOrder(QUEUES).map(({ queue, depth }) => [queue.code, depth])).toEqual([
    ["0", 0],
    ["1", 1],
    ["2", 1],
    ["21", 2],
  ]);
});

it("treats a queue whose parent lies outside the area as a root", () => {
  expect(treeOrder([queueOf("7", "elsewhere")]).map(({ depth }) => depth)).toEqual([0]);
});

it("adds up what waits below", () => {
  expect(Object.fromEntries(totalsBelow(QUEUES))).toEqual({ "0": 7, "1": 2, "2": 5, "21": 4 });
});

it("survives parents that go round in a circle", () => {
  expect(totalsBelow([queueOf("a", "b", { open: 1 }), queueOf("b", "a")]).get("b")).toBe(1);
});
