// The still picture with the heads on it: zoomed, moved about, drawn on. Pixels are the picture's own.

import { boxOf } from "./draft.js";

const SVG = "http://www.w3.org/2000/svg";
const ZOOM_STEP = 1.25;
const MAX_ZOOM = 60; // a lamp of 6 px then fills a hand
const LEAST_BOX_PX = 3;
const HANDLE_PX = 5;
const ROOM_PX = 56;
const HANDLES = { nw: [0, 0], n: [0.5, 0], ne: [1, 0], e: [1, 0.5], se: [1, 1], s: [0.5, 1], sw: [0, 1], w: [0, 0.5] };

export function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const points = (polygon) => polygon.map((corner) => corner.join(",")).join(" ");

export class Stage {
  /** `told` answers what the page knows: `t`, `faults(id)`, `tooSmall(id, lamp)`, `accept(id)`, `drawn(box)`. */
  constructor(holder, draft, loupe, told) {
    this.draft = draft;
    this.told = told;
    this.loupe = loupe;
    this.size = { width: 1280, height: 720 };
    this.view = { x: 0, y: 0, width: 1280, height: 720 };
    this.proposals = {};
    this.drawing = false;
    this.pointers = new Map();
    this.drag = null;
    this.drags = 0;
    this.groups = new Map();
    this.image = s("image", { x: 0, y: 0, preserveAspectRatio: "none" });
    this.ghosts = s("g", {});
    this.heads = s("g", {});
    this.top = s("g", {});
    this.svg = s("svg", { class: "stage", preserveAspectRatio: "xMidYMid meet" }, this.image, this.ghosts, this.heads, this.top);
    holder.append(this.svg);
    for (const [name, act] of [["pointerdown", this.down], ["pointermove", this.moved], ["pointerup", this.up], ["pointercancel", this.up]]) {
      this.svg.addEventListener(name, act.bind(this));
    }
    this.svg.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    new ResizeObserver(() => this.render()).observe(this.svg);
  }

  setPicture(address, size) {
    const before = this.image.getAttribute("href");
    this.image.setAttribute("href", address);
    if (before) URL.revokeObjectURL(before);
    if (size.width !== this.size.width || size.height !== this.size.height || !before) {
      this.size = size;
      for (const name of ["width", "height"]) this.image.setAttribute(name, size[name]);
      this.svg.style.aspectRatio = `${size.width} / ${size.height}`;
      this.fit();
    }
    this.render();
  }

  setDrawing(on) {
    this.drawing = on;
    this.svg.dataset.drawing = String(on);
  }

  // ---- the view

  fit() {
    this.view = { x: 0, y: 0, ...this.size };
    this.render();
  }

  /** Brings a box into the middle, with its surroundings. */
  showBox(box, times = 2.5) {
    const width = Math.max(this.size.width / MAX_ZOOM, Math.max(box.width, box.height * (this.size.width / this.size.height)) * times);
    this.setView(box.x + box.width / 2 - width / 2, box.y + box.height / 2 - (width * this.size.height) / this.size.width / 2, width);
  }

  zoom(factor, about = null) {
    const { view } = this;
    const [x, y] = about ?? [view.x + view.width / 2, view.y + view.height / 2];
    const width = view.width / factor;
    const kept = this.limited(width) / view.width;
    this.setView(x - (x - view.x) * kept, y - (y - view.y) * kept, width);
  }

  limited(width) {
    return Math.min(this.size.width, Math.max(this.size.width / MAX_ZOOM, width));
  }

  setView(x, y, wanted) {
    const width = this.limited(wanted);
    const height = (width * this.size.height) / this.size.width;
    const within = (value, least, most) => Math.min(most, Math.max(least, value));
    this.view = { x: within(x, 0, this.size.width - width), y: within(y, 0, this.size.height - height), width, height };
    this.render();
  }

  /** Picture pixels a screen pixel. */
  get unit() {
    const matrix = this.svg.getScreenCTM();
    return matrix?.a ? 1 / matrix.a : 1;
  }

  at(event) {
    const spot = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return [spot.x, spot.y];
  }

  // ---- drawing

  render() {
    const { x, y, width, height } = this.view;
    this.svg.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
    const { heads } = this.draft.settings;
    for (const [id, group] of this.groups) {
      if (id in heads) continue;
      group.remove();
      this.groups.delete(id);
    }
    for (const [id, head] of Object.entries(heads)) this.renderHead(id, head);
    this.ghosts.replaceChildren(...Object.entries(this.proposals).map(([id, head]) => this.ghost(id, head)));
    this.top.replaceChildren(...this.handles(), ...(this.drag?.rubber ? [this.rubber(this.drag.rubber)] : []));
    this.renderLoupe();
  }

