// The charts: each takes its place in the page, numbers of the API, words and formats, and draws.
// Every number stands as text beside the shape that shows it.

import { el, svg } from "./draw.js";

const DEVICES = ["mobile", "tablet", "desktop", "other", "bot"];

/** The funnel: by people where they are known, else by events; both as text. */
export function drawFunnel(place, { events, people }, say, format) {
  const shown = people ?? events;
  const widest = Math.max(1, ...shown.map((step) => step.count));
  const heights = shown.map((step) => Math.max(0.012, step.count / widest) * 58);
  const shapes = heights.map((height, i) =>
    svg("path", {
      d: flow(i * 100, height, heights[i + 1] ?? height),
      class: `flow flow-${i}`,
      "data-shape": shown[i].step,
    }),
  );
  const text = shown.map((step) => `${say(step.step)} ${format.count(step.count)}`).join(", ");
  const chart = svg("svg", {
    viewBox: "0 0 400 120",
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": say("chart_funnel", { text }),
  });
  chart.append(...shapes);
  const heads = events.map((step, i) => {
    const head = el("div", { class: "step" });
    head.append(
      el("span", { class: "label" }, say(step.step)),
      number("b", `funnel-people-${step.step}`, people?.[i].count, format),
      el("span", { class: "quiet" },
        number("span", `funnel-events-${step.step}`, step.count, format),
        ` ${say("events_unit")}`),
    );
    return head;
  });
  const rates = shown.map((step, i) =>
    el("div", { class: "step" },
      el("b", { "data-testid": `funnel-rate-${step.step}` }, format.share(i ? step.from_previous : step.from_first)),
      el("span", { class: "quiet" }, i ? say("of_previous") : say("of_first")),
      i ? el("span", { class: "quiet" }, `${format.share(step.from_first)} ${say("of_first")}`) : null,
    ),
  );
  place.replaceChildren(
    el("div", { class: "steps" }, ...heads),
    chart,
    el("div", { class: "steps rates" }, ...rates),
  );
}

/** A stretch of the funnel from one half-height to the next, around the middle line. */
function flow(x, from, to) {
  const [level, bend, end] = [x + 46, x + 73, x + 100];
  return (
    `M${x} ${60 - from}H${level}C${bend} ${60 - from} ${bend} ${60 - to} ${end} ${60 - to}` +
    `V${60 + to}C${bend} ${60 + to} ${bend} ${60 + from} ${level} ${60 + from}H${x}Z`
  );
}

/** Device shares as a doughnut. */
export function drawDevices(place, shares, total, say, format) {
  const ring = svg("svg", { viewBox: "0 0 120 120", role: "img", class: "ring" });
  ring.append(svg("circle", { cx: 60, cy: 60, r: 47, class: "track" }));
  let start = 0;
  for (const { label, share } of shares) {
    if (!share) continue;
    const part = share * 100;
    ring.append(
      svg("circle", {
        cx: 60, cy: 60, r: 47, pathLength: 100,
        "stroke-dasharray": `${Math.max(part - 0.6, 0.3)} 100`,
        "stroke-dashoffset": -start,
        class: `arc ${tone(label)}`,
        "data-shape": label,
      }),
    );
    start += part;
  }
  ring.append(
    svg("text", { x: 60, y: 60, class: "ring-total" }, format.axis(total)),
    svg("text", { x: 60, y: 76, class: "ring-unit" }, say("events_unit")),
  );
  const text = shares.map(({ label, share }) => `${say(label)} ${format.share(share)}`).join(", ");
  ring.setAttribute("aria-label", say("chart_devices", { text }));
  const rows = shares.map(({ label, events, share }) =>
    el("li", {},
      el("span", { class: `swatch ${tone(label)}` }),
      el("span", {}, say(label)),
      number("b", `device-${label}`, events, format),
      el("span", { class: "quiet" }, format.share(share)),
    ),
  );
  place.replaceChildren(ring, el("ul", { class: "legend" }, ...rows));
}

const tone = (label) => `tone-${DEVICES.indexOf(label)}`;

