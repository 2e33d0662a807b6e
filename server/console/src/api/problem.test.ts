import { expect, it } from "vitest";

import { isStatus, problemFrom } from "./problem";

it("keeps what the server said of the problem", () => {
  const response = new Response(null, { status: 429, headers: { "Retry-After": "90" } });
  const error = problemFrom(response, { title: "Too many", detail: "wait a little", field: "password" });
  expect(error.message).toBe("wait a little");
  expect(error.problem).toEqual({
    status: 429,
    title: "Too many",
    detail: "wait a little",
    field: "password",
    retryAfterSeconds: 90,
  });
  expect(isStatus(error, 401, 429)).toBe(true);
  expect(isStatus(error, 401)).toBe(false);
});

it("copes with an answer that is no problem JSON, as a proxy's", () => {
  expect(problemFrom(new Response(null, { status: 502, statusText: "Bad Gateway" }), "<html>").message).toBe("Bad Gateway");
  expect(problemFrom(new Response(null, { status: 500 }), null).message).toBe("HTTP 500");
});