  renderHead(id, head) {
    let group = this.groups.get(id);
    if (!group) {
      group = s("g", { class: "head", tabindex: "0", role: "button" });
      group.addEventListener("focus", () => this.draft.chosen.head === id || this.draft.choose(id));
      this.groups.set(id, group);
      this.heads.append(group);
    }
    const { t } = this.told;
    const faults = this.told.faults(id);
    const chosen = this.draft.chosen.head === id;
    group.dataset.head = id;
    group.dataset.faulty = String(faults.length > 0);
    group.setAttribute("aria-pressed", String(chosen));
    const words = { name: head.name || id, group: head.group, lamps: head.lamps.length };
    group.setAttribute("aria-label", [t("headWords", words), ...faults].join("; "));
    const outline = s("polygon", { points: points(head.polygon), class: "outline" });
    const shade = s("polygon", { points: points(head.polygon), class: "outline-shade" });
    const lamps = head.lamps.map((lamp, at) => this.lamp(id, lamp, at, chosen));
    const more = head.countdown ? [s("polygon", { points: points(head.countdown.polygon), class: "countdown" })] : [];
    group.replaceChildren(shade, outline, ...more, ...lamps, this.label(head.name || id, head.polygon));
  }

  lamp(id, lamp, at, chosen) {
    const [cx, cy] = lamp.centre;
    const circle = { cx, cy, r: lamp.diameter_px / 2 };
    const group = s("g", { class: "lamp", "data-lamp": at });
    group.dataset.chosen = String(chosen && this.draft.chosen.lamp === at);
    group.dataset.small = String(this.told.tooSmall(id, at));
    group.append(s("circle", { ...circle, class: "lamp-shade" }), s("circle", { ...circle, class: `lamp-ring ring-${lamp.colour}` }));
    return group;
  }

  label(text, polygon) {
    const box = boxOf(polygon);
    const size = 12 * this.unit;
    return s("text", { x: box.x, y: box.y - 4 * this.unit, "font-size": size, "stroke-width": 3 * this.unit, class: "label" }, text);
  }

  ghost(id, head) {
    const group = s("g", { class: "ghost", tabindex: "0", role: "button", "data-ghost": id });
    group.setAttribute("aria-label", this.told.t("ghostWords", { name: id }));
    group.append(s("polygon", { points: points(head.polygon), class: "outline-shade" }), s("polygon", { points: points(head.polygon), class: "outline" }));
    for (const lamp of head.lamps) {
      const [cx, cy] = lamp.centre;
      group.append(s("circle", { cx, cy, r: lamp.diameter_px / 2, class: `lamp-ring ring-${lamp.colour}` }));
    }
    group.append(this.label(`+ ${id}`, head.polygon));
    return group;
  }

  handles() {
    const { head } = this.draft;
    if (!head || this.draft.chosen.lamp >= 0) return [];
    const box = boxOf(head.polygon);
    const half = HANDLE_PX * this.unit;
    // Around a head that is small on the screen there is only room outside: else nobody could take hold of the head.
    const small = Math.min(box.width, box.height) < ROOM_PX * this.unit;
    const out = small ? 2.4 * half : 0;
    const names = Object.entries(HANDLES).filter(([name]) => !small || name.length === 2);
    return names.map(([name, [across, down]]) => {
      const [x, y] = [box.x + across * box.width + (2 * across - 1) * out, box.y + down * box.height + (2 * down - 1) * out];
      const group = s("g", { class: "handle", "data-handle": name });
      group.append(
        s("rect", { x: x - 2.4 * half, y: y - 2.4 * half, width: 4.8 * half, height: 4.8 * half, class: "handle-reach" }),
        s("rect", { x: x - half, y: y - half, width: 2 * half, height: 2 * half, class: "handle-face" }),
      );
      return group;
    });
  }

  rubber({ x, y, width, height }) {
    return s("rect", { x, y, width, height, class: "rubber" });
  }

  /** What is chosen, magnified: a finger hides what it moves, and a lamp of six pixels hides itself. */
  renderLoupe(spot = null) {
    const { head, lamp } = this.draft;
    const href = this.image.getAttribute("href");
    this.loupe.hidden = !href || !(head || spot);
    if (this.loupe.hidden) return;
    const box = head && boxOf(head.polygon);
    const [x, y] = spot ?? lamp?.centre ?? [box.x + box.width / 2, box.y + box.height / 2];
    const side = Math.max(16, spot ? 48 : lamp ? lamp.diameter_px * 3 : Math.max(box.width, box.height) * 1.25);
    const picture = s("image", { href, x: 0, y: 0, ...this.size, preserveAspectRatio: "none", class: "pixels" });
    const svg = s("svg", { viewBox: `${x - side / 2} ${y - side / 2} ${side} ${side}` }, picture);
    for (const one of head?.lamps ?? []) {
      svg.append(s("circle", { cx: one.centre[0], cy: one.centre[1], r: one.diameter_px / 2, class: `lamp-ring ring-${one.colour}` }));
    }
    this.loupe.replaceChildren(svg);
  }

  // ---- pointers

