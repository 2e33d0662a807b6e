/** Ages and moments as people read them. Pure functions; the language is an argument. */

export type Language = "zh" | "en";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "42 s", "3 min 05 s", "2 h 10 min", "4 d": short enough for a list, steady enough to tick. */
export function formatAge(seconds: number, language: Language): string {
  const whole = Math.max(0, Math.floor(seconds));
  const unit = language === "zh" ? ZH : EN;
  if (whole < MINUTE) return `${whole}${unit.second}`;
  if (whole < 10 * MINUTE) {
    return `${Math.floor(whole / MINUTE)}${unit.minute}${unit.gap}${pad(whole % MINUTE)}${unit.second}`;
  }
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)}${unit.minute}`;
  if (whole < DAY) {
    return `${Math.floor(whole / HOUR)}${unit.hour}${unit.gap}${pad(Math.floor((whole % HOUR) / MINUTE))}${unit.minute}`;
  }
  return `${Math.floor(whole / DAY)}${unit.day}`;
}

const EN = { second: " s", minute: " min", hour: " h", day: " d", gap: " " };
const ZH = { second: "秒", minute: "分", hour: "小时", day: "天", gap: "" };

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

/** "1:05": minutes and seconds left. Never negative. */
export function formatCountdown(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(whole / MINUTE)}:${pad(whole % MINUTE)}`;
}

/** Time of day for today, with the date before that; in the viewer's time zone. */
export function formatMoment(iso: string, language: Language, now: number): string {
  const moment = new Date(iso);
  if (Number.isNaN(moment.getTime())) return "–";
  const locale = language === "zh" ? "zh-CN" : "en-GB";
  const time = moment.toLocaleTimeString(locale, { hour12: false });
  if (moment.toDateString() === new Date(now).toDateString()) return time;
  return `${moment.toLocaleDateString(locale, { month: "short", day: "numeric" })} ${time}`;
}

/** The time of day of a moment in milliseconds, in the viewer's time zone: "08:12", or "08:12:05". */
export function formatClock(moment: number, language: Language, withSeconds: boolean): string {
  return new Date(moment).toLocaleTimeString(language === "zh" ? "zh-CN" : "en-GB", {
    hourCycle: "h23",
    hour: "2-digit",
    minute: "2-digit",
    ...(withSeconds ? { second: "2-digit" } : {}),
  });
}

/** As `formatMoment`, to the minute. */
export function formatShortMoment(iso: string, language: Language, now: number): string {
  const moment = new Date(iso);
  if (Number.isNaN(moment.getTime())) return "–";
  const time = formatClock(moment.getTime(), language, false);
  if (moment.toDateString() === new Date(now).toDateString()) return time;
  return `${moment.toLocaleDateString(language === "zh" ? "zh-CN" : "en-GB", { month: "short", day: "numeric" })} ${time}`;
}

/** Seconds from an ISO moment to `now` (milliseconds). */
export function secondsSince(iso: string, now: number): number {
  return (now - Date.parse(iso)) / 1000;
}