/** Two parts of a whole as a bar, by people and by events. */
export function drawVisitors(place, { events, people }, say, format) {
  const split = (measure, parts) => {
    const whole = parts ? parts.new + parts.returning : 0;
    const width = whole ? (parts.new / whole) * 100 : 0;
    const label = say("chart_visitors", {
      measure: say(`by_${measure}`),
      new: format.count(parts?.new),
      returning: format.count(parts?.returning),
    });
    const bar = svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", role: "img", "aria-label": label, class: "split" });
    bar.append(svg("rect", { x: 0, y: 0, width: 100, height: 10, class: "track" }));
    if (whole) {
      bar.append(
        svg("rect", { x: width, y: 0, width: 100 - width, height: 10, class: "fill-returning", "data-shape": "returning" }),
        svg("rect", { x: 0, y: 0, width, height: 10, class: "fill-new", "data-shape": "new" }),
      );
    }
    const side = (part) =>
      el("li", {},
        el("span", { class: `swatch fill-${part}` }),
        el("span", {}, say(part)),
        number("b", `${part}-${measure}`, parts?.[part], format),
        el("span", { class: "quiet" }, whole ? format.share(parts[part] / whole) : ""));
    return el("div", {},
      el("h3", {}, say(`by_${measure}`)), bar, el("ul", { class: "legend" }, side("new"), side("returning")));
  };
  place.replaceChildren(split("people", people), split("events", events));
}

/** Parts of a whole as rows with bars; the first few, for there may be many. */
export function drawMarginals(place, lists, say, format) {
  const MOST = 5;
  const list = ([name, shares]) =>
    el("div", {},
      el("h3", {}, say(name)),
      el("ul", {}, ...(shares ?? []).slice(0, MOST).map(({ label, share, events }) =>
        el("li", { title: `${format.count(events)} ${say("events_unit")}` },
          el("span", {}, spelled(label, say)),
          bar(share ?? 0),
          el("span", { class: "quiet" }, format.share(share)),
        ))),
    );
  place.replaceChildren(...Object.entries(lists).map(list));
}

function bar(share) {
  const chart = svg("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" });
  chart.append(
    svg("rect", { width: 100, height: 6, class: "track" }),
    svg("rect", { width: share * 100, height: 6, class: "fill-new" }),
  );
  return chart;
}

const SPELLED = {
  ios: "iOS", android: "Android", windows: "Windows", macos: "macOS", linux: "Linux", chromeos: "ChromeOS",
  chrome: "Chrome", safari: "Safari", "samsung-internet": "Samsung Internet", edge: "Edge", firefox: "Firefox",
  opera: "Opera", whale: "Whale", kakaotalk: "KakaoTalk", naver: "Naver", line: "LINE", "in-app": "In-app",
  iphone: "iPhone", ipad: "iPad", mac: "Mac", galaxy: "Galaxy", pixel: "Pixel", xiaomi: "Xiaomi",
  huawei: "Huawei", oppo: "Oppo", vivo: "Vivo", oneplus: "OnePlus", realme: "Realme", motorola: "Motorola",
  lg: "LG", sony: "Sony", lenovo: "Lenovo",
};

const spelled = (label, say) => SPELLED[label] ?? say(label);

/** The activities with the most events, a row each. */
export function drawActivities(place, activities, say, format) {
  const MOST = 12;
  const kinds = ["visit", "click", "enter", "purchase"];
  const shown = [...activities].sort((a, b) => b.totals.events - a.totals.events).slice(0, MOST);
  const head = el("tr", {},
    el("th", { scope: "col" }, say("activity")),
    ...["people", ...kinds].map((word) => el("th", { scope: "col" }, say(word))));
  const rows = shown.map(({ activity, people, totals }) =>
    el("tr", { "data-activity": activity },
      el("th", { scope: "row" }, nameOf(activity, say)),
      el("td", {}, format.count(people?.users)),
      ...kinds.map((kind) => el("td", {}, format.count(totals.by_kind[kind])))));
  const rest = activities.length - shown.length;
  place.replaceChildren(
    el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)),
    ...(rest > 0 ? [el("p", { class: "quiet small" }, say("more_activities", { count: format.count(rest) }))] : []),
  );
}

/** The names that the fold itself gives, in the reader's language. */
export function nameOf(id, say) {
  return { "(none)": say("none"), __other__: say("others") }[id] ?? id;
}

function number(tag, id, value, format) {
  return el(tag, { "data-testid": id }, format.count(value));
}
