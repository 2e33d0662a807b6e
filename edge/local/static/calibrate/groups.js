// Phase groups: which are never green together, how long each colour lasts, and when they may flash at night.

import { h, redraw } from "../drawing.js";
import { COLOURS, ORDERS } from "./draft.js";
import { field, number, select } from "./form.js";

const same = (pair, one, other) => (pair[0] === one && pair[1] === other) || (pair[0] === other && pair[1] === one);

/** A triangle of boxes to tick. */
export function renderConflicts(holder, draft, t) {
  const { groups } = draft;
  const has = (one, other) => draft.settings.conflicts.some((pair) => same(pair, one, other));
  const ticked = groups.flatMap((one) => groups.map((other) => has(one, other)));
  redraw(holder, [t.locale, groups, ticked], () => {
    if (groups.length < 2) return [h("p", { className: "faint" }, t("conflictsNone"))];
    const head = h("tr", {}, h("td", {}), ...groups.slice(0, -1).map((group) => h("th", { scope: "col" }, group)));
    const rows = groups.slice(1).map((row, at) => {
      const cells = groups.slice(0, at + 1).map((column) => {
        const box = h("input", { type: "checkbox", checked: has(row, column) });
        box.setAttribute("aria-label", t("conflictOf", { one: column, other: row }));
        box.dataset.testid = `conflict-${column}-${row}`;
        box.onchange = () => toggle(draft, column, row, box);
        return h("td", {}, h("label", { className: "tick" }, box));
      });
      return h("tr", {}, h("th", { scope: "row" }, row), ...cells);
    });
    return [h("table", { className: "matrix" }, h("thead", {}, head), h("tbody", {}, ...rows))];
  });
}

function toggle(draft, one, other, box) {
  const name = box.dataset.testid;
  draft.change((settings) => {
    settings.conflicts = settings.conflicts.filter((pair) => !same(pair, one, other));
    if (box.checked) settings.conflicts.push([one, other]);
  });
  document.querySelector(`[data-testid="${CSS.escape(name)}"]`)?.focus(); // it was drawn anew
}

/** The accepted cycle: a row a colour of each group, to be corrected. */
export function renderCycle(holder, draft, t) {
  const plan = draft.settings.plan ?? {};
  const structure = Object.entries(plan).map(([group, of]) => [group, Object.keys(of.durations)]);
  redraw(holder, [t.locale, structure], () => {
    if (!structure.length) return [h("p", { className: "faint" }, t("cycleNone"))];
    const names = ["group", "colour", "shortest", "typical", "longest", "darkSeconds"];
    const head = h("tr", {}, ...names.map((name) => h("th", { scope: "col" }, t(name))));
    return [h("table", { className: "cycle" }, h("thead", {}, head), h("tbody", {}, ...structure.flatMap(([group, colours]) => cycleRows(draft, t, group, colours))))];
  });
  for (const input of holder.querySelectorAll("input")) input.refresh?.();
}

function cycleRows(draft, t, group, colours) {
  const cell = (label, get, set) => {
    const holder = field(label, number("0.1", "0"), get, (value) => value >= 0 && draft.change(set(value)));
    holder.firstChild.className = "unseen";
    return h("td", {}, holder);
  };
  return colours.map((colour, at) => {
    const of = () => draft.settings.plan[group]?.durations[colour] ?? {};
    const cells = ["shortest", "typical", "longest"].map((name) =>
      cell(`${group} ${t.word("colours", colour)} ${t(name)}`, () => of()[name], (value) => (settings) => (settings.plan[group].durations[colour][name] = value)),
    );
    const dark = cell(`${group} ${t("darkSeconds")}`, () => draft.settings.plan[group]?.dark_seconds ?? 0, (value) => (settings) => (settings.plan[group].dark_seconds = value));
    return h("tr", {}, h("th", { scope: "row" }, at ? "" : group), h("td", {}, t.word("colours", colour)), ...cells, at ? h("td", {}) : dark);
  });
}

/** When heads may flash, the lawful order, and the zone that the times are of. */
export function renderNight(holder, draft, t) {
  const nights = draft.settings.night_flash ?? [];
  redraw(holder, [t.locale, nights.length, draft.groups], () => [...nights.map((_, at) => nightRow(draft, t, at)), common(draft, t)]);
  for (const input of holder.querySelectorAll("input, select")) input.refresh?.();
}

function common(draft, t) {
  const set = (name) => (value) => draft.change((settings) => (settings[name] = value));
  return h(
    "div",
    { className: "fields" },
    field(t("timezone"), h("input", { type: "text", maxLength: 64, placeholder: "Asia/Shanghai", dataset: { at: "timezone" } }), () => draft.settings.timezone ?? "Asia/Shanghai", set("timezone")),
    field(t("order"), select(ORDERS, (name) => t.word("orders", name)), () => draft.settings.order ?? "china", set("order")),
  );
}

export function addNight(draft) {
  draft.change((settings) => {
    settings.night_flash = [...(settings.night_flash ?? []), { start: "23:00", end: "06:00", colour: "amber", groups: [], weekdays: [] }];
  });
}

function nightRow(draft, t, at) {
  const night = () => draft.settings.night_flash[at] ?? {};
  const set = (name) => (value) => draft.change((settings) => (settings.night_flash[at][name] = value));
  const time = () => h("input", { type: "time", required: true });
  const clock = (name) => field(t(name), time(), () => String(night()[name] ?? "").slice(0, 5), (value) => value && set(name)(value));
  const remove = h("button", { type: "button", onclick: () => draft.change((settings) => settings.night_flash.splice(at, 1)) }, "×");
  remove.setAttribute("aria-label", t("nightRemove", { number: at + 1 }));
  const row = h("div", { className: "night-row", role: "group" });
  row.setAttribute("aria-label", t("nightRow", { number: at + 1 }));
  row.append(
    clock("start"),
    clock("end"),
    field(t("colour"), select(COLOURS, (name) => t.word("colours", name)), () => night().colour ?? "amber", set("colour")),
    remove,
    ticks(t("weekdays"), [1, 2, 3, 4, 5, 6, 7], (day) => t.word("days", day), () => night().weekdays ?? [], set("weekdays")),
    ticks(t("groupsOfNight"), draft.groups, (group) => group, () => night().groups ?? [], set("groups")),
  );
  return row;
}

/** Several of a list; none of them ticked means all. */
function ticks(label, values, word, get, set) {
  const boxes = values.map((value) => {
    const box = h("input", { type: "checkbox" });
    box.refresh = () => (box.checked = get().includes(value));
    box.onchange = () => set(values.filter((one) => (one === value ? box.checked : get().includes(one))));
    box.refresh();
    return h("label", { className: "tick" }, box, word(value));
  });
  return h("fieldset", {}, h("legend", {}, label), ...boxes);
}
