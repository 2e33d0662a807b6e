// The list of heads, and the fields of the one that is chosen. What is wrong stands beside the field it is about.

import { h, redraw } from "../drawing.js";
import { lampWords } from "../timeline.js";
import { COLOURS, KINDS, MAX_LAMPS, SHAPES, boxOf, cornersOf } from "./draft.js";

const round = (value) => Math.round(value * 10) / 10;

/** A field with its label; `get` is asked again whenever something changed, unless somebody types in it. */
export function field(label, input, get, set) {
  input.refresh = () => {
    const value = String(get() ?? "");
    if (document.activeElement !== input && input.value !== value) input.value = value;
  };
  input.addEventListener("change", () => set(input.type === "number" ? Number(input.value) : input.value, input));
  input.refresh();
  return h("label", { className: "field" }, h("span", {}, label), input);
}

export function select(names, word) {
  return h("select", {}, ...names.map((name) => h("option", { value: name }, word(name))));
}

export function number(step = "0.1", least = "") {
  return h("input", { type: "number", step, min: least, inputMode: "decimal" });
}

/** The box of a polygon as four numbers; `set` gets the new box. */
function boxFields(t, polygon, set) {
  return ["x", "y", "width", "height"].map((name) =>
    field(t(`box_${name}`), number("1"), () => round(boxOf(polygon())[name]), (value) => {
      if (Number.isFinite(value)) set({ ...boxOf(polygon()), [name]: name === "x" || name === "y" ? value : Math.max(1, value) });
    }),
  );
}

export class HeadForm {
  /** `told` answers `t`, `faults(id)`, `faultsAt(path)`, `size(id, lamp)`, `drawCountdown()`, `look(id)`. */
  constructor(list, form, draft, told) {
    Object.assign(this, { list, form, draft, told });
  }

  render() {
    const { t } = this.told;
    const { heads } = this.draft.settings;
    const rows = Object.entries(heads).map(([id, head]) => [id, head.name, head.group, head.lamps, this.told.faults(id).length, id === this.draft.chosen.head]);
    redraw(this.list, [t.locale, rows], () => (rows.length ? rows.map((row) => this.row(row)) : [h("li", { className: "faint" }, t("noHeads"))]));
    const { head, chosen } = this.draft;
    const structure = head ? [t.locale, chosen.head, head.lamps.map((lamp) => [lamp.colour, lamp.shape]), Boolean(head.countdown)] : [t.locale, Object.keys(heads).length > 0];
    redraw(this.form, structure, () => (head ? this.fields(chosen.head) : []));
    for (const input of this.form.querySelectorAll("input, select")) input.refresh?.();
    if (head) this.showFaults(chosen.head);
  }

  row([id, name, group, lamps, faults, chosen]) {
    const { t } = this.told;
    const dots = lamps.map((lamp) => h("span", { className: `dot ring-${lamp.colour}`, title: lampWords(lamp, t) }, t.word("letters", lamp.colour)));
    const button = h("button", { type: "button", className: "head-button", onclick: () => this.told.look(id) });
    button.setAttribute("aria-pressed", String(chosen));
    button.dataset.testid = `head-${id}`;
    button.append(h("b", {}, name || id), h("span", { className: "faint" }, `${t("group")} ${group}`), h("span", { className: "dots" }, ...dots));
    if (faults) button.append(h("span", { className: "chip", dataset: { mood: "bad" } }, t("faults", { count: faults })));
    return h("li", {}, button);
  }

  fields(id) {
    const { t } = this.told;
    const { draft } = this;
    const head = () => draft.settings.heads[id] ?? draft.head;
    const set = (name) => (value) => draft.change((settings) => (settings.heads[id][name] = value));
    const listOf = (name, values) => h("datalist", { id: name }, ...[...new Set(values)].filter(Boolean).map((value) => h("option", { value })));
    const own = h("div", { className: "fields" });
    own.append(
      field(t("id"), h("input", { type: "text", maxLength: 128, dataset: { at: "id" } }), () => id, (value, input) => this.rename(id, value.trim(), input)),
      field(t("headName"), h("input", { type: "text", maxLength: 256, dataset: { at: "name" } }), () => head().name, set("name")),
      field(t("headKind"), withAt(select(KINDS, (name) => t.word("kinds", name)), "kind"), () => head().kind, set("kind")),
      field(t("group"), h("input", { type: "text", maxLength: 128, list: "groups", dataset: { at: "group" } }), () => head().group, (value) => set("group")(value.trim())),
      field(t("approach"), h("input", { type: "text", maxLength: 256, list: "approaches", dataset: { at: "approach" } }), () => head().approach, set("approach")),
      ...boxFields(t, () => head().polygon, (box) => draft.change(() => draft.resize(box))),
      listOf("groups", draft.groups),
      listOf("approaches", Object.values(draft.settings.heads).map((one) => one.approach)),
    );
    const lamps = h("ol", { className: "lamps" }, ...head().lamps.map((_, at) => this.lampFields(id, at)));
    const actions = h("div", { className: "actions wrap" });
    actions.append(
      this.button("addLamp", () => draft.addLamp(), head().lamps.length >= MAX_LAMPS),
      this.button("duplicate", () => draft.duplicate()),
      this.button("removeHead", () => { draft.choose(id); draft.remove(); }),
    );
    return [own, h("ul", { className: "problems field-faults", dataset: { faults: "head" } }), h("h3", {}, t("lampsInOrder")), lamps, actions, ...this.countdownFields(id, head)];
  }

