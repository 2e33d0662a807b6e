// Calibrating a camera's traffic signals: picture, heads, learning and saving hang together here.

import { ask, change, sourcePath, told } from "../asking.js";
import { h, redraw, say } from "../drawing.js";
import { look, nextLanguage, nextTheme, paint, speak } from "../look.js";
import { translator } from "../texts.js";
import { Draft, boxOf, cornersOf } from "./draft.js";
import { HeadForm } from "./form.js";
import { addNight, renderConflicts, renderCycle, renderNight } from "./groups.js";
import { keyRows, onKey } from "./keys.js";
import { Learning } from "./learn.js";
import { Saving } from "./save.js";
import { Stage } from "./stage.js";
import { CALIBRATION } from "./texts.js";

const CHECK_AFTER_MS = 300;
const PICTURE_AGAIN_MS = 3000;
const STAY_MS = 30000; // the camera lends its pictures for as long as somebody asks, and two minutes more
const $ = (id) => document.getElementById(id);
const source = decodeURIComponent(location.pathname.split("/").at(-1));
const KEPT = `calibration ${source}`;

const page = { name: source, checked: null, refused: [], stored: null, checkTrouble: "", countdown: false, proposals: {}, notes: [] };
let t = translator(look.language, CALIBRATION);
let draft = null;
let parts = null;

// ---- asking

async function call(arguments_) {
  try {
    return await told(await change(sourcePath(source, "signals"), JSON.stringify(arguments_)));
  } catch {
    return { ok: false, why: t("boxSilent") };
  }
}

async function post(rest, body) {
  try {
    return await told(await change(sourcePath(source, rest), JSON.stringify(body)));
  } catch {
    return { ok: false, why: t("boxSilent") };
  }
}

function trouble(text) {
  $("trouble").hidden = !text;
  say($("trouble"), text);
}

// ---- the picture

let pictureTimer = 0;

async function fetchPicture() {
  clearTimeout(pictureTimer);
  const answer = await ask(sourcePath(source, "signals/still")).catch(() => null);
  if (!answer?.ok) {
    say($("stage-note"), t("noPicture", { why: answer ? (await told(answer)).why : t("boxSilent") }));
    pictureTimer = setTimeout(fetchPicture, PICTURE_AGAIN_MS);
    return;
  }
  const address = URL.createObjectURL(await answer.blob());
  const image = new Image();
  image.src = address;
  await image.decode();
  parts.stage.setPicture(address, { width: image.naturalWidth, height: image.naturalHeight });
  say($("stage-note"), "");
}

// ---- proposals

async function propose() {
  $("propose").disabled = true;
  say($("stage-note"), t("proposing"));
  const answer = await call({ do: "propose" });
  $("propose").disabled = false;
  say($("stage-note"), answer.ok ? "" : t("noProposals", { why: answer.why }));
  if (!answer.ok) return;
  page.proposals = answer.document.heads;
  page.notes = answer.document.notes ?? [];
  if (!Object.keys(page.proposals).length) say($("stage-note"), t("nothingProposed"));
  render();
}

function accept(id) {
  const head = page.proposals[id];
  if (!head) return;
  delete page.proposals[id];
  draft.choose(draft.accept(id, head));
}

function acceptAll() {
  for (const id of Object.keys(page.proposals)) {
    draft.accept(id, page.proposals[id]);
    delete page.proposals[id];
  }
  draft.choose(Object.keys(draft.settings.heads)[0]);
}

function discardAll() {
  page.proposals = {};
  page.notes = [];
  render();
}

// ---- what is wrong

let checkTimer = 0;

function checkSoon() {
  clearTimeout(checkTimer);
  checkTimer = setTimeout(check, CHECK_AFTER_MS);
}

async function check() {
  if (!Object.keys(draft.settings.heads).length) {
    page.checked = null;
    return render();
  }
  const asked = JSON.stringify(draft.written());
  const answer = await call({ do: "check", settings: JSON.parse(asked) });
  page.checkTrouble = answer.ok ? "" : answer.why;
  if (answer.ok) page.checked = answer.document;
  if (asked !== JSON.stringify(draft.written())) checkSoon(); // edited meanwhile
  render();
}

const allFaults = () => [...(page.checked?.problems ?? []), ...page.refused];
const begins = (path, start) => start.every((part, at) => String(path[at]) === String(part));

/** Messages about a path and what is below it; `around`: those of lamps are told at the lamps. */
function faultsAt(path, around) {
  const found = allFaults().filter((fault) => begins(fault.path, path) && !(around && fault.path[2] === "lamps" && fault.path.length > 3));
  return [...new Set(found.map((fault) => fault.message))];
}

const faults = (id) => faultsAt(["heads", id], false);
const tooSmall = (id, lamp) => (page.checked?.lamps ?? []).some((one) => one.head === id && one.index === lamp && !one.ok);

