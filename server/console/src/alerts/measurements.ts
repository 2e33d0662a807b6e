import type { TFunction } from "i18next";

import type { AlertDetail } from "../api/types";
import type { Language } from "../lib/time";
import { fireFacts, fireMeasurements } from "../scene/fire";
import { objectsFacts, objectsMeasurements } from "../scene/objects";
import { structureFacts, structureMeasurements } from "../structures/facts";

export interface Measurement {
  label: string;
  value: string;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function number(record: Record<string, unknown>, key: string): number | null {
  const value = record[key];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** What the detector measured, for the hazards that the console knows; nothing for others. */
export function measurements(alert: Pick<AlertDetail, "detail">, t: TFunction, language: Language): Measurement[] {
  const burning = fireFacts(alert.detail);
  if (burning !== null) return fireMeasurements(burning, t, language);
  const things = objectsFacts(alert.detail);
  if (things !== null) return objectsMeasurements(things, t, language);
  const built = structureFacts(alert.detail);
  if (built !== null) return structureMeasurements(built, t, language);
  const fall = alert.detail["fall"];
  if (isRecord(fall)) return fallMeasurements(fall, t);
  return typeof alert.detail["channel"] === "string" ? readingMeasurements(alert.detail, t) : [];
}

function fallMeasurements(fall: Record<string, unknown>, t: TFunction): Measurement[] {
  const drop = number(fall, "drop_m");
  const acceleration = number(fall, "acceleration_mps2");
  const error = number(fall, "acceleration_error_mps2");
  const speed = number(fall, "end_speed_mps");
  const observations = number(fall, "observations");
  return [
    drop === null ? null : { label: t("fall.drop"), value: `${drop.toFixed(1)} m` },
    acceleration === null
      ? null
      : {
          label: t("fall.acceleration"),
          value: `${acceleration.toFixed(1)}${error === null ? "" : ` ± ${error.toFixed(1)}`} m/s²`,
        },
    speed === null ? null : { label: t("fall.endSpeed"), value: `${speed.toFixed(1)} m/s` },
    observations === null ? null : { label: t("fall.observations"), value: String(observations) },
  ].filter((measurement) => measurement !== null);
}

function readingMeasurements(detail: Record<string, unknown>, t: TFunction): Measurement[] {
  const value = number(detail, "value");
  const limit = number(detail, "set_limit");
  const clear = number(detail, "clear_limit");
  const unit = typeof detail["unit"] === "string" ? detail["unit"] : "";
  const key = detail["comparison"] === "below" ? "reading.limitBelow" : "reading.limitAbove";
  return [
    value === null ? null : { label: t("reading.value"), value: `${value} ${unit}` },
    limit === null ? null : { label: t("reading.limit"), value: t(key, { limit, unit, clear: clear ?? "–" }) },
  ].filter((measurement) => measurement !== null);
}
