// Draws a SignalTimeline: which lamps of which heads were lit when. Each lamp has its lane, so that place says what
// colour says; wide spans bear letters; what is not known is hatched, never empty.

import { h } from "./drawing.js";

const SVG = "http://www.w3.org/2000/svg";
const NAME_WIDTH = 96;
const LANE = 10;
const GAP = 8;
const AXIS = 22;
const LETTER_FROM_PX = 13;
const TICKS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const TICK_PX = 64;
const DARK = "dark";
const COUNTDOWN_PX = 3;

function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** The colours that are lit, in words of `t`; dark and unknown too. */
export function stateWords(span, lamps, t) {
  if (span.unseen) return `${t.word("signal", "unknown")}: ${t.word("unseen", span.unseen)}`;
  if (!span.lit?.length) return t.word("signal", DARK);
  return span.lit.map((at) => lampWords(lamps[at], t)).join(" + ");
}

export function lampWords(lamp, t) {
  if (!lamp) return "?";
  const shape = lamp.shape && lamp.shape !== "ball" ? ` ${t.word("shapes", lamp.shape)}` : "";
  return `${t.word("colours", lamp.colour)}${shape}`;
}

/** A hidden picture takes its patterns along: every timeline has one of its own. */
let hatches = 0;

export class Timeline {
  /** Draws into `holder`, as wide as it is; `clock`: the axis shows times of day, else seconds. */
  constructor(holder, { clock = false } = {}) {
    this.holder = holder;
    this.clock = clock;
    this.zoom = 1;
    this.drawn = null;
    this.hatch = `timeline-hatch-${(hatches += 1)}`;
    holder.classList.add("timeline");
    this.scroll = h("div", { className: "timeline-scroll", tabIndex: 0, role: "group" });
    this.legend = h("ul", { className: "timeline-legend" });
    this.tools = h("div", { className: "timeline-tools" });
    holder.replaceChildren(this.tools, this.scroll, this.legend);
    new ResizeObserver(() => this.redraw()).observe(holder);
  }

  show(timeline, t) {
    this.drawn = { timeline, t };
    this.redraw();
  }

  redraw() {
    if (!this.drawn || !this.holder.clientWidth) return;
    const { timeline, t } = this.drawn;
    const key = JSON.stringify([timeline, t.locale, this.holder.clientWidth, this.zoom]);
    if (key === this.key) return;
    this.key = key;
    this.showTools(t);
    const atEnd = this.scroll.scrollLeft + this.scroll.clientWidth >= this.scroll.scrollWidth - 4;
    this.scroll.replaceChildren(this.picture(timeline, t));
    this.scroll.setAttribute("aria-label", t("timelineOf", { count: timeline.heads.length, seconds: Math.round(timeline.end - timeline.start) }));
    if (atEnd) this.scroll.scrollLeft = this.scroll.scrollWidth;
    this.showLegend(timeline, t);
  }

  showTools(t) {
    if (this.tools.lang === t.locale) return;
    this.tools.lang = t.locale;
    const button = (text, label, factor) =>
      h("button", { type: "button", onclick: () => this.stretch(factor), "aria-label": label, title: label }, text);
    this.tools.replaceChildren(button("−", t("timelineLess"), 0.5), button("+", t("timelineMore"), 2));
  }

  stretch(factor) {
    this.zoom = Math.min(32, Math.max(1, this.zoom * factor));
    this.redraw();
  }

  picture(timeline, t) {
    const seconds = Math.max(1e-3, timeline.end - timeline.start);
    const room = Math.max(160, this.holder.clientWidth - NAME_WIDTH - 8);
    const width = room * this.zoom;
    const x = (at) => NAME_WIDTH + ((at - timeline.start) / seconds) * width;
    const heights = timeline.heads.map((head) => Math.max(2, head.lamps.length) * LANE);
    const height = heights.reduce((sum, one) => sum + one + GAP, GAP) + AXIS;
    const svg = s("svg", { width: NAME_WIDTH + width + 8, height, role: "img", "aria-label": this.words(timeline, t) });
    svg.append(hatch(this.hatch));
    this.axis(svg, timeline, x, height, width / seconds, t);
    let top = GAP;
    const all = timeline.heads.every((head) => head.concerned); // then it says nothing
    timeline.heads.forEach((head, at) => {
      svg.append(this.row(head, { top, height: heights[at], x, t, width, hatch: `url(#${this.hatch})`, all }));
      top += heights[at] + GAP;
    });
    for (const moment of timeline.moments ?? []) svg.append(mark(moment, x(moment.at), height - AXIS, t));
    return svg;
  }

  row(head, place) {
    const { top, height } = place;
    const group = s("g", { class: "timeline-row", "data-head": head.head, "data-concerned": String(head.concerned && !place.all) });
    const name = s("text", { x: 2, y: top + height / 2 + 4, class: "timeline-name" }, short(head.name || head.head));
    name.append(s("title", {}, [head.name || head.head, head.group, head.approach].filter(Boolean).join(" · ")));
    group.append(name);
    // What no span tells of is not known either.
    group.append(s("rect", { x: NAME_WIDTH, y: top, width: place.width, height, fill: place.hatch }));
    for (const span of head.spans) group.append(spanOf(span, head.lamps, { ...place, lane: height / head.lamps.length }));
    return group;
  }

