import type { components } from "./schema";

/** The values of the API, under the names that the contract uses. All but the geometries are generated. */

type Schemas = components["schemas"];

export type Account = Schemas["AccountView"];
export type AlertDetail = Schemas["AlertDetail"];
export type AlertPage = Schemas["AlertPage"];
export type AlertState = Schemas["AlertState"];
export type AlertSummary = Schemas["AlertSummary"];
export type AuditEntry = Schemas["AuditEntry"];
export type AuditPage = Schemas["AuditPage"];
export type DeadLetter = Schemas["DeadLetterView"];
export type DeadLetterPage = Schemas["DeadLetterPage"];
export type Device = Schemas["DeviceView"];
export type Evidence = Schemas["EvidenceView"];
export type Mosaic = Schemas["MosaicView"];
export type Queue = Schemas["QueueView"];
export type QueueList = Schemas["QueueList"];
export type RejectReason = Schemas["RejectReason"];
export type Severity = Schemas["Severity"];
export type Source = Schemas["SourceView"];
export type VerdictBody = Schemas["VerdictBody"];
export type VerdictKind = Schemas["VerdictKind"];

export type GridProperties = Schemas["GridView"];
export type GridCollection = GeoJSON.FeatureCollection<GeoJSON.Polygon | GeoJSON.MultiPolygon, GridProperties>;

/** In the order in which they are offered: 1 to 6. */
export const REJECT_REASONS: readonly RejectReason[] = [
  "false_detection",
  "not_a_hazard",
  "test",
  "weather",
  "duplicate",
  "other",
];
