import { expect, it } from "vitest";

import type { Account } from "../api/types";
import { alertOf } from "../testing/alerts";
import { draftProblem, EMPTY_DRAFT } from "./RejectPanel";
import { holderOf } from "./useClaim";

const LI: Account = { id: 1, username: "li", display_name: "Li", role: "operator", grid_scope: "*", csrf_token: "" };
const now = Date.parse("2026-11-21T08:00:00Z");

it("knows whose lease it is, and that leases end", () => {
  const held = (by: string | null, expires: string): ReturnType<typeof alertOf> =>
    alertOf("a", { state: "claimed", claimed_by: by, claim_expires_at: expires });
  expect(holderOf(held(null, "2026-11-21T08:02:00Z"), LI, now)).toBe("nobody");
  expect(holderOf(held("Li", "2026-11-21T08:02:00Z"), LI, now)).toBe("me");
  expect(holderOf(held("Wang", "2026-11-21T08:02:00Z"), LI, now)).toBe("other");
  expect(holderOf(held("Wang", "2026-11-21T08:00:00Z"), LI, now)).toBe("nobody");
});

it("sends a rejection only with a reason, and 'other' only with words", () => {
  expect(draftProblem(EMPTY_DRAFT)).toBe("chooseReason");
  expect(draftProblem({ ...EMPTY_DRAFT, reason: "weather" })).toBeNull();
  expect(draftProblem({ ...EMPTY_DRAFT, reason: "other", comment: "  " })).toBe("needComment");
  expect(draftProblem({ ...EMPTY_DRAFT, reason: "other", comment: "a kite" })).toBeNull();
});
