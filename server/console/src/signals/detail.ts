/** What an event says of a fault of traffic signals (`contract/details.py`): read with care, told in words. */

import type { TFunction } from "i18next";

import type { Measurement } from "../alerts/measurements";
import { formatAge, type Language } from "../lib/time";
import type { Lamp } from "./timeline";

export interface SignalFacts {
  scope: "head" | "approach" | "junction" | "groups";
  heads: string[];
  headsTotal: number;
  approach: string;
  groups: string[];
  lamp: Lamp | null;
  expectedSeconds: number | null;
  flashHz: number | null;
  flashDuty: number | null;
  cycles: number | null;
  order: string[];
  visibleShare: number | null;
  samplesPerSecond: number | null;
}

const SCOPES = ["head", "approach", "junction", "groups"] as const;

function finite(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string").slice(0, 48) : [];
}

/** Null: it is not about signals, or of a version that says nothing we know. */
export function signalFacts(detail: Readonly<Record<string, unknown>>): SignalFacts | null {
  const scope = SCOPES.find((name) => name === detail["scope"]);
  const heads = texts(detail["heads"]);
  if (scope === undefined || heads.length === 0) return null;
  const lamp = detail["lamp"];
  const fields = typeof lamp === "object" && lamp !== null ? (lamp as Record<string, unknown>) : null;
  return {
    scope,
    heads,
    headsTotal: Math.max(heads.length, finite(detail["heads_total"]) ?? 0),
    approach: typeof detail["approach"] === "string" ? detail["approach"] : "",
    groups: texts(detail["groups"]),
    lamp:
      fields === null || typeof fields["colour"] !== "string"
        ? null
        : { colour: fields["colour"], shape: typeof fields["shape"] === "string" ? fields["shape"] : "ball" },
    expectedSeconds: finite(detail["expected_seconds"]),
    flashHz: finite(detail["flash_hz"]),
    flashDuty: finite(detail["flash_duty"]),
    cycles: finite(detail["cycles"]),
    order: texts(detail["order"]),
    visibleShare: finite(detail["visible_share"]),
    samplesPerSecond: finite(detail["samples_per_second"]),
  };
}

/** A colour's name; one that we do not know as it was sent. */
export function colourName(colour: string, t: TFunction): string {
  return t(`signal.colour.${colour as "red"}`, { defaultValue: colour });
}

export function lampName(lamp: Lamp, t: TFunction): string {
  const colour = colourName(lamp.colour, t);
  if (lamp.shape === "" || lamp.shape === "ball") return colour;
  const shape = t(`signal.shape.${lamp.shape as "left"}`, { defaultValue: lamp.shape });
  return t("signal.lamp", { colour, shape });
}

/** "red+amber" and "dark" as people read them. */
function stateName(state: string, t: TFunction): string {
  return state
    .split("+")
    .map((part) => (part === "dark" ? t("signal.dark") : colourName(part, t)))
    .join(" + ");
}

function joined(names: readonly string[], language: Language): string {
  return names.join(language === "zh" ? "、" : ", ");
}

/** Which heads, approach or junction. `nameOf` gives a head's name where it is known. */
export function whereText(facts: SignalFacts, t: TFunction, language: Language, nameOf: (id: string) => string = (id) => id): string {
  const count = facts.headsTotal;
  switch (facts.scope) {
    case "junction":
      return t("signal.where.junction", { count });
    case "approach":
      return t("signal.where.approach", { approach: facts.approach || "–", count });
    case "groups":
      return t("signal.where.groups", { groups: facts.groups.join(t("signal.and")) });
    case "head":
      return t("signal.where.head", { head: joined(facts.heads.map(nameOf), language) });
  }
}

/** What is wrong and what would be normal, in one sentence. `seconds`: how long it lasts by now, or lasted. */
export function faultText(hazard: string, facts: SignalFacts, seconds: number, t: TFunction, language: Language): string {
  const age = formatAge(seconds, language);
  const { lamp, cycles, expectedSeconds, flashHz, flashDuty } = facts;
  const lampWords = lamp === null ? t("signal.oneLamp") : lampName(lamp, t);
  const inCycles = cycles === null || cycles === 0 ? null : t("signal.inCycles", { count: cycles });
  const said: Record<string, (string | null)[]> = {
    signal_dark: [t("signal.fault.dark", { age })],
    signal_lamp: [t("signal.fault.lamp", { lamp: lampWords }), inCycles],
    signal_stuck: [
      lamp === null ? t("signal.fault.stuck", { age }) : t("signal.fault.stuckAt", { age, lamp: lampWords }),
      expectedSeconds === null ? null : t("signal.longest", { age: formatAge(expectedSeconds, language) }),
    ],
    signal_flashing: [
      flashHz === null
        ? t("signal.fault.flashing", { lamp: lampWords })
        : t("signal.fault.flashingAt", { lamp: lampWords, hz: flashHz.toFixed(1) }),
      flashDuty === null ? null : t("signal.duty", { percent: Math.round(flashDuty * 100) }),
      t("signal.lasts", { age }),
    ],
    signal_conflict: [t("signal.fault.conflict"), inCycles],
    signal_sequence: [
      facts.order.length === 0 ? t("signal.fault.sequence") : t("signal.fault.order", { order: orderText(facts.order, t) }),
      inCycles,
    ],
    signal_countdown: [t("signal.fault.countdown"), inCycles],
  };
  return (said[hazard] ?? [t("signal.lasts", { age })]).filter((part) => part !== null).join(language === "zh" ? "；" : "; ");
}

export function orderText(order: readonly string[], t: TFunction): string {
  return order.map((state) => stateName(state, t)).join(" → ");
}

/** For the list of facts beside the evidence. */
export function signalMeasurements(facts: SignalFacts, t: TFunction, language: Language): Measurement[] {
  const more = facts.headsTotal - facts.heads.length;
  const rows: (Measurement | null)[] = [
    { label: t("signal.facts.where"), value: whereText(facts, t, language) },
    facts.scope === "head" && facts.heads.length === 1
      ? null
      : {
          label: t("signal.facts.heads"),
          value: joined(facts.heads, language) + (more > 0 ? t("signal.more", { count: more }) : ""),
        },
    facts.lamp === null ? null : { label: t("signal.facts.lamp"), value: lampName(facts.lamp, t) },
    facts.flashHz === null ? null : { label: t("signal.facts.flashing"), value: `${facts.flashHz.toFixed(1)} Hz` },
    // Nothing is normal of what never is: a head that always shows something is dark for 0 s.
    facts.expectedSeconds === null || facts.expectedSeconds === 0
      ? null
      : { label: t("signal.facts.longest"), value: formatAge(facts.expectedSeconds, language) },
    facts.order.length === 0 ? null : { label: t("signal.facts.order"), value: orderText(facts.order, t) },
    facts.cycles === null || facts.cycles === 0
      ? null
      : { label: t("signal.facts.cycles"), value: String(facts.cycles) },
    facts.visibleShare === null || facts.samplesPerSecond === null
      ? null
      : {
          label: t("signal.facts.sight"),
          value: t("signal.sight", {
            percent: Math.round(facts.visibleShare * 100),
            rate: Number(facts.samplesPerSecond.toPrecision(2)),
          }),
        },
  ];
  return rows.filter((row) => row !== null);
}
