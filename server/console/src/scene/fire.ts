/** What an event says of flames and smoke (`contract/details.py`): read with care, told in words. */

import type { TFunction } from "i18next";

import type { Measurement } from "../alerts/measurements";
import { formatAge, type Language } from "../lib/time";

export interface FireWitness {
  source: string;
  hazard: string;
  secondsAgo: number;
  distanceM: number | null;
}

export interface FireFacts {
  stage: "warning" | "critical";
  proposers: string[];
  light: "day" | "night" | "infrared";
  areaShare: number;
  growthPerMinute: number | null;
  widthM: number | null;
  heightM: number | null;
  witnesses: FireWitness[];
}

const STAGES = ["warning", "critical"] as const;
const LIGHTS = ["day", "night", "infrared"] as const;
/** Less change in a minute than this is the flicker of the flames themselves. */
const STEADY_PER_MINUTE = 0.15;
/** More than this is not measured but guessed from the first seconds: "more than tenfold" says enough. */
const MOST_PER_MINUTE = 9;

function finite(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function records(value: unknown): Record<string, unknown>[] {
  const items: unknown[] = Array.isArray(value) ? value : [];
  return items.filter((item): item is Record<string, unknown> => typeof item === "object" && item !== null);
}

function witnessOf(value: Record<string, unknown>): FireWitness | null {
  const source = text(value["source"]);
  if (source === "") return null;
  return {
    source,
    hazard: text(value["hazard"]),
    secondsAgo: finite(value["seconds_ago"]) ?? 0,
    distanceM: finite(value["distance_m"]),
  };
}

/** Null: it is not about fire, or of a version that says nothing we know. */
export function fireFacts(detail: Readonly<Record<string, unknown>>): FireFacts | null {
  const stage = STAGES.find((name) => name === detail["stage"]);
  const light = LIGHTS.find((name) => name === detail["light"]);
  const areaShare = finite(detail["area_share"]);
  if (stage === undefined || light === undefined || areaShare === null) return null;
  const proposers: unknown[] = Array.isArray(detail["proposers"]) ? detail["proposers"] : [];
  return {
    stage,
    light,
    areaShare,
    proposers: proposers.map(text).filter((name) => name !== ""),
    growthPerMinute: finite(detail["growth_per_minute"]),
    widthM: finite(detail["width_m"]),
    heightM: finite(detail["height_m"]),
    witnesses: records(detail["witnesses"]).map(witnessOf).filter((witness) => witness !== null),
  };
}

/** "0.4 %", "12 %": two digits that count, and never 0 of what is there. */
export function percentText(share: number): string {
  const percent = share * 100;
  if (percent < 0.01) return "< 0.01 %";
  return `${percent >= 10 ? Math.round(percent) : Number(percent.toPrecision(2))} %`;
}

export function sizeText(facts: FireFacts, t: TFunction): string {
  const { widthM, heightM } = facts;
  if (widthM !== null && heightM !== null) {
    return t("fire.size.both", { width: widthM.toFixed(1), height: heightM.toFixed(1) });
  }
  if (widthM !== null) return t("fire.size.wide", { width: widthM.toFixed(1) });
  if (heightM !== null) return t("fire.size.high", { height: heightM.toFixed(1) });
  return t("fire.size.share", { share: percentText(facts.areaShare) });
}

/** Null: it was not seen for long enough. */
export function growthText(facts: FireFacts, t: TFunction): string | null {
  const growth = facts.growthPerMinute;
  if (growth === null) return null;
  if (Math.abs(growth) < STEADY_PER_MINUTE) return t("fire.growth.steady");
  if (growth > MOST_PER_MINUTE) return t("fire.growth.leaps");
  const percent = Math.round(Math.abs(growth) * 100);
  return t(growth > 0 ? "fire.growth.grows" : "fire.growth.shrinks", { percent });
}

/** A hazard of another source by its name; one that we do not know as it was sent. */
function witnessedHazard(hazard: string, t: TFunction): string {
  return t(`fire.witnessed.${hazard as "fire"}`, { defaultValue: hazard.replaceAll("_", " ") });
}

export function witnessText(witness: FireWitness, t: TFunction, language: Language): string {
  const values = {
    source: witness.source,
    hazard: witnessedHazard(witness.hazard, t),
    age: formatAge(witness.secondsAgo, language),
    metres: Math.round(witness.distanceM ?? 0),
  };
  return t(witness.distanceM === null ? "fire.witness.somewhere" : "fire.witness.near", values);
}

/** What is seen, how large it is, whether it grows, and who else says so. `seconds`: how long it lasts, or lasted. */
export function fireText(hazard: string, facts: FireFacts, seconds: number, t: TFunction, language: Language): string {
  const age = formatAge(seconds, language);
  const parts = [
    t(hazard === "smoke" ? "fire.seen.smoke" : "fire.seen.fire", { age }),
    sizeText(facts, t),
    growthText(facts, t),
    ...facts.witnesses.slice(0, 1).map((witness) => t("fire.also", { witness: witnessText(witness, t, language) })),
  ];
  return parts.filter((part) => part !== null).join(language === "zh" ? "，" : ", ");
}

/** For the list of facts beside the evidence. */
export function fireMeasurements(facts: FireFacts, t: TFunction, language: Language): Measurement[] {
  const proposers = facts.proposers.map((name) => t(`fire.proposer.${name as "model"}`, { defaultValue: name }));
  const growth = growthText(facts, t);
  const rows: (Measurement | null)[] = [
    { label: t("fire.facts.stage"), value: t(`fire.stageHint.${facts.stage}`) },
    { label: t("fire.facts.size"), value: sizeText(facts, t) },
    facts.widthM === null && facts.heightM === null
      ? null
      : { label: t("fire.facts.share"), value: percentText(facts.areaShare) },
    growth === null ? null : { label: t("fire.facts.growth"), value: growth },
    { label: t("fire.facts.light"), value: t(`fire.light.${facts.light}`) },
    proposers.length === 0
      ? null
      : { label: t("fire.facts.proposers"), value: proposers.join(language === "zh" ? "、" : ", ") },
    facts.witnesses.length === 0
      ? null
      : {
          label: t("fire.facts.witnesses"),
          value: facts.witnesses.map((witness) => witnessText(witness, t, language)).join(language === "zh" ? "；" : "; "),
        },
  ];
  return rows.filter((row) => row !== null);
}
