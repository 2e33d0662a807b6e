/** The values of the API, under the names that the contract uses. */

export type Role = "operator" | "admin";
export type Severity = "red" | "yellow" | "blue";
export type Tier = "alarm" | "review";
export type AlertState = "queued" | "claimed" | "confirmed" | "rejected" | "merged" | "unsure";
export type VerdictKind = "confirmed" | "rejected" | "unsure";
export type RejectReason = "false_detection" | "not_a_hazard" | "test" | "weather" | "duplicate" | "other";

export interface Account {
  id: number;
  username: string;
  display_name: string;
  role: Role;
  grid_scope: string;
  csrf_token: string;
}

export interface Queue {
  code: string;
  name_zh: string;
  name_en: string;
  level: number;
  layer: string;
  parent: string | null;
  open: number;
  claimed: number;
  red: number;
  oldest_at: string | null;
}

export interface QueueList {
  queues: Queue[];
  cursor: number;
}

export interface Location {
  point: { type: "Point"; coordinates: [number, number] };
  accuracy_m: number;
  method: string;
  height_m?: [number, number] | null;
}

export interface Unit {
  code: string;
  name_zh: string;
  name_en: string;
  co_units: string[];
}

export interface Matter {
  edition: string;
  kind: string;
  code: string;
  name_zh: string;
  name_en: string;
}

export interface Verdict {
  verdict: VerdictKind;
  reason: RejectReason | null;
  comment: string | null;
  by: string;
  at: string;
}

export interface AlertSummary {
  id: string;
  version: number;
  state: AlertState;
  hazard: string;
  hazard_zh: string;
  hazard_en: string;
  matter: Matter | null;
  severity: Severity;
  tier: Tier;
  confidence: number;
  queue: string;
  queue_name_zh: string;
  queue_name_en: string;
  border_queues: string[];
  location: Location;
  source_id: string;
  source_name: string;
  device_id: string;
  opened_at: string;
  observed_at: string;
  ended_at: string | null;
  phase: string;
  episodes: number;
  claimed_by: string | null;
  claim_expires_at: string | null;
  verdict: Verdict | null;
  snapshot_sha256: string | null;
  created_at: string;
  received_at: string;
}

export interface AlertPage {
  alerts: AlertSummary[];
  cursor: number;
  next: string | null;
}

export interface ExplanationStep {
  rule: string;
  grid: string | null;
  outcome: string;
  text_zh: string;
  text_en: string;
}

export interface Evidence {
  sha256: string;
  kind: string;
  media_type: string;
  bytes: number;
  captured_at: string;
  redacted: boolean;
  state: "expected" | "partial" | "whole";
}

export interface HistoryEntry {
  at: string;
  who: string;
  action: string;
  text_zh: string;
  text_en: string;
}

export interface AlertDetail extends AlertSummary {
  unit: Unit | null;
  detail: Record<string, unknown>;
  explanation: { list_version: number | null; grid_version: number | null; steps: ExplanationStep[] };
  evidence: Evidence[];
  history: HistoryEntry[];
}

export interface GridProperties {
  code: string;
  name_zh: string;
  name_en: string;
  level: number;
  layer: string;
  parent: string | null;
}

export type GridCollection = GeoJSON.FeatureCollection<GeoJSON.Polygon | GeoJSON.MultiPolygon, GridProperties>;

export const REJECT_REASONS: readonly RejectReason[] = [
  "false_detection",
  "not_a_hazard",
  "test",
  "weather",
  "duplicate",
  "other",
];

export interface AuditEntry {
  seq: number;
  at: string;
  actor: string;
  action: string;
  subject_kind: string;
  subject_id: string;
  before: unknown;
  after: unknown;
}

export interface AuditPage {
  entries: AuditEntry[];
  next: number | null;
}

export interface DeadLetter {
  id: number;
  device_id: string;
  event_id: string | null;
  problem: { title: string; status: number; detail?: string; field?: string | null };
  state: "open" | "replayed" | "discarded";
  received_at: string;
  settled_at: string | null;
  settled_by: string | null;
  content: string | null;
}

export interface DeadLetterPage {
  dead_letters: DeadLetter[];
  next: number | null;
}

export interface Device {
  id: string;
  name: string;
  revoked_at: string | null;
  last_seen_at: string | null;
  chain: {
    verified_seq: number;
    linked_seq: number;
    problem: { fault: string; seq: number; message: string } | null;
  } | null;
}

export interface Source {
  device_id: string;
  id: string;
  kind: string;
  name: string;
  health_state: string | null;
  health_reason: string | null;
  last_seen_at: string;
}