  axis(svg, timeline, x, height, pxPerSecond, t) {
    const step = TICKS.find((seconds) => seconds * pxPerSecond >= TICK_PX) ?? TICKS.at(-1);
    const zero = new Date(timeline.zero_at).getTime();
    for (let at = Math.ceil(timeline.start / step) * step; at <= timeline.end; at += step) {
      const text = this.clock ? clockText(zero + at * 1000, step, t) : `${Math.round(at)} s`;
      svg.append(
        s("line", { x1: x(at), x2: x(at), y1: 2, y2: height - AXIS + 2, class: "timeline-tick" }),
        s("text", { x: x(at), y: height - 6, class: "timeline-time" }, text),
      );
    }
  }

  /** For who cannot see it: each head, and how long it showed what. */
  words(timeline, t) {
    return timeline.heads
      .map((head) => {
        const sums = new Map();
        for (const span of head.spans) {
          const words = stateWords(span, head.lamps, t);
          sums.set(words, (sums.get(words) ?? 0) + span.end - span.start);
        }
        const parts = [...sums].map(([words, seconds]) => `${words} ${Math.round(seconds)} s`);
        return `${head.name || head.head}: ${parts.join(", ")}`;
      })
      .join(". ");
  }

  showLegend(timeline, t) {
    const colours = new Set(timeline.heads.flatMap((head) => head.lamps.map((lamp) => lamp.colour)));
    const entries = [...colours, DARK, "unknown"].map((name) => {
      const swatch = s("svg", { width: 22, height: 14, "aria-hidden": "true" });
      const drawn = name === "unknown" ? { fill: `url(#${this.hatch})` } : { class: name === DARK ? "timeline-dark" : `lamp-${name}` };
      swatch.append(s("rect", { width: 22, height: 14, ...drawn }));
      const letter = t.word("letters", name);
      if (name !== "unknown") swatch.append(s("text", { x: 11, y: 11, class: `timeline-letter on-${name}` }, letter));
      return h("li", {}, swatch, colours.has(name) ? t.word("colours", name) : t.word("signal", name));
    });
    this.legend.replaceChildren(...entries);
  }
}

function spanOf(span, lamps, { top, height, lane, x, t, hatch: unknown }) {
  const left = x(span.start);
  const width = Math.max(0.5, x(span.end) - left);
  const group = s("g", { class: "timeline-span" });
  group.append(s("title", {}, `${stateWords(span, lamps, t)} · ${(span.end - span.start).toFixed(1)} s`));
  if (span.unseen) {
    group.append(s("rect", { x: left, y: top, width, height, fill: unknown }));
    return group;
  }
  if (span.countdown) {
    const drawn = span.countdown === "unknown" ? { fill: unknown } : { class: `countdown-${span.countdown}` };
    group.append(s("rect", { x: left, y: top + height + 1, width, height: COUNTDOWN_PX, ...drawn }));
  }
  group.append(s("rect", { x: left, y: top, width, height, class: "timeline-dark" }));
  if (!span.lit?.length) {
    if (width >= LETTER_FROM_PX) group.append(letter(DARK, left + width / 2, top + height / 2, t));
    return group;
  }
  for (const at of span.lit) {
    const colour = lamps[at]?.colour ?? "white";
    group.append(s("rect", { x: left, y: top + at * lane, width, height: lane, class: `lamp-${colour}` }));
    if (width >= LETTER_FROM_PX) group.append(letter(colour, left + width / 2, top + (at + 0.5) * lane, t));
  }
  return group;
}

function letter(name, x, y, t) {
  return s("text", { x, y: y + 3.2, class: `timeline-letter on-${name}` }, t.word("letters", name));
}

function mark(moment, x, height, t) {
  const group = s("g", { class: "timeline-moment" });
  group.append(s("title", {}, t.word("moments", moment.what)));
  group.append(s("line", { x1: x, x2: x, y1: 0, y2: height }), s("text", { x: x + 3, y: 9 }, t.word("moments", moment.what)));
  return group;
}

function hatch(id) {
  const pattern = s("pattern", { id, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  pattern.append(s("rect", { width: 6, height: 6, class: "hatch-ground" }), s("rect", { width: 2, height: 6, class: "hatch-line" }));
  return s("defs", {}, pattern);
}

function short(text) {
  return text.length > 14 ? `${text.slice(0, 13)}…` : text;
}

function clockText(milliseconds, step, t) {
  const parts = { hour: "2-digit", minute: "2-digit", hour12: false, ...(step < 60 ? { second: "2-digit" } : {}) };
  return new Date(milliseconds).toLocaleTimeString(t.locale, parts);
}
