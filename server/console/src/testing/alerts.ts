import type { AlertSummary, Queue } from "../api/types";

/** Whole values for tests, with what matters overridden. */

export function alertOf(id: string, fields: Partial<AlertSummary> = {}): AlertSummary {
  return {
    id,
    version: 1,
    state: "queued",
    hazard: "thrown_object",
    hazard_zh: "高空抛物",
    hazard_en: "Thrown object",
    matter: null,
    severity: "red",
    tier: "alarm",
    confidence: 0.8,
    queue: "q-1",
    queue_name_zh: "一号",
    queue_name_en: "One",
    border_queues: [],
    location: { point: { type: "Point", coordinates: [113.6, 34.7] }, accuracy_m: 25, method: "camera" },
    source_id: "gate-3",
    source_name: "Gate 3",
    device_id: "box",
    opened_at: "2026-11-21T08:00:00Z",
    observed_at: "2026-11-21T08:00:02Z",
    ended_at: null,
    phase: "opened",
    episodes: 1,
    claimed_by: null,
    claim_expires_at: null,
    verdict: null,
    snapshot_sha256: null,
    created_at: "2026-11-21T08:00:03Z",
    received_at: "2026-11-21T08:00:03Z",
    canary: null,
    demoted: null,
    stale: false,
    ...fields,
  };
}

export function queueOf(code: string, parent: string | null, fields: Partial<Queue> = {}): Queue {
  return {
    code,
    name_zh: code,
    name_en: code,
    level: 0,
    layer: "admin",
    parent,
    open: 0,
    claimed: 0,
    red: 0,
    canaries: 0,
    oldest_at: null,
    ...fields,
  };
}
