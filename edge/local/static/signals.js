// The live panel of a camera's traffic signals: asked for every few seconds, and only while it is looked at.

import { ask, sourcePath, told } from "./asking.js";
import { duration, h, redraw, say } from "./drawing.js";
import { Timeline, stateWords } from "./timeline.js";

const REFRESH_MS = 3000;
const AGAIN_MS = 8000;
const DETECTOR = "traffic_signal";

export class SignalPanel {
  /** `card` is hidden while the camera that is looked at has no traffic signals. */
  constructor(card) {
    this.card = card;
    this.heads = card.querySelector("[data-part=heads]");
    this.notJudged = card.querySelector("[data-part=not-judged]");
    this.rate = card.querySelector("[data-part=rate]");
    this.note = card.querySelector("[data-part=note]");
    this.timeline = new Timeline(card.querySelector("[data-part=timeline]"), { clock: true });
    this.source = "";
    this.timer = 0;
    this.seen = false;
    new IntersectionObserver((entries) => {
      this.seen = entries.at(-1).isIntersecting;
    }).observe(card);
  }

  /** Another source is looked at; an empty id: none that has pictures. */
  look(source, t) {
    this.t = t;
    if (source === this.source) return;
    this.source = source;
    this.card.hidden = true;
    clearTimeout(this.timer);
    if (source) this.refresh();
  }

  retell(t) {
    this.t = t;
    if (this.report) this.show();
  }

  async refresh() {
    clearTimeout(this.timer);
    const source = this.source;
    let wait = AGAIN_MS;
    // Until there is a timeline it goes on asking, seen or not: what loads above may push the card out of sight.
    if (!document.hidden && (this.card.hidden || this.seen || !this.report?.timeline)) {
      wait = (await this.fetch(source)) ? REFRESH_MS : AGAIN_MS;
      if (source !== this.source) return;
    } else if (!this.card.hidden) wait = REFRESH_MS;
    this.timer = setTimeout(() => this.refresh(), wait);
  }

  /** Whether the camera has something to report. */
  async fetch(source) {
    try {
      const answer = await told(await ask(sourcePath(source, "reports")));
      if (source !== this.source) return false;
      this.report = answer.ok ? (answer.document[DETECTOR] ?? null) : null;
      if (this.report === null) {
        // A camera that is away for a moment keeps its panel, with what was last known.
        if (answer.ok) this.card.hidden = true;
        else if (!this.card.hidden) say(this.note, this.t("noPicture", { why: answer.why }));
        return !this.card.hidden;
      }
      this.card.hidden = false;
      this.show();
      return true;
    } catch {
      return false; // the banner says that the box does not answer
    }
  }

  show() {
    const { report, t } = this;
    say(this.note, report.timeline ? "" : t("signalsNothingYet"));
    this.note.hidden = Boolean(report.timeline);
    if (report.timeline) this.timeline.show(report.timeline, t);
    const known = Object.fromEntries((report.timeline?.heads ?? []).map((head) => [head.head, head]));
    const heads = Object.entries(report.heads ?? {});
    redraw(this.heads, [t.locale, heads], () => heads.map(([id, head]) => headRow(id, head, known[id], t)));
    const rate = report.samples_per_second;
    say(this.rate, rate ? t("signalsRate", { rate }) : "");
    const judged = Object.entries(report.not_judged ?? {});
    redraw(this.notJudged, [t.locale, judged], () =>
      judged.map(([fault, why]) => h("li", {}, h("b", {}, t.word("hazards", fault)), ` ${t("notJudged", { why })}`)),
    );
    this.notJudged.hidden = !judged.length;
  }
}

function headRow(id, head, known, t) {
  const chip = h("span", { className: "chip" }, stateWords(head, known?.lamps ?? [], t));
  chip.dataset.mood = head.unseen ? "warn" : "";
  const since = t("sinceTime", { time: duration(head.since_seconds ?? 0) });
  return h("li", { className: "head-row" }, h("b", {}, known?.name || id), chip, h("span", { className: "faint" }, since));
}