function showFaults() {
  const found = allFaults();
  const elsewhere = found.filter((fault) => fault.path[0] !== "heads" || fault.path.length < 2 || fault.path[1] !== draft.chosen.head);
  redraw($("problems"), [t.locale, elsewhere], () => elsewhere.map(faultRow));
  const some = Object.keys(draft.settings.heads).length > 0;
  const text = page.checkTrouble ? t("notChecked", { why: page.checkTrouble }) : found.length ? t("faults", { count: found.length }) : some && page.checked ? t("allFine") : t("notYet");
  say($("verdict"), text);
  $("verdict").dataset.mood = page.checkTrouble || found.length ? "bad" : some && page.checked ? "good" : "warn";
}

function faultRow(fault) {
  const [first, id, ...rest] = fault.path;
  if (first !== "heads" || !(id in draft.settings.heads)) return h("li", {}, [fault.path.join("."), fault.message].filter(Boolean).join(": "));
  const lamp = rest[0] === "lamps" ? Number(rest[1]) : -1;
  const where = h("button", { type: "button", className: "where", onclick: () => lookAt(id, lamp) }, lamp >= 0 ? t("lampOf", { name: id, number: lamp + 1 }) : id);
  return h("li", {}, where, ` ${fault.message}`);
}

// ---- showing

function lookAt(id, lamp = -1) {
  draft.choose(id, lamp);
  parts.stage.showBox(boxOf(draft.head.polygon));
}

function render() {
  if (!draft) return;
  parts.stage.proposals = page.proposals;
  parts.stage.render();
  parts.form.render();
  renderConflicts($("conflicts"), draft, t);
  renderCycle($("cycle"), draft, t);
  renderNight($("night"), draft, t);
  parts.learning.render();
  parts.saving.render();
  showFaults();
  const proposed = Object.keys(page.proposals).length;
  $("proposals").hidden = !proposed && !page.notes.length;
  say($("proposals-note"), proposed ? t("proposed", { count: proposed }) : "");
  $("proposals-note").hidden = $("accept-all").hidden = !proposed;
  say($("discard-all"), t(proposed ? "discardAll" : "close"));
  redraw($("proposal-notes"), page.notes, () => page.notes.map((note) => h("li", {}, note)));
  say($("heads-count"), t("headsCount", { count: Object.keys(draft.settings.heads).length, groups: draft.groups.length }));
  $("undo").disabled = !draft.past.length;
  $("redo").disabled = !draft.future.length;
  $("zoom-chosen").disabled = !draft.head;
  $("revert").disabled = !changed();
}

const changed = () => JSON.stringify(draft.written()) !== page.stored;

function setDrawing(on, countdown = false) {
  page.countdown = on && countdown && Boolean(draft.head);
  parts.stage.setDrawing(on);
  $("draw").setAttribute("aria-pressed", String(on));
  say($("stage-note"), on ? t(page.countdown ? "drawCountdownNow" : "drawNow") : "");
}

function drawn(box) {
  if (page.countdown) draft.change((settings) => (settings.heads[draft.chosen.head].countdown = { polygon: cornersOf(box) }));
  else draft.addHead(box);
  setDrawing(false);
}

/** For the keyboard: a head in the middle of what is looked at, to be moved by the arrows. */
function newHead() {
  const { x, y, width, height } = parts.stage.view;
  draft.addHead({ x: x + width * 0.48, y: y + height * 0.4, width: width * 0.04, height: height * 0.2 });
  parts.stage.groups.get(draft.chosen.head)?.focus();
}

function retell() {
  t = translator(look.language, CALIBRATION);
  speak(t);
  say($("title"), t("title", { name: page.name }));
  document.title = `${page.name} · GridSentry`;
  redraw($("keys"), t.locale, () => keyRows(t));
  render();
}

function begin(settings) {
  draft = new Draft(settings);
  const asked = {
    get t() { return t; },
    faults, faultsAt, tooSmall, accept, drawn, look: lookAt,
    drawCountdown: () => setDrawing(true, true),
    adopted: () => $("conflicts").scrollIntoView({ block: "center", behavior: "smooth" }),
    refused: (fields) => { page.refused = fields; render(); },
    saved: () => { page.stored = JSON.stringify(draft.written()); sessionStorage.removeItem(KEPT); render(); },
  };
  parts.form.draft = parts.stage.draft = parts.learning.draft = parts.saving.draft = draft;
  for (const part of Object.values(parts)) part.told = asked;
  draft.addEventListener("chosen", render);
  draft.addEventListener("changed", () => {
    page.refused = [];
    if (changed()) sessionStorage.setItem(KEPT, JSON.stringify(draft.written()));
    else sessionStorage.removeItem(KEPT);
    render();
    checkSoon();
  });
}