  down(event) {
    if (event.button > 0) return;
    this.svg.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
    if (this.pointers.size === 2) {
      this.drag = { kind: "pinch", ...this.pinch() };
      return;
    }
    const { target } = event;
    const [start, ghost] = [this.at(event), target.closest("[data-ghost]")];
    const base = { start, applied: [0, 0], tag: `drag ${(this.drags += 1)}` };
    const head = target.closest(".head")?.dataset.head;
    const lamp = target.closest("[data-lamp]")?.dataset.lamp;
    const handle = target.closest("[data-handle]")?.dataset.handle;
    if (this.drawing || event.shiftKey) this.drag = { ...base, kind: "draw", rubber: { x: start[0], y: start[1], width: 0, height: 0 } };
    else if (ghost) this.drag = { ...base, kind: "ghost", id: ghost.dataset.ghost };
    else if (handle) this.drag = { ...base, kind: "resize", handle, head: structuredClone(this.draft.head) };
    else if (head) {
      this.draft.choose(head, lamp !== undefined && this.draft.chosen.head === head ? Number(lamp) : -1);
      this.drag = { ...base, kind: "move" };
    } else this.drag = { ...base, kind: "pan", view: { ...this.view } };
    event.preventDefault(); // no text is selected, no picture dragged
    if (head) this.groups.get(head)?.focus({ preventScroll: true });
  }

  pinch() {
    const [one, other] = [...this.pointers.values()];
    const middle = { clientX: (one.clientX + other.clientX) / 2, clientY: (one.clientY + other.clientY) / 2 };
    return { gap: Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY), spot: this.at(middle) };
  }

  moved(event) {
    const { drag } = this;
    if (this.pointers.has(event.pointerId)) this.pointers.set(event.pointerId, event);
    if (!drag) {
      if (event.pointerType === "mouse" && !this.draft.head) this.renderLoupe(this.at(event));
      return;
    }
    if (drag.kind === "pinch") {
      if (this.pointers.size < 2) return;
      const { gap, spot } = this.pinch();
      this.zoom(gap / Math.max(1, drag.gap), spot);
      const after = this.pinch();
      this.setView(this.view.x + drag.spot[0] - after.spot[0], this.view.y + drag.spot[1] - after.spot[1], this.view.width);
      this.drag = { kind: "pinch", ...this.pinch() };
      return;
    }
    const [x, y] = this.at(event);
    const by = [x - drag.start[0], y - drag.start[1]];
    if (drag.kind === "pan") this.setView(this.view.x - by[0], this.view.y - by[1], this.view.width);
    else if (drag.kind === "move") this.moveBy(by);
    else if (drag.kind === "resize") this.resizeBy(by);
    else if (drag.kind === "draw") {
      drag.rubber = { x: Math.min(x, drag.start[0]), y: Math.min(y, drag.start[1]), width: Math.abs(by[0]), height: Math.abs(by[1]) };
      this.render();
    }
  }

  /** In whole tenths, each applied once: rounding every step of its own would pull a head apart. */
  moveBy(by) {
    const { drag } = this;
    const step = by.map((distance, axis) => Math.round(distance * 10) / 10 - drag.applied[axis]);
    if (Math.hypot(...by) < 2 * this.unit && !drag.applied.some(Boolean)) return; // a tap that trembles
    drag.applied = drag.applied.map((done, axis) => done + step[axis]);
    this.draft.move(...step, drag.tag);
  }

  resizeBy([dx, dy]) {
    const { drag } = this;
    const box = boxOf(drag.head.polygon);
    const [across, down] = HANDLES[drag.handle];
    const [left, right] = [box.x + (across === 0 ? dx : 0), box.x + box.width + (across === 1 ? dx : 0)];
    const [top, bottom] = [box.y + (down === 0 ? dy : 0), box.y + box.height + (down === 1 ? dy : 0)];
    if (right - left < LEAST_BOX_PX || bottom - top < LEAST_BOX_PX) return;
    this.draft.change((settings) => {
      settings.heads[this.draft.chosen.head] = structuredClone(drag.head);
      this.draft.resize({ x: left, y: top, width: right - left, height: bottom - top });
    }, drag.tag);
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    const { drag } = this;
    this.drag = null;
    if (!drag || event.type === "pointercancel") return this.render();
    const box = drag.rubber;
    if (drag.kind === "draw" && box.width >= LEAST_BOX_PX && box.height >= LEAST_BOX_PX) {
      this.told.drawn(box);
    } else if (drag.kind === "ghost") this.told.accept(drag.id);
    else if (drag.kind === "pan" && !this.pointers.size) {
      const [x, y] = this.at(event);
      const still = Math.hypot(x - drag.start[0], y - drag.start[1]) < 3 * this.unit && drag.view.x === this.view.x && drag.view.y === this.view.y;
      if (still) this.draft.choose();
    }
    this.render();
  }

  wheel(event) {
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP, this.at(event));
  }
}
