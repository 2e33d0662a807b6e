import { describe, expect, it } from "vitest";

import { en } from "./en";
import { initialLanguage } from "./index";
import { zh } from "./zh";

/** Every text by its path. */
function texts(value: object, path = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, child] of Object.entries(value)) {
    const here = path === "" ? key : `${path}.${key}`;
    if (typeof child === "string") found.set(here, child);
    else for (const [inner, text] of texts(child as object, here)) found.set(inner, text);
  }
  return found;
}

const placeholders = (text: string): string[] => [...text.matchAll(/{{(\w+)}}/g)].map(([, name]) => name ?? "").sort();

describe("both languages", () => {
  const english = texts(en);
  const chinese = texts(zh);

  it("have the same keys", () => {
    expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it.each([...english.keys()])("%s has text and the same values in it", (key) => {
    expect(english.get(key)?.trim()).not.toBe("");
    expect(chinese.get(key)?.trim()).not.toBe("");
    expect(placeholders(chinese.get(key) ?? "")).toEqual(placeholders(english.get(key) ?? ""));
  });

  it("are really two languages", () => {
    const same = [...english].filter(([key, text]) => chinese.get(key) === text).map(([key]) => key);
    expect(same).toEqual(["app.name"]);
  });
});

describe("the first language", () => {
  it("is the stored one, else the browser's if Chinese, else English", () => {
    expect(initialLanguage("en", ["zh-CN"])).toBe("en");
    expect(initialLanguage(null, ["zh-HK", "en"])).toBe("zh");
    expect(initialLanguage(null, ["de-DE", "zh-CN"])).toBe("en");
    expect(initialLanguage("klingon", [])).toBe("en");
  });
});
