// The local page: asks the box once a second and shows what it says. Holds no state that the box does not know better.

import { ask, change, sourcePath } from "./asking.js";
import { bytes, drawSparkline, duration, h, moment, redraw, say, sparkline } from "./drawing.js";
import { look, nextLanguage, nextTheme, paint, speak } from "./look.js";
import { SignalPanel } from "./signals.js";
import { translator } from "./texts.js";

const POLL_MS = 1000;
const PICTURE_MS = 500;
const NO_PICTURE_MS = 3000;
const LOST_AFTER_MS = 5000;
const LEVELS = ["debug", "info", "warning", "error", "critical"];

const $ = (id) => document.getElementById(id);
const page = {
  box: null,
  etag: "",
  log: { tag: "", rows: [] },
  events: { tag: "", rows: [] },
  answeredAt: Date.now(),
  chosen: decodeURIComponent(location.hash.slice(1)),
  held: false,
  measured: null,
  askedForMeasured: "",
  checkedText: null,
  cards: new Map(),
};
let t = translator(look.language);
const signals = new SignalPanel(document.getElementById("signals"));

// ---- asking

async function poll() {
  try {
    const known = new URLSearchParams({ log: page.log.tag, events: page.events.tag });
    const answer = await ask(`/api/box?${known}`, { headers: { "If-None-Match": page.etag } });
    if (answer.ok) {
      page.etag = answer.headers.get("ETag") ?? "";
      take(await answer.json());
    }
    if (answer.ok || answer.status === 304) page.answeredAt = Date.now();
  } catch {
    // Shown below: nothing has been answered for a while.
  }
  const silent = Date.now() - page.answeredAt;
  $("lost").hidden = silent < LOST_AFTER_MS;
  if (silent >= LOST_AFTER_MS) say($("lost"), t("lost", { seconds: Math.round(silent / 1000) }));
  setTimeout(poll, document.hidden ? 5 * POLL_MS : POLL_MS);
}

function take(box) {
  for (const name of ["log", "events"]) {
    if (box[name].rows !== null) page[name] = box[name];
  }
  page.box = box;
  if (!box.sources.some((source) => source.source_id === page.chosen)) {
    const cameras = box.sources.filter((source) => source.kind === "camera");
    const first = cameras.find((source) => source.state === "online") ?? cameras[0] ?? box.sources[0];
    choose(first?.source_id ?? "");
  }
  show();
}

// ---- showing

function show() {
  const box = page.box;
  if (!box) return;
  say($("device"), t("box", { id: box.device_id }));
  document.title = `${box.device_id} · GridSentry`;
  const uptime = duration(Math.max(0, (Date.now() - new Date(box.started_at)) / 1000));
  say($("about"), t("about", { software: box.software, uptime }));
  showReadiness(box);
  showDevice(box.uplink.device);
  showSources(box);
  showChosen(box);
  showEvents();
  showLog(box);
  showChildren(box);
  showOutbox(box.uplink);
  showInference(box.inference);
  showConfig(box.config);
}

function showReadiness(box) {
  const why = box.unready.map((found) => `${found.name ?? t.word("unready", found.part)}: ${t.word("unready", found.reason)}`);
  const text = box.stopping ? t("stopping") : why.length ? t("notReady", { why: why.join(", ") }) : t("ready");
  say($("ready"), text);
  $("ready").dataset.mood = why.length || box.stopping ? "warn" : "good";
}

/** What is wrong with the box itself, with the reasons in full: they are few, and somebody stands before it. */
function showDevice(device) {
  const conditions = Object.entries(device?.conditions ?? {});
  redraw($("device-conditions"), [look.language, conditions], () =>
    conditions.map(([name, reason]) => {
      const chip = h("li", { className: "chip" }, [t.word("conditionNames", name), reason].filter(Boolean).join(": "));
      chip.dataset.mood = "bad";
      return chip;
    }),
  );
}

function deviceFacts(measured) {
  const rows = [];
  if ("disk_free_bytes" in measured) {
    rows.push([t("disk"), t("diskFree", { free: bytes(measured.disk_free_bytes), total: bytes(measured.disk_total_bytes) })]);
  }
  if ("hottest_celsius" in measured) rows.push([t("temperature"), `${Math.round(measured.hottest_celsius)} °C`]);
  if ("clock_offset_seconds" in measured) rows.push([t("clock"), `${measured.clock_offset_seconds.toFixed(3)} s`]);
  return rows;
}

