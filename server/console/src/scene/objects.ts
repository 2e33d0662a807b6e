/** What an event says of things in a zone (`contract/details.py`): read with care, told in words. */

import type { TFunction } from "i18next";

import type { Measurement } from "../alerts/measurements";
import { formatAge, type Language } from "../lib/time";

export interface ObjectsFacts {
  zone: string;
  rule: "dwell" | "count" | "direction";
  count: number;
  limit: number;
  labels: string[];
  /** Of the thing that is there longest. */
  longestSeconds: number;
  headingDegrees: number | null;
}

const RULES = ["dwell", "count", "direction"] as const;
const EIGHTHS = ["up", "upRight", "right", "downRight", "down", "downLeft", "left", "upLeft"] as const;

function finite(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** Null: it is not about things in a zone, or of a version that says nothing we know. */
export function objectsFacts(detail: Readonly<Record<string, unknown>>): ObjectsFacts | null {
  const rule = RULES.find((name) => name === detail["rule"]);
  const zone = detail["zone"];
  const limit = finite(detail["limit"]);
  if (rule === undefined || typeof zone !== "string" || limit === null) return null;
  const items: unknown[] = Array.isArray(detail["objects"]) ? detail["objects"] : [];
  const things = items.filter((item): item is Record<string, unknown> => typeof item === "object" && item !== null);
  return {
    zone,
    rule,
    limit,
    count: Math.max(things.length, finite(detail["count"]) ?? 0),
    labels: things.flatMap(({ label }) => (typeof label === "string" && label !== "" ? [label] : [])),
    longestSeconds: Math.max(0, ...things.map(({ seconds }) => finite(seconds) ?? 0)),
    headingDegrees: finite(detail["heading_degrees"]),
  };
}

/** "car × 2, truck": the kinds in the order in which they were told; more of them than were told is said, too. */
export function thingsText(facts: ObjectsFacts, t: TFunction, language: Language): string {
  const counts = new Map<string, number>();
  for (const label of facts.labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const parts = [...counts].map(([label, count]) => {
    const name = t(`objects.label.${label.replaceAll(" ", "_") as "car"}`, { defaultValue: label });
    return count === 1 ? name : `${name} × ${count}`;
  });
  const more = facts.count - facts.labels.length;
  if (more > 0) parts.push(t("objects.more", { count: more }));
  return parts.join(language === "zh" ? "、" : ", ");
}

export function headingText(degrees: number, t: TFunction): string {
  const eighth = EIGHTHS[Math.round((((degrees % 360) + 360) % 360) / 45) % EIGHTHS.length];
  return t(`objects.heading.${eighth ?? "up"}`);
}

export function limitText(facts: ObjectsFacts, t: TFunction, language: Language): string {
  switch (facts.rule) {
    case "dwell":
      return t("objects.limit.dwell", { age: formatAge(facts.limit, language) });
    case "count":
      return t("objects.limit.count", { count: facts.limit });
    case "direction":
      return t("objects.limit.direction", { degrees: Math.round(facts.limit) });
  }
}

/** Where, what, and against which rule. `seconds`: how long the rule is broken, or was. */
export function objectsText(facts: ObjectsFacts, seconds: number, t: TFunction, language: Language): string {
  const heading = facts.headingDegrees;
  const parts = [
    t("objects.seen", { zone: facts.zone, things: thingsText(facts, t, language) }),
    facts.rule === "direction" && heading !== null ? headingText(heading, t) : null,
    t("objects.lasts", { age: formatAge(facts.rule === "dwell" ? Math.max(seconds, facts.longestSeconds) : seconds, language) }),
    limitText(facts, t, language),
  ];
  return parts.filter((part) => part !== null).join(language === "zh" ? "，" : ", ");
}

/** For the list of facts beside the evidence. */
export function objectsMeasurements(facts: ObjectsFacts, t: TFunction, language: Language): Measurement[] {
  const heading = facts.headingDegrees;
  const rows: (Measurement | null)[] = [
    { label: t("objects.facts.zone"), value: facts.zone },
    { label: t("objects.facts.things"), value: thingsText(facts, t, language) },
    { label: t("objects.facts.rule"), value: limitText(facts, t, language) },
    facts.rule === "dwell"
      ? { label: t("objects.facts.longest"), value: formatAge(facts.longestSeconds, language) }
      : null,
    facts.rule === "direction" && heading !== null
      ? { label: t("objects.facts.heading"), value: headingText(heading, t) }
      : null,
  ];
  return rows.filter((row) => row !== null);
}
