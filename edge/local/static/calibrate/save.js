// Saving: first what would change, then the change. Only settings whose plan was seen can be saved.

import { h } from "../drawing.js";

const $ = (id) => document.getElementById(id);

export class Saving {
  /** `post(rest, body)` asks the box; `told` answers `t`, `refused(fields)`, `saved(sha256)`. */
  constructor(draft, post, told) {
    Object.assign(this, { draft, post, told });
    this.sha256 = "";
    this.planned = null;
    $("plan").onclick = () => this.plan();
    $("save").onclick = () => this.save();
  }

  /** What was planned is for the settings as they were then. */
  render() {
    $("save").disabled = this.planned === null || this.planned !== JSON.stringify(this.draft.written());
    $("plan").disabled = !Object.keys(this.draft.settings.heads).length;
  }

  async plan() {
    const written = this.draft.written();
    const plan = await this.send("signals/plan", written);
    this.planned = plan ? JSON.stringify(written) : null;
    if (plan) this.show(this.told.t("planIs"), plan);
    this.render();
  }

  async save() {
    const written = JSON.parse(this.planned);
    this.planned = null;
    this.render();
    const plan = await this.send("signals/save", written);
    if (!plan) return;
    this.sha256 = plan.sha256;
    this.show(this.told.t("saved"), plan);
    this.told.saved();
  }

  async send(rest, settings) {
    const { t } = this.told;
    const answer = await this.post(rest, { settings, sha256: this.sha256 });
    this.told.refused(answer.ok ? [] : (answer.document?.fields ?? []));
    if (answer.ok) return answer.document;
    const lines = answer.status === 409 ? [t("fileChanged")] : (answer.document?.problems ?? [answer.why]);
    const list = h("ul", { className: "problems" }, ...lines.map((line) => h("li", {}, line)));
    $("saved").replaceChildren(h("p", { className: "bad" }, t("refusedText")), list);
    return null;
  }

  show(title, plan) {
    const { t } = this.told;
    const rows = h("dl", { className: "plan" });
    for (const [name, ids] of [["starts", plan.starts], ["stops", plan.stops], ["planRestarts", plan.restarts], ["others", plan.children], ["stays", plan.stays]]) {
      if (ids.length) rows.append(h("dt", {}, `${t(name)} (${ids.length})`), h("dd", {}, ids.join(", ")));
    }
    $("saved").replaceChildren(h("p", {}, plan.empty ? t("planEmpty") : title), rows);
  }
}
