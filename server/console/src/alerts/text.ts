import type { AlertSummary, GridProperties, Queue } from "../api/types";
import type { Language } from "../lib/time";

/** Names in the reader's language, falling back to the other one, then to the code. */

export function hazardName(alert: Pick<AlertSummary, "hazard" | "hazard_en" | "hazard_zh">, language: Language): string {
  return (language === "zh" ? alert.hazard_zh || alert.hazard_en : alert.hazard_en || alert.hazard_zh) || alert.hazard;
}

export function queueName(
  alert: Pick<AlertSummary, "queue" | "queue_name_en" | "queue_name_zh">,
  language: Language,
): string {
  const [first, second] =
    language === "zh" ? [alert.queue_name_zh, alert.queue_name_en] : [alert.queue_name_en, alert.queue_name_zh];
  return first || second || alert.queue;
}

export function placeName(place: Pick<Queue | GridProperties, "code" | "name_en" | "name_zh">, language: Language): string {
  return (language === "zh" ? place.name_zh || place.name_en : place.name_en || place.name_zh) || place.code;
}
