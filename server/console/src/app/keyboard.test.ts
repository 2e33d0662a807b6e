import { describe, expect, it } from "vitest";

import { commandFor, type KeyPress } from "./keyboard";

const press = (key: string, more: Partial<KeyPress> = {}): KeyPress => ({
  key,
  code: "",
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  isComposing: false,
  ...more,
});

describe("keys of the workspace", () => {
  it.each([
    ["c", "confirm"],
    ["C", "confirm"],
    ["r", "reject"],
    ["u", "unsure"],
    ["j", "next"],
    ["k", "previous"],
    ["o", "overlay"],
    [" ", "play"],
    ["ArrowLeft", "step-back"],
    [".", "step-forward"],
    ["m", "mute"],
    ["?", "help"],
    ["/", "filter"],
    ["Escape", "close"],
  ])("%s means %s", (key, command) => {
    expect(commandFor(press(key), "normal")).toBe(command);
  });

  it("leaves the browser's own shortcuts alone", () => {
    expect(commandFor(press("c", { ctrlKey: true }), "normal")).toBeNull();
    expect(commandFor(press("r", { metaKey: true }), "normal")).toBeNull();
    expect(commandFor(press("u", { altKey: true }), "normal")).toBeNull();
  });

  it("works with a Chinese input method switched on, which hides the key", () => {
    expect(commandFor(press("Process", { code: "KeyC" }), "normal")).toBe("confirm");
    expect(commandFor(press("Process", { code: "Digit3" }), "reject")).toBe("reason-3");
    expect(commandFor(press("c", { isComposing: true }), "normal")).toBeNull();
  });

  it("never judges while somebody types", () => {
    for (const key of ["c", "r", "u", "1", "Enter", " "]) expect(commandFor(press(key), "typing")).toBeNull();
    expect(commandFor(press("Escape"), "typing")).toBe("close");
    expect(commandFor(press("Enter"), "typing-comment")).toBe("submit");
    expect(commandFor(press("c"), "typing-comment")).toBeNull();
  });

  it("never judges behind a dialog", () => {
    for (const key of ["c", "r", "u", "j"]) expect(commandFor(press(key), "dialog")).toBeNull();
  });

  it("chooses reasons while they are open, and cannot confirm by accident", () => {
    expect(commandFor(press("1"), "reject")).toBe("reason-1");
    expect(commandFor(press("6"), "reject")).toBe("reason-6");
    expect(commandFor(press("7"), "reject")).toBeNull();
    expect(commandFor(press("Enter"), "reject")).toBe("submit");
    expect(commandFor(press("c"), "reject")).toBeNull();
    expect(commandFor(press("j"), "reject")).toBeNull();
    expect(commandFor(press("o"), "reject")).toBe("overlay");
  });
});
