// The settings as they are edited: plain values, every change undoable, nothing of a page. Pixels of the main stream.

export const COLOURS = ["red", "amber", "green", "white"];
export const SHAPES = ["ball", "left", "straight", "right", "u_turn", "pedestrian", "cycle"];
export const KINDS = ["vehicle", "arrow", "pedestrian"];
export const ORDERS = ["china", "red_amber"];
export const MAX_LAMPS = 6;
const KEPT_STEPS = 200;
const FACES = { vehicle: ["red", "amber", "green"], arrow: ["green"], pedestrian: ["red", "green"] };
const LAMP_SHARE = 0.7; // of its place in the housing

const round = (value) => Math.round(value * 10) / 10;
const point = ([x, y]) => [round(x), round(y)];

/** (x, y, width, height) around a polygon. */
export function boxOf(polygon) {
  const xs = polygon.map(([x]) => x);
  const ys = polygon.map(([, y]) => y);
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

export function cornersOf({ x, y, width, height }) {
  return [[x, y], [x + width, y], [x + width, y + height], [x, y + height]].map(point);
}

export function emptySettings() {
  return { heads: {}, conflicts: [], night_flash: [], plan: {} };
}

/** What is left out in a file may be left out here too: every head gets its fields. */
function whole(settings) {
  const found = { ...emptySettings(), ...structuredClone(settings) };
  for (const [id, head] of Object.entries(found.heads)) {
    found.heads[id] = { name: "", kind: "vehicle", approach: "", countdown: null, ...head };
    found.heads[id].lamps = (head.lamps ?? []).map((lamp) => ({ shape: "ball", ...lamp }));
  }
  return found;
}

export class Draft extends EventTarget {
  constructor(settings) {
    super();
    this.settings = whole(settings ?? emptySettings());
    this.chosen = { head: "", lamp: -1 };
    this.past = [];
    this.future = [];
    this.tag = "";
  }

  get head() {
    return this.settings.heads[this.chosen.head] ?? null;
  }

  get lamp() {
    return this.head?.lamps[this.chosen.lamp] ?? null;
  }

  get groups() {
    return [...new Set(Object.values(this.settings.heads).map((head) => head.group))].filter(Boolean);
  }

  choose(head = "", lamp = -1) {
    const fits = head in this.settings.heads;
    this.chosen = { head: fits ? head : "", lamp: fits && lamp < this.settings.heads[head].lamps.length ? lamp : -1 };
    this.tag = "";
    this.dispatchEvent(new Event("chosen"));
  }

  /** Changes the settings by `edit(settings)`. Steps of one `tag` that follow each other are undone together. */
  change(edit, tag = "") {
    if (!tag || tag !== this.tag) {
      this.past.push(JSON.stringify([this.settings, this.chosen]));
      if (this.past.length > KEPT_STEPS) this.past.shift();
    }
    this.tag = tag;
    this.future = [];
    edit(this.settings);
    this.tidy();
    this.dispatchEvent(new Event("changed"));
  }

  undo() {
    this.step(this.past, this.future);
  }

  redo() {
    this.step(this.future, this.past);
  }

  step(from, to) {
    if (!from.length) return;
    to.push(JSON.stringify([this.settings, this.chosen]));
    [this.settings, this.chosen] = JSON.parse(from.pop());
    this.tag = "";
    this.dispatchEvent(new Event("changed"));
  }

  /** Conflicts, plan and nights of groups that are gone go with them. */
  tidy() {
    const groups = new Set(this.groups);
    const { settings } = this;
    settings.conflicts = (settings.conflicts ?? []).filter((pair) => pair.every((group) => groups.has(group)));
    for (const group of Object.keys(settings.plan ?? {})) if (!groups.has(group)) delete settings.plan[group];
    for (const night of settings.night_flash ?? []) {
      if (night.groups) night.groups = night.groups.filter((group) => groups.has(group));
    }
    if (!(this.chosen.head in settings.heads)) this.chosen = { head: "", lamp: -1 };
    else if (this.chosen.lamp >= this.head.lamps.length) this.chosen.lamp = -1;
  }

  freeId() {
    let number = 1;
    while (`h${number}` in this.settings.heads) number += 1;
    return `h${number}`;
  }

  /** A new head in a box, with the lamps that its kind has, and chosen. Its id. */
  addHead(box, kind = "vehicle") {
    const id = this.freeId();
    const group = this.head?.group ?? this.groups.at(-1) ?? "A";
    this.change((settings) => {
      settings.heads[id] = { name: "", kind, polygon: cornersOf(box), lamps: spread(box, FACES[kind]), group, approach: "", countdown: null };
    });
    this.choose(id);
    return id;
  }

  /** Takes over a head that was proposed, under its own id where that is free. */
  accept(id, head) {
    const ours = id in this.settings.heads ? this.freeId() : id;
    this.change((settings) => {
      settings.heads[ours] = whole({ heads: { [ours]: head } }).heads[ours];
    }, "accept");
    return ours;
  }

  /** A copy of the chosen head beside it. */
  duplicate() {
    const { head } = this;
    if (!head) return;
    const id = this.freeId();
    this.change((settings) => {
      settings.heads[id] = structuredClone(head);
      shift(settings.heads[id], boxOf(head.polygon).width * 1.2, 0);
    });
    this.choose(id);
  }

  remove() {
    const { head, lamp } = this.chosen;
    if (!head) return;
    if (lamp >= 0 && this.head.lamps.length > 1) this.change((settings) => settings.heads[head].lamps.splice(lamp, 1));
    else this.change((settings) => delete settings.heads[head]);
    this.choose(lamp >= 0 ? head : "");
  }

  /** Moves the chosen lamp, else the chosen head, by pixels. */
  move(dx, dy, tag) {
    const { head, lamp } = this.chosen;
    if (!head) return;
    this.change((settings) => {
      if (lamp < 0) shift(settings.heads[head], dx, dy);
      else this.place(settings.heads[head], lamp, (centre) => [centre[0] + dx, centre[1] + dy]);
    }, tag);
  }

  /** Gives the chosen head's housing, lamps and countdown another box. */
  resize(box) {
    const from = boxOf(this.head.polygon);
    const [sx, sy] = [box.width / Math.max(from.width, 0.1), box.height / Math.max(from.height, 0.1)];
    const moved = ([x, y]) => point([box.x + (x - from.x) * sx, box.y + (y - from.y) * sy]);
    const { head } = this;
    head.polygon = head.polygon.map(moved);
    for (const lamp of head.lamps) {
      lamp.centre = moved(lamp.centre);
      lamp.diameter_px = round(Math.max(0.1, lamp.diameter_px * Math.min(sx, sy)));
    }
    if (head.countdown) head.countdown.polygon = head.countdown.polygon.map(moved);
  }

  grow(byPx) {
    const { head, lamp } = this.chosen;
    if (!head) return;
    this.change((settings) => {
      const lamps = lamp < 0 ? settings.heads[head].lamps : [settings.heads[head].lamps[lamp]];
      for (const one of lamps) one.diameter_px = round(Math.max(1, one.diameter_px + byPx));
    }, `grow ${head} ${lamp}`);
  }

  /** One lamp more, with a colour that the head has not. */
  addLamp() {
    const { head } = this.chosen;
    if (!head || this.head.lamps.length >= MAX_LAMPS) return;
    this.change((settings) => {
      const { lamps, polygon } = settings.heads[head];
      const colour = COLOURS.find((name) => !lamps.some((lamp) => lamp.colour === name && lamp.shape === "ball"));
      const like = lamps.at(-1);
      const free = SHAPES.find((name) => !lamps.some((lamp) => lamp.colour === "green" && lamp.shape === name)) ?? "ball";
      const box = boxOf(polygon);
      const upright = box.height >= box.width;
      const centre = [like.centre[0] + (upright ? 0 : like.diameter_px * 1.3), like.centre[1] + (upright ? like.diameter_px * 1.3 : 0)];
      lamps.push({ colour: colour ?? "green", shape: colour ? "ball" : free, centre: point(centre), diameter_px: like.diameter_px });
      this.chosen.lamp = lamps.length - 1;
    });
  }

  /** Moves a lamp, and keeps the lamps in their order from the top or from the left. */
  place(head, at, moved) {
    const lamp = head.lamps[at];
    lamp.centre = point(moved(lamp.centre));
    const spans = [0, 1].map((axis) => {
      const along = head.lamps.map((one) => one.centre[axis]);
      return Math.max(...along) - Math.min(...along);
    });
    const axis = spans[0] > spans[1] ? 0 : 1;
    head.lamps.sort((one, other) => one.centre[axis] - other.centre[axis]);
    this.chosen.lamp = head.lamps.indexOf(lamp);
  }

  rename(from, to) {
    if (!to || from === to || to in this.settings.heads) return false;
    this.change((settings) => {
      settings.heads = Object.fromEntries(Object.entries(settings.heads).map(([id, head]) => [id === from ? to : id, head]));
      if (this.chosen.head === from) this.chosen.head = to;
    });
    return true;
  }

  /** Makes the learned groups, conflicts and cycle the settings'; `parts` names those of them that are wanted. */
  adopt(learned, parts) {
    this.change((settings) => {
      if (parts.includes("groups")) {
        for (const [id, group] of Object.entries(learned.groups)) if (settings.heads[id]) settings.heads[id].group = group;
      }
      if (parts.includes("conflicts")) settings.conflicts = structuredClone(learned.conflicts);
      if (parts.includes("plan")) settings.plan = structuredClone(learned.plan);
    });
  }

  /** The settings as they are written: without what says nothing. */
  written() {
    const told = structuredClone(this.settings);
    for (const head of Object.values(told.heads)) {
      for (const name of ["name", "approach", "countdown"]) if (!head[name]) delete head[name];
      if (head.kind === "vehicle") delete head.kind;
      for (const lamp of head.lamps) if (lamp.shape === "ball") delete lamp.shape;
    }
    for (const night of told.night_flash ?? []) {
      for (const name of ["groups", "weekdays"]) if (!night[name]?.length) delete night[name];
    }
    for (const name of ["conflicts", "night_flash", "anchors"]) if (!told[name]?.length) delete told[name];
    if (!Object.keys(told.plan ?? {}).length) delete told.plan;
    return told;
  }
}

function shift(head, dx, dy) {
  const moved = ([x, y]) => point([x + dx, y + dy]);
  head.polygon = head.polygon.map(moved);
  for (const lamp of head.lamps) lamp.centre = moved(lamp.centre);
  if (head.countdown) head.countdown.polygon = head.countdown.polygon.map(moved);
}

/** Lamps of these colours, evenly along the longer side of a box. */
function spread(box, colours) {
  const upright = box.height >= box.width;
  const pitch = (upright ? box.height : box.width) / colours.length;
  const diameter = round(Math.max(1, Math.min(pitch, upright ? box.width : box.height) * LAMP_SHARE));
  return colours.map((colour, at) => {
    const along = (at + 0.5) * pitch;
    const centre = upright ? [box.x + box.width / 2, box.y + along] : [box.x + along, box.y + box.height / 2];
    return { colour, shape: "ball", centre: point(centre), diameter_px: diameter };
  });
}