function titleOf(source) {
  return source.name || source.source_id;
}

function showSources(box) {
  const online = box.sources.filter((source) => source.state === "online").length;
  say($("sources-count"), t("sourcesCount", { online, total: box.sources.length }));
  const list = $("source-list");
  const filter = $("source-filter").value.trim().toLowerCase();
  for (const [id, card] of page.cards) {
    if (box.sources.some((source) => source.source_id === id)) continue;
    card.item.remove();
    page.cards.delete(id);
  }
  let shown = 0;
  box.sources.forEach((source, at) => {
    const card = page.cards.get(source.source_id) ?? newCard(source.source_id);
    if (list.children[at] !== card.item) list.insertBefore(card.item, list.children[at] ?? null);
    fillCard(card, source, box.sample_seconds);
    const words = [source.source_id, source.name, source.state, t.word("states", source.state), ...source.conditions];
    card.item.hidden = !words.join(" ").toLowerCase().includes(filter);
    shown += !card.item.hidden;
  });
  let note = $("no-sources");
  if (!note) list.after((note = h("p", { id: "no-sources", className: "faint" })));
  note.hidden = shown > 0;
  say(note, box.sources.length ? t("noMatch") : t("noSources"));
}

function newCard(id) {
  const name = h("span", { className: "source-name" });
  const state = h("span", { className: "chip" });
  const figures = h("span", { className: "source-figures" });
  const reason = h("span", { className: "source-reason" });
  const spark = sparkline();
  const button = h("button", { type: "button", className: "source", onclick: () => lookAt(id) });
  button.dataset.testid = `source-${id}`;
  button.append(name, state, spark, figures, reason);
  const card = { item: h("li", {}, button), button, name, state, figures, reason, spark };
  page.cards.set(id, card);
  return card;
}

function mood(source) {
  if (source.state === "online") return source.conditions.length ? "warn" : "good";
  return source.state ? "bad" : "warn";
}

function stateText(source) {
  const conditions = source.conditions.filter((name) => name !== source.state);
  return [t.word("states", source.state), ...conditions.map((name) => t.word("conditionNames", name))].join(" · ");
}

function fillCard(card, source, sampleSeconds) {
  redraw(card.name, [source.name, source.source_id], () => [
    document.createTextNode(titleOf(source)),
    ...(source.name ? [h("small", {}, source.source_id)] : []),
  ]);
  say(card.state, stateText(source));
  card.state.dataset.mood = mood(source);
  card.button.dataset.state = source.state;
  card.button.setAttribute("aria-pressed", String(source.source_id === page.chosen));
  const figures = source.kind === "camera" ? cameraFigures(source) : sensorFigures(source);
  redraw(card.figures, figures, () => figures.map((text) => h("span", {}, text)));
  say(card.reason, source.state === "online" ? "" : source.reason);
  card.reason.hidden = !card.reason.textContent;
  card.spark.toggleAttribute("hidden", source.kind !== "camera");
  const rates = source.history;
  const values = { minutes: Math.max(1, Math.round((rates.length * sampleSeconds) / 60)), low: Math.min(...rates, Infinity), high: Math.max(...rates, 0) };
  if (values.low === Infinity) values.low = 0;
  drawSparkline(card.spark, rates, 120, t("rateOver", values));
}

