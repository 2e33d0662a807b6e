import { describe, expect, it } from "vitest";

import { noteServerDate, serverNow } from "./clock";
import { formatAge, formatCountdown, formatMoment } from "./time";

describe("ages", () => {
  it.each([
    [-3, "0 s", "0秒"],
    [59.9, "59 s", "59秒"],
    [60, "1 min 00 s", "1分00秒"],
    [599, "9 min 59 s", "9分59秒"],
    [600, "10 min", "10分"],
    [3_600, "1 h 00 min", "1小时00分"],
    [86_399, "23 h 59 min", "23小时59分"],
    [86_400 * 3, "3 d", "3天"],
  ])("%d s", (seconds, en, zh) => {
    expect(formatAge(seconds, "en")).toBe(en);
    expect(formatAge(seconds, "zh")).toBe(zh);
  });

  it("counts down to zero and not below", () => {
    expect(formatCountdown(119.2)).toBe("2:00");
    expect(formatCountdown(5)).toBe("0:05");
    expect(formatCountdown(-5)).toBe("0:00");
  });
});

describe("moments", () => {
  const now = new Date(2026, 10, 21, 12, 0, 0).getTime();

  it("shows the date only where it is not today", () => {
    expect(formatMoment(new Date(2026, 10, 21, 9, 5, 7).toISOString(), "en", now)).toBe("09:05:07");
    expect(formatMoment(new Date(2026, 10, 20, 9, 5, 7).toISOString(), "en", now)).toContain("20 Nov");
  });

  it("does not break on what is no moment", () => {
    expect(formatMoment("yesterday", "en", now)).toBe("–");
  });
});

describe("the server's clock", () => {
  it("corrects a desk computer that is five minutes slow", () => {
    const local = Date.now();
    noteServerDate(new Date(local + 300_000).toUTCString(), local);
    expect(Math.abs(serverNow() - (Date.now() + 300_000))).toBeLessThan(2_000);
    noteServerDate(new Date(local).toUTCString(), local);
    expect(Math.abs(serverNow() - Date.now())).toBeLessThan(50);
  });

  it("ignores what is no date", () => {
    noteServerDate("soon", Date.now());
    noteServerDate(null, Date.now());
    expect(Math.abs(serverNow() - Date.now())).toBeLessThan(50);
  });
});
