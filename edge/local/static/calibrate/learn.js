// Learning: the camera watches for some minutes; what it learned is shown as a timeline and a table, to be accepted.

import { h, redraw, say } from "../drawing.js";
import { Timeline } from "../timeline.js";

const POLL_MS = 2000;
const PARTS = ["groups", "conflicts", "plan"];
const $ = (id) => document.getElementById(id);

export class Learning {
  /** `call(arguments)` asks the camera's session; `told` answers `t`. */
  constructor(draft, call, told) {
    Object.assign(this, { draft, call, told });
    this.timeline = new Timeline($("learn-timeline"));
    this.status = { state: "idle", learned: null, timeline: null };
    this.timer = 0;
    this.wanted = new Set(PARTS);
    this.trouble = "";
    $("learn-start").onclick = () => this.start();
    $("learn-stop").onclick = () => this.ask({ do: "stop" });
  }

  start() {
    const seconds = Math.round(60 * Number($("learn-minutes").value));
    return this.ask({ do: "learn", settings: this.draft.written(), seconds: Math.max(1, seconds || 600) });
  }

  async ask(question) {
    clearTimeout(this.timer);
    const answer = await this.call(question);
    if (answer.ok) this.status = answer.document;
    this.trouble = answer.ok ? "" : answer.why;
    this.render();
    // A camera that is away for a moment goes on learning when it is back: so does this.
    const again = this.status.state === "learning";
    if (again) this.timer = setTimeout(() => this.ask({ do: "status" }), document.hidden ? 5 * POLL_MS : POLL_MS);
  }

  render() {
    const { t } = this.told;
    const { status } = this;
    const learning = status.state === "learning";
    $("learn-start").disabled = learning || !Object.keys(this.draft.settings.heads).length;
    $("learn-stop").hidden = !learning;
    $("learn-progress").hidden = !learning;
    if (learning) {
      const of = Math.max(1, status.of_seconds);
      $("learn-bar").value = Math.min(1, status.seconds / of);
      say($("learn-said"), t("learning", { seconds: Math.round(status.seconds), of: Math.round(of) }));
    }
    const why = this.trouble || (status.state === "failed" ? status.reason : "");
    $("learn-failed").hidden = !why;
    say($("learn-failed"), why);
    $("learn-timeline").hidden = !status.timeline;
    if (status.timeline) this.timeline.show(status.timeline, t);
    $("learned").hidden = !status.learned;
    redraw($("learned"), [t.locale, status.learned, [...this.wanted]], () => (status.learned ? this.learned(status.learned) : []));
  }

  learned(found) {
    const { t } = this.told;
    const groups = [...new Set([...Object.values(found.groups), ...Object.keys(found.plan)])];
    const rows = groups.map((group) => {
      const heads = Object.keys(found.groups).filter((id) => found.groups[id] === group);
      const changed = heads.filter((id) => this.draft.settings.heads[id]?.group !== group);
      return h("tr", {}, h("th", { scope: "row" }, group), h("td", {}, heads.map((id) => (changed.includes(id) ? `${id} *` : id)).join(", ")), h("td", {}, this.durations(found.plan[group])));
    });
    const head = h("tr", {}, ...["group", "heads", "durations"].map((name) => h("th", { scope: "col" }, t(name))));
    const conflicts = found.conflicts.map((pair) => pair.join(" × ")).join(", ") || t("nothing");
    const accept = h("button", { type: "button", className: "strong", dataset: { testid: "adopt" }, onclick: () => this.adopt(found) }, t("adopt"));
    return [
      h("h3", {}, t("learnedTitle")),
      h("div", { className: "scroll", tabIndex: 0, role: "group", ariaLabel: t("learnedTitle") }, h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows))),
      h("p", {}, `${t("conflicts")}: ${conflicts}`),
      ...(found.doubts.length ? [h("h3", {}, t("doubts")), h("ul", { className: "doubts" }, ...found.doubts.map((text) => h("li", {}, text)))] : []),
      h("div", { className: "actions wrap" }, ...PARTS.map((name) => this.tick(name)), accept),
    ];
  }

  durations(plan) {
    const { t } = this.told;
    if (!plan) return "–";
    const words = Object.entries(plan.durations).map(([colour, of]) => {
      const span = of.shortest === of.longest ? of.typical : `${of.shortest}–${of.longest} (${of.typical})`;
      return `${t.word("colours", colour)} ${span} s`;
    });
    if (plan.dark_seconds) words.push(`${t.word("signal", "dark")} ≤ ${plan.dark_seconds} s`);
    return words.join(" · ");
  }

  tick(name) {
    const box = h("input", { type: "checkbox", checked: this.wanted.has(name) });
    box.onchange = () => (box.checked ? this.wanted.add(name) : this.wanted.delete(name));
    return h("label", { className: "tick" }, box, this.told.t.word("parts", name));
  }

  adopt(found) {
    this.draft.adopt(found, [...this.wanted]);
    this.told.adopted();
  }
}
