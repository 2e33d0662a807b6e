// The keys of the calibration page, and their list for `?`.

import { h } from "../drawing.js";

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const PLAIN = {
  n: "head", b: "draw", a: "lamp", l: "nextLamp", d: "duplicate", u: "undo", r: "redo", "+": "zoomIn", "=": "zoomIn",
  "-": "zoomOut", 0: "zoomFit", f: "zoomChosen", p: "propose", g: "fresh", s: "plan", t: "theme", z: "language", "?": "help",
  Delete: "remove", Backspace: "remove", Escape: "escape",
};
const LIST = [
  [["Tab"], "keyTab"],
  [["←", "→", "↑", "↓"], "keyMove"],
  [["Shift", "←"], "keyFast"],
  [["Alt", "←"], "keyResize"],
  [["[", "]"], "keyGrow"],
  [["n"], "keyNew"],
  [["b"], "keyDraw"],
  [["a"], "keyLamp"],
  [["l"], "keyNextLamp"],
  [["d"], "keyDuplicate"],
  [["Delete"], "keyDelete"],
  [["Enter"], "keyAccept"],
  [["Esc"], "keyEscape"],
  [["u", "r"], "keyUndo"],
  [["+", "−", "0", "f"], "keyZoom"],
  [["p"], "keyPropose"],
  [["g"], "keyFresh"],
  [["s"], "keySave"],
  [["t", "z"], "keyLook"],
  [["?"], "keyHelp"],
];

/** Runs what a key stands for. Keys typed into a field belong to the field, and so do a button's own. */
export function onKey(event, acts, chosen) {
  const typing = event.target.matches?.("input, textarea, select");
  if (event.key === "Escape" && typing) event.target.blur();
  if (typing || event.ctrlKey || event.metaKey) return;
  const step = STEPS[event.key];
  // Where something scrolls, arrows scroll it.
  if (step && chosen && !event.target.closest?.(".timeline-scroll, .scroll")) {
    const by = step.map((one) => one * (event.shiftKey ? 10 : 1));
    event.preventDefault();
    (event.altKey ? acts.resize : acts.move)(...by);
    return;
  }
  if (event.altKey) return;
  if ((event.key === "[" || event.key === "]") && chosen) return acts.grow(event.key === "]" ? 0.5 : -0.5);
  const name = PLAIN[event.key];
  if (!name) return;
  event.preventDefault();
  acts[name]();
}

export function keyRows(t) {
  return LIST.flatMap(([keys, text]) => [h("dt", {}, ...keys.flatMap((key) => [h("kbd", {}, key), " "])), h("dd", {}, t(text))]);
}
