// Small means to draw with: elements, figures, the sparkline. No state.

/** An element with properties and children; texts are texts, never markup. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "dataset") Object.assign(element.dataset, value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Sets a text only when it differs: a selection or a screen reader must not be disturbed each second. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Replaces an element's children when `content` differs from what was drawn the last time. */
export function redraw(element, content, draw) {
  const key = JSON.stringify(content);
  if (element.drawn === key) return;
  element.drawn = key;
  element.replaceChildren(...draw());
}

export function bytes(count) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function duration(seconds) {
  if (seconds < 60) return `${seconds < 10 ? Number(seconds.toFixed(1)) : Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

/** A clock time of today, else with its date; the browser's zone. */
export function moment(text, locale) {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return "";
  const today = at.toDateString() === new Date().toDateString();
  const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };
  return today
    ? at.toLocaleTimeString(locale, clock)
    : at.toLocaleString(locale, { month: "2-digit", day: "2-digit", ...clock });
}

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 132;
const HEIGHT = 30;

/** An SVG that `drawSparkline` fills. */
export function sparkline() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none"); // a phone has room for a wider one
  svg.setAttribute("class", "spark");
  svg.setAttribute("role", "img");
  svg.append(document.createElementNS(SVG, "path"), document.createElementNS(SVG, "polyline"));
  return svg;
}

/** Draws rates, oldest first; the newest stands at the right edge, `room` of them fill the width. */
export function drawSparkline(svg, rates, room, label) {
  svg.setAttribute("aria-label", label);
  const most = Math.max(1, ...rates) * 1.1;
  const step = WIDTH / Math.max(1, room - 1);
  const left = WIDTH - step * (rates.length - 1);
  const points = rates.map((rate, at) => {
    const x = left + at * step;
    const y = HEIGHT - 2 - (rate / most) * (HEIGHT - 4);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  const [area, line] = svg.children;
  line.setAttribute("points", points.join(" "));
  area.setAttribute("d", points.length > 1 ? `M${left.toFixed(1)},${HEIGHT} L${points.join(" L")} L${WIDTH},${HEIGHT}Z` : "");
}