function total(counts) {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function sightShare(source) {
  const seen = source.sight_seconds + source.blind_seconds + source.unknown_seconds;
  return seen > 0 ? `${((100 * source.sight_seconds) / seen).toFixed(1)} %` : "–";
}

function cameraFigures(source) {
  const figures = [`${source.fps.toFixed(1)} fps`];
  if (source.decoding) figures.push(t.word("decodings", source.decoding));
  figures.push(`${t("lag")} ${source.lag_seconds.toFixed(2)} s`);
  figures.push(`${t("dropped")} ${total(source.frames_dropped)}`);
  figures.push(`${t("sight")} ${sightShare(source)}`);
  return figures;
}

function sensorFigures(source) {
  const figures = [t("sensor")];
  if (source.last_frame_age_seconds !== null) {
    figures.push(`${t("lastFrame")} ${t("ago", { time: duration(source.last_frame_age_seconds) })}`);
  }
  if (total(source.faults)) figures.push(`${t("faults")} ${total(source.faults)}`);
  return figures;
}

function facts(element, rows) {
  redraw(element, rows, () =>
    rows.flatMap(([name, value, kind]) => {
      const text = value === "" || value === null || value === undefined ? "–" : String(value);
      const holder = h("div", { className: kind === "whole" || kind === "code" ? "whole" : "" });
      holder.append(h("dt", {}, name), h("dd", {}, kind === "code" ? h("code", {}, text) : text));
      return [holder];
    }),
  );
}

function counts(found, list = "") {
  return Object.entries(found)
    .map(([name, count]) => `${list ? t.word(list, name) : name} ${count}`)
    .join(", ");
}

function showChosen(box) {
  const source = box.sources.find((candidate) => candidate.source_id === page.chosen);
  $("pause").hidden = $("canary").hidden = source?.kind !== "camera";
  say($("pause"), page.held ? t("goOn") : t("hold"));
  $("accept-view").hidden = !source?.conditions.includes("moved");
  const isCamera = source?.kind === "camera";
  $("calibrate").hidden = !isCamera;
  if (isCamera) $("calibrate").href = `/calibrate/${encodeURIComponent(source.source_id)}`;
  signals.look(isCamera ? source.source_id : "", t);
  if (!source) return facts($("facts"), []);
  const rows = [
    [t("state"), stateText(source)],
    [t("since"), source.since ? moment(source.since, t.locale) : ""],
    [t("kind"), t(source.kind === "camera" ? "camera" : "sensor")],
    [t("eventCounts"), counts(source.events, "hazards") || t("nothing")],
    [t("openEpisodes"), source.open_episodes],
    [t("sight"), sightShare(source)],
    [t("sessions"), `${source.sessions} (${t("failures")} ${source.failures})`],
    [t("lastFrame"), source.last_frame_age_seconds === null ? t("never") : t("ago", { time: duration(source.last_frame_age_seconds) })],
  ];
  if (source.kind === "camera") rows.push(...cameraFacts(source));
  else rows.push([t("faults"), counts(source.faults) || t("nothing")]);
  if (source.address) rows.push([t("address"), source.address, "code"]);
  if (source.reason) rows.push([t("reason"), source.reason, "whole"]);
  if (source.notices.length) rows.push([t("notices"), source.notices.join("; "), "whole"]);
  return facts($("facts"), rows);
}

function cameraFacts(source) {
  const stream = [source.codec, source.width ? `${source.width} × ${source.height}` : "", source.role];
  const rows = [
    [t("stream"), stream.filter(Boolean).join(", ")],
    [t("decoding"), t.word("decodings", source.decoding)],
    [t("fps"), source.fps.toFixed(1)],
    [t("lag"), `${source.lag_seconds.toFixed(2)} s`],
    [t("dropped"), counts(source.frames_dropped) || "0"],
    [t("received"), `${bytes(source.bytes_read)} (${t("broken")} ${source.packets_broken})`],
    [t("ring"), `${bytes(source.ring_bytes)}, ${duration(source.ring_seconds)}`],
    [t("cpuShare"), duration(source.cpu_seconds)],
  ];
  if (total(source.questions)) rows.push([t("questions"), counts(source.questions)]);
  if (total(source.canaries)) rows.push([t("canaries"), counts(source.canaries)]);
  if (source.broken_detectors.length) rows.push([t("brokenDetectors"), source.broken_detectors.join("; "), "whole"]);
  return rows;
}

function eventText(event) {
  if (event.hazard) return `${t.word("hazards", event.hazard)} · ${t.word("phases", event.phase ?? "")}`;
  if (event.state) return t.word("states", event.state);
  return (event.type ?? "").replace(/^gridsentry\./, "").replace(/\.v\d+$/, "");
}

function showEvents() {
  const rows = page.events.rows.filter((event) => !String(event.type).includes("heartbeat")).reverse();
  redraw($("events"), [look.language, rows], () => {
    if (!rows.length) return [h("li", { className: "faint" }, t("noEvents"))];
    return rows.map((event) =>
      h(
        "li",
        {},
        h("time", { dateTime: event.time ?? "" }, moment(event.time, t.locale)),
        h("b", {}, eventText(event)),
        ...[event.canary ? t("drill") : "", event.source_id, t.word("words", event.severity), t.word("words", event.tier), event.reason]
          .filter(Boolean)
          .map((text) => h("span", {}, text)),
      ),
    );
  });
}

const OWN_FIELDS = new Set(["timestamp", "level", "event", "process", "source", "exception", "number"]);

function showLog(box) {
  const select = $("log-source");
  const names = ["", ...new Set([...box.sources.map((source) => source.source_id), ...page.log.rows.map((row) => row.source).filter(Boolean)])];
  redraw(select, [look.language, names], () => names.map((name) => h("option", { value: name, selected: name === select.value }, name || t("everySource"))));
  const least = LEVELS.indexOf($("log-level").value);
  const rows = page.log.rows
    .filter((row) => LEVELS.indexOf(row.level) >= least && (!select.value || row.source === select.value))
    .reverse();
  redraw($("log"), [look.language, rows], () => (rows.length ? rows.map(logRow) : [h("li", { className: "faint" }, t("noLog"))]));
}

function logRow(row) {
  const rest = Object.entries(row).filter(([name]) => !OWN_FIELDS.has(name));
  const item = h("li", {});
  item.dataset.level = row.level;
  item.append(
    h("time", { dateTime: row.timestamp ?? "" }, moment(row.timestamp, t.locale)),
    h("span", {}, [row.process, row.source].filter(Boolean).join(" / ")),
    h("b", {}, String(row.event)),
    ...rest.map(([name, value]) => h("span", {}, `${name}=${typeof value === "object" ? JSON.stringify(value) : value}`)),
  );
  if (row.exception) item.append(h("pre", {}, row.exception));
  return item;
}

function showChildren(box) {
  const rows = box.children.map((child) => [
    child.name,
    [t.word("states", child.state), child.state === "running" ? "" : child.reason].filter(Boolean).join(": "),
    child.restarts,
    duration(child.cpu_seconds),
    bytes(child.rss_bytes),
    child.open_files,
    child.sources.join(", "),
  ]);
  redraw($("children"), rows, () =>
    rows.map((cells) => h("tr", {}, ...cells.map((cell, at) => h("td", { className: at > 1 && at < 6 ? "n" : "" }, String(cell))))),
  );
}

function showOutbox(uplink) {
  if (!("waiting_events" in uplink)) return facts($("outbox"), [[t("outbox"), t("noReport")]]);
  let state = t("uplinkFine");
  if (uplink.configured === false) state = t("uplinkNone");
  else if (uplink.trouble) {
    state = t("uplinkTrouble", { what: uplink.trouble, since: uplink.trouble_since ? moment(uplink.trouble_since, t.locale) : "?" });
  }
  const age = (text) => duration(Math.max(0, (Date.now() - new Date(text)) / 1000));
  return facts($("outbox"), [
    [t("waitingEvents"), uplink.waiting_events],
    [t("waitingFiles"), uplink.waiting_files ?? 0],
    [t("waitingBytes"), bytes(uplink.waiting_bytes ?? 0)],
    [t("oldest"), uplink.oldest_waiting_at ? t("ago", { time: age(uplink.oldest_waiting_at) }) : t("nothing")],
    [t("refusedEvents"), uplink.refused_events ?? 0],
    [t("failedFiles"), uplink.failed_files ?? 0],
    [t("droppedFiles"), `${uplink.dropped_files ?? 0} (${bytes(uplink.dropped_bytes ?? 0)})`],
    ...deviceFacts(uplink.device?.measured ?? {}),
    ...(uplink.outbox_trouble ? [[t("outboxTrouble"), uplink.outbox_trouble, "whole"]] : []),
    [t("uplink"), state, uplink.trouble ? "whole" : ""],
  ]);
}

const SESSION_COLUMNS = ["process", "model", "version", "sha256", "state", "selftest", "change", "plan", "input", "core", "waiting", "wait_seconds", "run_seconds", "shedding", "counts"];
const MEASURED_COLUMNS = ["model", "chosen", "backend", "threads", "precision", "batch", "cpu_ms", "wall_ms", "difference", "loss", "refused"];

function cellText(value) {
  if (value === null || value === undefined) return "–";
  if (value === true) return "✓";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : value.toPrecision(3);
  if (Array.isArray(value)) return value.join(" × ");
  if (typeof value === "object") return counts(Object.fromEntries(Object.entries(value).filter(([, count]) => count)));
  return String(value);
}

function table(head, body, columns, rows) {
  redraw(head, [look.language, columns], () => [h("tr", {}, ...columns.map((name) => h("th", {}, t.word("columns", name))))]);
  redraw(body, rows, () => rows.map((row) => h("tr", {}, ...columns.map((name) => h("td", {}, cellText(row[name]))))));
}

/** A model that is configured and does not serve. */
function changeText(change) {
  const since = moment(change.since, t.locale);
  return [`${change.version}: ${t.word("changes", change.state)}`, change.reason, since].filter(Boolean).join(", ");
}

function showInference(sessions) {
  const shown = sessions.length > 0 || page.measured !== null;
  if (sessions.length && page.askedForMeasured !== measuredKey(sessions)) askForMeasured(measuredKey(sessions));
  $("inference-card").hidden = !shown;
  const rows = sessions.map((session) => ({
    ...session,
    sha256: session.sha256?.slice(0, 12),
    state: [session.state, session.reason].filter(Boolean).join(": "),
    selftest: session.selftest && t.word("selftests", session.selftest),
    change: session.change && changeText(session.change),
  }));
  table($("inference-head"), $("inference"), SESSION_COLUMNS, rows);
  const choices = page.measured?.choices ?? [];
  const measured = choices.flatMap((choice) =>
    choice.measurements.map((one, at) => ({ ...one, model: choice.model, chosen: at === choice.chosen ? true : null })),
  );
  table($("measured-head"), $("measured"), MEASURED_COLUMNS, measured);
  const machine = Object.values(page.measured?.machine ?? {}).filter((part) => typeof part !== "object").join(", ");
  say($("measured-on"), measured.length ? t("measuredOn", { machine }) : t("notMeasured"));
}

/** What was measured changes only with the models and their plans. */
function measuredKey(sessions) {
  return JSON.stringify(sessions.map((session) => [session.model, session.sha256, session.plan]));
}

async function askForMeasured(key) {
  page.askedForMeasured = key;
  const answer = await ask("/api/inference");
  page.measured = answer.ok ? await answer.json() : null;
}

function showConfig(config) {
  facts($("config"), [
    [t("loaded"), moment(config.loaded_at, t.locale)],
    [t("file"), config.path, "code"],
    [t("hash"), config.sha256, "code"],
  ]);
  $("refused").hidden = config.refused_at === null;
  problems($("refused-problems"), config.problems);
}

function problems(list, lines) {
  redraw(list, lines, () => lines.map((line) => h("li", {}, line)));
}

// ---- the picture

function choose(id) {
  if (page.chosen === id) return;
  page.chosen = id;
  page.held = false;
  history.replaceState(null, "", `#${encodeURIComponent(id)}`);
  $("still").hidden = true;
  $("said").hidden = true;
  $("picture").dataset.stale = "false";
  say($("picture-note"), t("waiting"));
  show();
  picture();
}

/** On a phone the picture lies below the list: who asks for a source wants to see it. */
function lookAt(id) {
  choose(id);
  if (matchMedia("(max-width: 900px)").matches) $("look").scrollIntoView({ block: "start" });
}

let pictureTimer = 0;
let onScreen = true;
new IntersectionObserver((entries) => {
  onScreen = entries[entries.length - 1].isIntersecting;
}).observe($("picture"));

async function picture() {
  clearTimeout(pictureTimer);
  const source = page.box?.sources.find((candidate) => candidate.source_id === page.chosen);
  const note = $("picture-note");
  let came = true;
  if (!source) say(note, t("choose"));
  else if (source.kind !== "camera") say(note, t("isSensor", { name: titleOf(source) }));
  else if (!page.box.pictures) say(note, t("noPictures"));
  else if (onScreen && !document.hidden && !page.held) came = await fetchPicture(source, note);
  pictureTimer = setTimeout(picture, came ? PICTURE_MS : NO_PICTURE_MS);
}

/** Whether a picture came. */
async function fetchPicture(source, note) {
  try {
    const answer = await ask(sourcePath(source.source_id, "still"));
    if (source.source_id !== page.chosen) return true;
    if (!answer.ok) {
      const why = (await answer.json()).detail;
      $("picture").dataset.stale = "true";
      say(note, t("noPicture", { why }));
      return false;
    }
    const address = URL.createObjectURL(await answer.blob());
    const image = $("still");
    const before = image.src;
    image.src = address;
    image.alt = t("pictureAlt", { name: titleOf(source) });
    image.hidden = false;
    if (before) URL.revokeObjectURL(before);
    $("picture").dataset.stale = "false";
    say(note, t("pictureAt", { name: titleOf(source), time: moment(new Date(), t.locale) }));
    return true;
  } catch {
    $("picture").dataset.stale = "true"; // the banner says that the box does not answer
    return false;
  }
}

function report(text) {
  $("said").hidden = false;
  say($("said"), text);
}

function canaryText(told) {
  const words = [t.word("canaryStates", told.state), told.detector ?? ""];
  if (told.latency_seconds !== null) words.push(t("canaryLatency", { seconds: told.latency_seconds }));
  words.push(told.reason);
  return t("canarySaid", { what: words.filter(Boolean).join(", ") });
}

/** Asks for a drill, then follows it until it is over or somebody looks at another source. */
async function canary() {
  const address = sourcePath(page.chosen, "canary");
  const source = page.chosen;
  report(t("canaryRuns"));
  $("canary").disabled = true;
  try {
    let answer = await change(address);
    while (source === page.chosen) {
      const told = await answer.json();
      if (!answer.ok) {
        report(t("canaryFailed", { why: told.detail }));
        break;
      }
      report(canaryText(told));
      if (!["waiting", "running"].includes(told.state)) break;
      await new Promise((done) => setTimeout(done, POLL_MS));
      answer = await ask(`${address}/${encodeURIComponent(told.id)}`);
    }
  } catch (error) {
    report(t("canaryFailed", { why: String(error) }));
  }
  $("canary").disabled = false;
}

async function acceptView() {
  const answer = await change(sourcePath(page.chosen, "accept-view"));
  report(answer.ok ? t("viewAccepted") : t("failed", { why: (await answer.json()).detail }));
}

// ---- the configuration

async function sendConfig(path, text, title) {
  const shown = $("plan");
  try {
    const answer = await change(path, text);
    const told = await answer.json();
    if (!answer.ok) {
      const list = h("ul", { className: "problems" });
      problems(list, told.problems ?? [told.detail]);
      shown.replaceChildren(h("p", { className: "bad" }, t("refusedText")), list);
      return false;
    }
    const parts = [["starts", told.starts], ["stops", told.stops], ["planRestarts", told.restarts], ["planModels", told.models], ["others", told.children], ["stays", told.stays]];
    const rows = h("dl", { className: "plan" });
    for (const [name, ids] of parts) {
      if (ids.length) rows.append(h("dt", {}, `${t(name)} (${ids.length})`), h("dd", {}, ids.join(", ")));
    }
    shown.replaceChildren(h("p", {}, told.empty ? t("planEmpty") : title), rows);
    return true;
  } catch (error) {
    shown.replaceChildren(h("p", { className: "bad" }, t("failed", { why: String(error) })));
    return false;
  }
}

async function checkConfig(event) {
  event.preventDefault();
  const text = $("config-text").value;
  const fine = await sendConfig("/api/config/plan", text, t("planIs"));
  page.checkedText = fine ? text : null;
  showApply();
}

async function applyConfig() {
  $("config-apply").disabled = true;
  await sendConfig("/api/config", page.checkedText, t("planDone"));
  page.checkedText = null;
}

/** Only a text whose plan was seen can be applied. */
function showApply() {
  $("config-apply").disabled = page.checkedText === null || page.checkedText !== $("config-text").value;
}

// ---- language, colours, keys

function retell() {
  t = translator(look.language);
  speak(t);
  signals.retell(t);
  show();
}

function otherLanguage() {
  nextLanguage();
  retell();
}

function otherTheme() {
  nextTheme();
  paint(t);
}

function hold() {
  page.held = !page.held;
  show();
}

function step(by) {
  const shown = [...page.cards.entries()].filter(([, card]) => !card.item.hidden);
  if (!shown.length) return;
  const ordered = shown.sort((a, b) => (a[1].item.compareDocumentPosition(b[1].item) & 4 ? -1 : 1));
  const at = ordered.findIndex(([id]) => id === page.chosen);
  const [id, card] = ordered[(at + by + ordered.length) % ordered.length];
  choose(id);
  card.button.focus();
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  p: hold,
  t: otherTheme,
  z: otherLanguage,
  "?": () => $("help").showModal(),
  "/": () => $("source-filter").focus(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select");
  if (event.key === "Escape" && typing) event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  const action = KEYS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

$("language").onclick = otherLanguage;
$("theme").onclick = otherTheme;
$("help-open").onclick = () => $("help").showModal();
$("sign-out").onclick = async () => {
  await change("/sign-out");
  location.reload();
};
$("pause").onclick = hold;
$("canary").onclick = canary;
$("accept-view").onclick = acceptView;
$("source-filter").oninput = show;
$("log-level").onchange = show;
$("log-source").onchange = show;
$("config-form").onsubmit = checkConfig;
$("config-apply").onclick = applyConfig;
$("config-text").oninput = showApply;
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) picture();
});

retell();
poll();
picture();
