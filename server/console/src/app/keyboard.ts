/** Which key means what. Pure, so that the whole map can be tested and shown by the help. */

export type Command =
  | "confirm"
  | "reject"
  | "unsure"
  | "next"
  | "previous"
  | "overlay"
  | "play"
  | "step-back"
  | "step-forward"
  | "mute"
  | "help"
  | "filter"
  | "close"
  | "submit"
  | `reason-${1 | 2 | 3 | 4 | 5 | 6}`;

/** `typing`: the focus is in a field; only Escape is ours. `reject`: the reasons are open. */
export type KeyMode = "normal" | "reject" | "typing" | "typing-comment" | "dialog";

export interface KeyPress {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  isComposing: boolean;
}

const NORMAL: Readonly<Record<string, Command>> = {
  c: "confirm",
  r: "reject",
  u: "unsure",
  j: "next",
  k: "previous",
  o: "overlay",
  " ": "play",
  arrowleft: "step-back",
  arrowright: "step-forward",
  ",": "step-back",
  ".": "step-forward",
  m: "mute",
  "?": "help",
  "/": "filter",
  escape: "close",
};

/** For an input method that swallows `key` (a Chinese IME reports "Process"): the key's place on the keyboard. */
function keyOf(press: KeyPress): string {
  if (press.key !== "Process" && press.key !== "Unidentified") return press.key.toLowerCase();
  const letter = /^Key([A-Z])$/.exec(press.code)?.[1] ?? /^Digit(\d)$/.exec(press.code)?.[1];
  return letter?.toLowerCase() ?? press.code.toLowerCase();
}

export function commandFor(press: KeyPress, mode: KeyMode): Command | null {
  if (press.ctrlKey || press.metaKey || press.altKey || press.isComposing) return null;
  const key = keyOf(press);
  if (key === "escape") return "close";
  switch (mode) {
    case "typing":
      return null;
    case "typing-comment":
      return key === "enter" ? "submit" : null;
    case "dialog":
      return key === "?" ? "close" : null;
    case "reject":
      return rejectCommand(key);
    case "normal":
      return NORMAL[key] ?? null;
  }
}

function rejectCommand(key: string): Command | null {
  if (/^[1-6]$/.test(key)) return `reason-${Number(key) as 1 | 2 | 3 | 4 | 5 | 6}`;
  if (key === "enter") return "submit";
  if (key === "r") return "close";
  // What does not touch the verdict keeps working while the reasons are open: the operator may look again.
  const command = NORMAL[key];
  return command === "overlay" || command === "play" || command === "step-back" || command === "step-forward"
    ? command
    : null;
}
