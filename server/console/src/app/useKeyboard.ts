import { useEffect, useEffectEvent } from "react";

import { commandFor, type Command, type KeyMode } from "./keyboard";

/** A field that takes text; checkboxes, radios and buttons do not. */
function isTextField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable) return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button", "range"].includes(target.type);
}

/**
 * Space and Enter belong to the button, link or tab that has the focus. In the alert list, where the focus stays while
 * one judges, Space plays the clip, and Enter sends the rejection if the reasons are open.
 */
function isPressable(event: KeyboardEvent, mode: KeyMode): boolean {
  if (!(event.target instanceof HTMLElement)) return false;
  const inList = event.target.closest("[data-space-plays]") !== null;
  if (inList && (event.key === " " || mode === "reject")) return false;
  return event.target.closest("button, a, summary, [role=tab]") !== null;
}

function modeFor(event: KeyboardEvent, mode: KeyMode): KeyMode {
  if (!isTextField(event.target)) return mode;
  const element = event.target as HTMLElement;
  return element.dataset["submits"] === "true" ? "typing-comment" : "typing";
}

/** Calls `handle` for each key that means something in `mode`; true from it means that the key is used up. */
export function useKeyboard(mode: KeyMode, handle: (command: Command) => boolean): void {
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.repeat && !["ArrowLeft", "ArrowRight", ",", ".", "j", "k"].includes(event.key)) return;
    if ((event.key === " " || event.key === "Enter") && isPressable(event, mode)) return;
    const command = commandFor(event, modeFor(event, mode));
    if (command !== null && handle(command)) event.preventDefault();
  });
  useEffect(() => {
    const listener = (event: KeyboardEvent): void => onKey(event);
    window.addEventListener("keydown", listener);
    return () => window.removeEventListener("keydown", listener);
  }, []);
}
