/** A piece of a timeline in words: for the line under the drawing, the table, and whoever listens instead of looking. */

import type { TFunction } from "i18next";

import { formatAge, formatClock, type Language } from "../lib/time";
import { lampName } from "./detail";
import type { Head, LampTimeline, Moment, Span } from "./timeline";

export function headName(head: Pick<Head, "id" | "name">): string {
  return head.name || head.id;
}

/** The local time of a second of the timeline. */
export function timeOf(timeline: Pick<LampTimeline, "zeroAt">, at: number, language: Language): string {
  return formatClock(timeline.zeroAt + at * 1000, language, true);
}

export function stateText(head: Pick<Head, "lamps">, span: Span, t: TFunction): string {
  const countdown = span.countdown === null ? "" : ` · ${t(`signal.timeline.countdown.${span.countdown}`)}`;
  if (span.unseen !== null) {
    const reason = t(`signal.timeline.reason.${span.unseen as "fog"}`, { defaultValue: span.unseen });
    return t("signal.timeline.unknown", { reason });
  }
  const lit = span.lit.flatMap((index) => head.lamps[index] ?? []);
  return (lit.length === 0 ? t("signal.dark") : lit.map((lamp) => lampName(lamp, t)).join(" + ")) + countdown;
}

export function spanText(timeline: LampTimeline, head: Head, span: Span, t: TFunction, language: Language): string {
  const seconds = span.end - span.start;
  return t("signal.timeline.state", {
    state: stateText(head, span, t),
    from: timeOf(timeline, span.start, language),
    to: timeOf(timeline, span.end, language),
    age: seconds < 9.95 ? `${seconds.toFixed(1)}${language === "zh" ? "秒" : " s"}` : formatAge(seconds, language),
  });
}

export function momentText(timeline: LampTimeline, moment: Moment, t: TFunction, language: Language): string {
  return t("signal.timeline.momentAt", {
    what: t(`signal.timeline.moment.${moment.what}`),
    time: timeOf(timeline, moment.at, language),
  });
}

export function summaryText(timeline: LampTimeline, t: TFunction, language: Language): string {
  return t("signal.timeline.summary", {
    from: timeOf(timeline, timeline.start, language),
    to: timeOf(timeline, timeline.end, language),
    heads: timeline.heads.length,
    concerned: timeline.heads.filter(({ concerned }) => concerned).length,
    moments: timeline.moments.map((moment) => momentText(timeline, moment, t, language)).join(language === "zh" ? "，" : ", "),
  });
}
