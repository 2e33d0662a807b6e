/** What an event says of an illegal structure (`contract/details.py`): read with care, told in words. */

import type { TFunction } from "i18next";

import type { Measurement } from "../alerts/measurements";
import type { Language } from "../lib/time";

const CHANGES = ["new", "extended", "higher_unknown", "removed"] as const;
const PERMIT_STATES = ["valid", "expired", "not_yet", "unreadable"] as const;
const GROUNDS = ["road", "green", "water"] as const;
/** From this share on it is said to be outside altogether: eaves and drawing errors have been taken off. */
const ALL_OF_IT = 0.95;

export interface Survey {
  id: string;
  kind: "flight" | "orthophoto";
  takenAt: string | null;
}

export interface StructureFacts {
  change: (typeof CHANGES)[number];
  areaM2: number;
  exceededM2: number;
  registerId: string | null;
  permit: { id: string; state: (typeof PERMIT_STATES)[number]; from: string | null; until: string | null } | null;
  on: (typeof GROUNDS)[number][];
  orderId: string | null;
  rebuilt: boolean;
  cues: string[];
  flights: number;
  frames: number;
  firstSeen: string | null;
  flight: Survey | null;
  comparedWith: Survey | null;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function finite(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function texts(value: unknown): string[] {
  const items: unknown[] = Array.isArray(value) ? value : [];
  return items.map(text).filter((item) => item !== null);
}

function permitOf(cover: Record<string, unknown>): StructureFacts["permit"] {
  const id = text(cover["permit_id"]);
  const state = PERMIT_STATES.find((name) => name === cover["permit_state"]);
  if (id === null || state === undefined) return null;
  return { id, state, from: text(cover["valid_from"]), until: text(cover["valid_until"]) };
}

function surveyOf(value: unknown): Survey | null {
  const fields = record(value);
  const id = text(fields["id"]);
  if (id === null) return null;
  return { id, kind: fields["kind"] === "orthophoto" ? "orthophoto" : "flight", takenAt: text(fields["taken_at"]) };
}

/** Null: it is not about a structure, or of a version that says nothing we know. */
export function structureFacts(detail: Readonly<Record<string, unknown>>): StructureFacts | null {
  const change = CHANGES.find((name) => name === detail["change"]);
  const areaM2 = finite(detail["area_m2"]);
  const exceededM2 = finite(detail["exceeded_m2"]);
  if (change === undefined || areaM2 === null || exceededM2 === null) return null;
  const cover = record(detail["cover"]);
  const sightings = record(detail["sightings"]);
  return {
    change,
    areaM2,
    exceededM2,
    registerId: text(cover["register_id"]),
    permit: permitOf(cover),
    on: GROUNDS.filter((ground) => texts(detail["on"]).includes(ground)),
    orderId: text(detail["order_id"]),
    rebuilt: detail["rebuilt"] === true,
    cues: texts(detail["cues"]),
    flights: Math.max(1, finite(sightings["flights"]) ?? 1),
    frames: Math.max(0, finite(sightings["frames"]) ?? 0),
    firstSeen: text(sightings["first_seen"]),
    flight: surveyOf(detail["flight"]),
    comparedWith: surveyOf(detail["compared_with"]),
  };
}

/** "8.4", "48", "1,200" without its commas: square metres to what they are good for. */
export function squareMetres(area: number): string {
  return area < 10 ? area.toFixed(1) : String(Math.round(area));
}

/** The day of a moment where the reader is: flights lie days apart. */
export function dayText(iso: string | null, language: Language): string {
  const moment = new Date(iso ?? Number.NaN);
  if (Number.isNaN(moment.getTime())) return "–";
  return moment.toLocaleDateString(language === "zh" ? "zh-CN" : "en-GB", { year: "numeric", month: "short", day: "numeric" });
}

export function permitText(facts: StructureFacts, t: TFunction): string {
  const { permit } = facts;
  if (permit === null) return t("structure.permit.none");
  const date = (permit.state === "expired" ? permit.until : permit.from) ?? "–";
  return t(`structure.permit.${permit.state}`, { id: permit.id, date });
}

export function exceededText(facts: StructureFacts, t: TFunction): string | null {
  if (facts.exceededM2 <= 0) return null;
  if (facts.exceededM2 >= ALL_OF_IT * facts.areaM2) return t("structure.nothingApproved");
  return t("structure.exceeded", { exceeded: squareMetres(facts.exceededM2) });
}

function surveyText(survey: Survey, t: TFunction, language: Language): string {
  const name = t(`structure.survey.${survey.kind}`, { id: survey.id });
  if (survey.takenAt === null) return name;
  return t("structure.survey.dated", { survey: name, date: dayText(survey.takenAt, language) });
}

/** What happened, how large it is, whether a permit covers it, and what else is against it. */
export function structureText(facts: StructureFacts, t: TFunction, language: Language): string {
  const gone = facts.change === "removed";
  const parts = [
    t(`structure.change.${facts.change}`),
    t("structure.area", { area: squareMetres(facts.areaM2) }),
    gone ? null : exceededText(facts, t),
    gone ? null : permitText(facts, t),
    ...(gone ? [] : facts.on.map((ground) => t(`structure.on.${ground}`))),
    facts.orderId === null ? null : t("structure.order", { id: facts.orderId }),
    facts.rebuilt && !gone ? t("structure.rebuilt") : null,
    gone ? null : t("structure.seen", { count: facts.flights }),
  ];
  return parts.filter((part) => part !== null).join(language === "zh" ? "，" : ", ");
}

/** For the list of facts beside the evidence. */
export function structureMeasurements(facts: StructureFacts, t: TFunction, language: Language): Measurement[] {
  const join = (items: string[]): string => items.join(language === "zh" ? "、" : ", ");
  const seen = { flights: facts.flights, frames: facts.frames, date: dayText(facts.firstSeen, language) };
  const cues = facts.cues.map((cue) => t(`structure.cue.${cue as "concrete"}`, { defaultValue: cue.replaceAll("_", " ") }));
  const exceeded = facts.exceededM2 > 0 ? `${squareMetres(facts.exceededM2)} m²` : null;
  const rows: [string, string | null][] = [
    [t("structure.facts.change"), t(`structure.change.${facts.change}`)],
    [t("structure.facts.area"), `${squareMetres(facts.areaM2)} m²`],
    [t("structure.facts.exceeded"), exceeded],
    [t("structure.facts.approved"), facts.registerId === null ? null : t("structure.approvedBy", { id: facts.registerId })],
    [t("structure.facts.permit"), permitText(facts, t)],
    [t("structure.facts.on"), facts.on.length === 0 ? null : join(facts.on.map((ground) => t(`structure.on.${ground}`)))],
    [t("structure.facts.order"), facts.orderId],
    [t("structure.facts.cues"), cues.length === 0 ? null : join(cues)],
    [t("structure.facts.seen"), t("structure.sightings", seen)],
    [t("structure.facts.flight"), facts.flight === null ? null : surveyText(facts.flight, t, language)],
    [t("structure.facts.compared"), facts.comparedWith === null ? null : surveyText(facts.comparedWith, t, language)],
  ];
  return rows.flatMap(([label, value]) => (value === null ? [] : [{ label, value }]));
}