  button(text, act, disabled = false) {
    return h("button", { type: "button", onclick: act, disabled, dataset: { testid: text } }, this.told.t(text));
  }

  lampFields(id, at) {
    const { t } = this.told;
    const { draft } = this;
    const lamp = () => draft.settings.heads[id]?.lamps[at] ?? { centre: [0, 0] };
    const set = (name) => (value) => draft.change((settings) => (settings.heads[id].lamps[at][name] = value));
    const centre = (axis) => (value) => draft.change((settings) => draft.place(settings.heads[id], at, (spot) => spot.map((one, on) => (on === axis ? value : one))));
    const row = h("li", { className: "lamp-row", dataset: { lamp: at } });
    const pick = h("button", { type: "button", className: "pick", onclick: () => draft.choose(id, at) }, String(at + 1));
    pick.setAttribute("aria-label", t("pickLamp", { number: at + 1 }));
    const remove = h("button", { type: "button", onclick: () => { draft.choose(id, at); draft.remove(); } }, "×");
    remove.setAttribute("aria-label", t("removeLamp", { number: at + 1 }));
    row.append(
      pick,
      field(t("colour"), select(COLOURS, (name) => t.word("colours", name)), () => lamp().colour, set("colour")),
      field(t("shape"), select(SHAPES, (name) => t.word("shapes", name)), () => lamp().shape, set("shape")),
      field(t("diameter"), number("0.5", "1"), () => lamp().diameter_px, (value) => value > 0 && set("diameter_px")(value)),
      field("x", number("0.5"), () => lamp().centre[0], centre(0)),
      field("y", number("0.5"), () => lamp().centre[1], centre(1)),
      remove,
      h("ul", { className: "problems field-faults", dataset: { faults: `lamp-${at}` } }),
    );
    return row;
  }

  countdownFields(id, head) {
    const { t } = this.told;
    const { draft } = this;
    const draw = this.button("drawCountdown", () => this.told.drawCountdown());
    if (!head().countdown) return [h("h3", {}, t("countdown")), h("div", { className: "actions" }, draw)];
    const fields = boxFields(t, () => draft.settings.heads[id]?.countdown?.polygon ?? [[0, 0]], (box) => draft.change((settings) => (settings.heads[id].countdown = { polygon: cornersOf(box) })));
    const remove = this.button("removeCountdown", () => draft.change((settings) => (settings.heads[id].countdown = null)));
    return [h("h3", {}, t("countdown")), h("div", { className: "fields" }, ...fields), h("div", { className: "actions" }, draw, remove)];
  }

  rename(id, to, input) {
    if (to !== id && !this.draft.rename(id, to)) input.value = id;
  }

  showFaults(id) {
    const { t } = this.told;
    for (const holder of this.form.querySelectorAll("[data-faults]")) {
      const lamp = holder.dataset.faults.startsWith("lamp-") ? Number(holder.dataset.faults.slice(5)) : -1;
      const path = lamp < 0 ? ["heads", id] : ["heads", id, "lamps", lamp];
      const found = this.told.faultsAt(path, lamp < 0);
      redraw(holder, [t.locale, found], () => found.map((message) => h("li", {}, message)));
    }
    for (const row of this.form.querySelectorAll("[data-lamp]")) {
      const at = Number(row.dataset.lamp);
      row.dataset.chosen = String(this.draft.chosen.lamp === at);
      row.dataset.faulty = String(this.told.tooSmall(id, at) || this.told.faultsAt(["heads", id, "lamps", at], false).length > 0);
    }
  }
}

function withAt(element, at) {
  element.dataset.at = at;
  return element;
}