async function start() {
  const nobody = new Draft(null);
  const quiet = { get t() { return t; }, faults: () => [], faultsAt: () => [], tooSmall: () => false };
  parts = {
    stage: new Stage($("stage"), nobody, $("loupe"), quiet),
    form: new HeadForm($("head-list"), $("head-form"), nobody, quiet),
    learning: new Learning(nobody, call, quiet),
    saving: new Saving(nobody, post, quiet),
  };
  retell();
  const answer = await ask(sourcePath(source, "signals")).then(told).catch(() => ({ ok: false, why: t("boxSilent") }));
  if (!answer.ok) return trouble(answer.why);
  page.name = answer.document.name || source;
  parts.saving.sha256 = answer.document.sha256;
  begin(answer.document.settings);
  page.stored = JSON.stringify(draft.written());
  const kept = sessionStorage.getItem(KEPT);
  if (kept) draft.change((settings) => Object.assign(settings, new Draft(JSON.parse(kept)).settings));
  retell();
  if (kept) say($("stage-note"), t("keptDraft"));
  if (answer.document.pictures) fetchPicture();
  else say($("stage-note"), t("noPictures"));
  checkSoon();
  parts.learning.ask({ do: "status" });
  setInterval(() => document.hidden || parts.learning.status.state === "learning" || parts.learning.ask({ do: "status" }), STAY_MS);
}

/** Back to what the file says. */
async function revert() {
  sessionStorage.removeItem(KEPT);
  const answer = await told(await ask(sourcePath(source, "signals")));
  if (!answer.ok) return trouble(answer.why);
  parts.saving.sha256 = answer.document.sha256;
  const whole = new Draft(answer.document.settings).settings;
  page.stored = JSON.stringify(new Draft(answer.document.settings).written());
  draft.change((settings) => {
    for (const name of Object.keys(settings)) delete settings[name];
    Object.assign(settings, whole);
  });
}

const ACTS = {
  head: newHead,
  draw: () => setDrawing(!parts.stage.drawing),
  lamp: () => draft.addLamp(),
  nextLamp: () => draft.head && draft.choose(draft.chosen.head, (draft.chosen.lamp + 2) % (draft.head.lamps.length + 1) - 1),
  duplicate: () => draft.duplicate(),
  remove: () => removeChosen(),
  move: (dx, dy) => draft.move(dx, dy, `keys ${draft.chosen.head} ${draft.chosen.lamp}`),
  resize: (dx, dy) => resizeBy(dx, dy),
  grow: (by) => draft.grow(by),
  undo: () => draft.undo(),
  redo: () => draft.redo(),
  zoomIn: () => parts.stage.zoom(1.5),
  zoomOut: () => parts.stage.zoom(1 / 1.5),
  zoomFit: () => parts.stage.fit(),
  zoomChosen: () => draft.head && parts.stage.showBox(boxOf(draft.head.polygon)),
  propose, fresh: fetchPicture,
  plan: () => parts.saving.plan(),
  theme: () => { nextTheme(); paint(t); },
  language: () => { nextLanguage(); retell(); },
  help: () => $("help").showModal(),
  escape: () => (parts.stage.drawing ? setDrawing(false) : draft.choose(draft.chosen.lamp >= 0 ? draft.chosen.head : "")),
};

function removeChosen() {
  const ghost = document.activeElement?.dataset?.ghost;
  if (!ghost) return draft.remove();
  delete page.proposals[ghost];
  return render();
}

function resizeBy(dx, dy) {
  if (!draft.head || draft.chosen.lamp >= 0) return;
  const box = boxOf(draft.head.polygon);
  draft.change(() => draft.resize({ ...box, width: Math.max(3, box.width + dx), height: Math.max(3, box.height + dy) }), `size ${draft.chosen.head}`);
}

document.addEventListener("keydown", (event) => {
  if (!draft || $("help").open) return;
  const ghost = event.target.dataset?.ghost;
  if (ghost && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    accept(ghost);
    parts.stage.groups.get(draft.chosen.head)?.focus();
    return;
  }
  onKey(event, ACTS, Boolean(draft.head));
});

for (const [id, act] of [["propose", propose], ["draw", ACTS.draw], ["fresh", fetchPicture], ["zoom-in", ACTS.zoomIn], ["zoom-out", ACTS.zoomOut], ["zoom-fit", ACTS.zoomFit], ["zoom-chosen", ACTS.zoomChosen], ["undo", ACTS.undo], ["redo", ACTS.redo], ["accept-all", acceptAll], ["discard-all", discardAll], ["night-add", () => addNight(draft)], ["revert", revert], ["language", ACTS.language], ["theme", ACTS.theme], ["help-open", ACTS.help]]) {
  $(id).onclick = act;
}
window.addEventListener("beforeunload", (event) => {
  if (draft && changed() && !sessionStorage.getItem(KEPT)) event.preventDefault();
});

start();
