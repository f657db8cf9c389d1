// The live line: events by minute over the last hour, with a reading of the minute pointed at.

import { el, svg } from "./draw.js";

const KINDS = ["visit", "click", "enter", "purchase", "sign_up"];
const HEIGHT = 216;
const EDGE = { top: 12, right: 12, bottom: 26, left: 44 };

/** What is drawn, so that pointing and resizing draw again without asking. */
const last = { pointed: null, draw: () => {} };

export function drawLive(place, points, say, format) {
  last.draw = () => render(place, points, say, format);
  last.draw();
}

/** Draws again when the place changes its width, and where the pointer is. */
export function watchLive(place) {
  new ResizeObserver(() => last.draw()).observe(place);
  const point = (share) => {
    last.pointed = share;
    last.draw();
  };
  place.addEventListener("pointermove", (event) => {
    const box = place.getBoundingClientRect();
    const width = box.width - EDGE.left - EDGE.right;
    point(Math.min(1, Math.max(0, (event.clientX - box.left - EDGE.left) / width)));
  });
  place.addEventListener("pointerleave", () => point(null));
}

function render(place, points, say, format) {
  const width = Math.max(280, place.clientWidth);
  const total = points.reduce((sum, point) => sum + point.events, 0);
  const top = ceiling(Math.max(...points.map((point) => point.events)));
  const x = (i) => EDGE.left + (i / (points.length - 1)) * (width - EDGE.left - EDGE.right);
  const y = (value) => HEIGHT - EDGE.bottom - (value / top) * (HEIGHT - EDGE.top - EDGE.bottom);
  const chart = svg("svg", {
    viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img",
    "aria-label": say("chart_live", { total: format.count(total) }),
  });
  chart.append(...grid(width, top, y, format), ...hours(points, x, format));
  const corner = (i) => `${x(i).toFixed(1)} ${y(points[i].events).toFixed(1)}`;
  const end = points.length - 1;
  const past = `M${points.slice(0, end).map((_, i) => corner(i)).join("L")}`;
  chart.append(
    svg("path", { d: `${past}L${corner(end)}V${y(0)}H${x(0)}Z`, class: "area", "data-shape": "area" }),
    svg("path", { d: past, class: "line", "data-shape": "line" }),
    // The last minute is under way: it falls short of the others without meaning less.
    svg("path", { d: `M${corner(end - 1)}L${corner(end)}`, class: "line under-way" }),
    svg("circle", { cx: x(end), cy: y(points[end].events), r: 4, class: "now" }),
  );
  const pointed = last.pointed === null ? null : Math.round(last.pointed * end);
  if (pointed !== null) {
    chart.append(
      svg("line", { x1: x(pointed), x2: x(pointed), y1: EDGE.top, y2: HEIGHT - EDGE.bottom, class: "cursor" }),
      svg("circle", { cx: x(pointed), cy: y(points[pointed].events), r: 4, class: "now" }),
    );
  }
  const parts = [chart, sums(points, say, format)];
  if (pointed !== null) parts.push(reading(points[pointed], x(pointed), width, say, format));
  if (total === 0) parts.push(el("p", { class: "over quiet" }, say("quiet_hour")));
  place.replaceChildren(...parts);
}

function grid(width, top, y, format) {
  return [0, 0.5, 1].flatMap((share) => [
    svg("line", { x1: EDGE.left, x2: width - EDGE.right, y1: y(top * share), y2: y(top * share), class: "grid" }),
    svg("text", { x: EDGE.left - 8, y: y(top * share) + 4, class: "tick tick-y" }, format.axis(top * share)),
  ]);
}

function hours(points, x, format) {
  const ticks = [0, 15, 30, 45].filter((i) => i < points.length);
  const label = (i, anchor) =>
    svg("text", { x: x(i), y: HEIGHT - 6, class: `tick ${anchor}` }, format.minute(Date.parse(points[i].start)));
  return [...ticks.map((i) => label(i, i ? "" : "tick-first")), label(points.length - 1, "tick-y")];
}

/** Events of the hour by kind. */
function sums(points, say, format) {
  const sum = (kind) => points.reduce((all, point) => all + point.by_kind[kind], 0);
  return el("ul", { class: "sums" }, ...KINDS.map((kind) =>
    el("li", {}, el("span", { class: "quiet" }, `${say(kind)} `),
      el("b", { "data-testid": `live-${kind}` }, format.count(sum(kind))))));
}

function reading(point, x, width, say, format) {
  const rows = KINDS.filter((kind) => point.by_kind[kind] > 0).map((kind) =>
    el("span", {}, `${say(kind)} `, el("b", {}, format.count(point.by_kind[kind]))));
  const tip = el("div", { class: "tip", "aria-hidden": "true" },
    el("b", {}, format.minute(Date.parse(point.start))),
    el("span", {}, `${say("events")} `, el("b", {}, format.count(point.events))),
    ...rows);
  tip.style.left = `${Math.min(Math.max(x, 70), width - 70)}px`;
  return tip;
}

/** The next of 1, 2, 4, 6, 10, 20, 40 …: halves of it are round, too. */
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 2)));
  return [1, 2, 4, 6, 10].map((n) => n * power).find((n) => n >= Math.max(value, 2));
}
