// What the load scripts share: where the gateways are, how somebody asks for a seat, which answers are defined, and what
// is read back at the end.
//
// Environment: GATEWAYS (comma between), RUN (stands before every id), SEATS, SUMMARY (a file for the figures as JSON),
// SPOIL (what is done wrong on purpose, to see its threshold fail).

import exec from "k6/execution";
import http from "k6/http";
import { sleep } from "k6";
import { Counter, Rate, Trend } from "k6/metrics";

export const GATEWAYS = (__ENV.GATEWAYS || "http://127.0.0.1:8081").split(",");
// Each virtual user reads this file for itself, so that a name made here would be another one for each.
if (!__ENV.RUN) throw new Error("give -e RUN=NAME, another name for each run: it stands before every id");
export const RUN = __ENV.RUN;
export const SEATS = Number(__ENV.SEATS || 1000);
export const SPOIL = __ENV.SPOIL || "";

const PATIENCE_MS = 60_000; // how long somebody tries
const PAUSE_S = 0.2; // before another try
const READ_BACK_TRIES = 20; // half a second apart: a gateway may be some records behind the other
const CONNECTING_S = 5;
const AT_ONCE = 50; // people who ask at once at the end

// Answers that stay, of a request for a seat; and those that say to ask again. For events 202 is the answer that stays.
const FINAL = new Set([200, 201, 409]);
const AGAIN = new Set([202, 503]);
export const NO_ROOM = new Set([503]);

const undefinedAnswers = new Counter("undefined_answers");
const triesAgain = new Counter("tries_again");
const overbooked = new Counter("overbooked");
const readBackRight = new Rate("read_back_right");

// A threshold that always holds: k6 keeps the times of a route apart only where one is named.
const SHOWN = ["max>=0"];

// Every script's; a script adds its own.
export const THRESHOLDS = {
  ...Object.fromEntries(["entries", "seat", "activity", "events"].map((route) => [`http_req_duration{route:${route}}`, SHOWN])),
  dropped_iterations: ["count==0"],
  undefined_answers: ["count==0"],
  overbooked: ["count==0"],
  read_back_right: ["rate==1"],
};

// How long what is before and after may take, how many ask at once, and what is kept of times.
export const OPTIONS = {
  setupTimeout: "120s",
  teardownTimeout: "180s",
  batch: AT_ONCE,
  batchPerHost: AT_ONCE,
  summaryTrendStats: ["count", "min", "med", "p(90)", "p(99)", "max"],
};

export const OF_ACTIVITY = { tags: { name: "GET /v1/activities/{id}", route: "activity" } };

http.setResponseCallback(http.expectedStatuses(200, 201, 202, 404, 409, 503));

// A virtual user stays with one gateway.
export function gateway() {
  return GATEWAYS[exec.vu.idInInstance % GATEWAYS.length];
}

export function trend(name) {
  return new Trend(name, true);
}

// Lets each virtual user make its connection, before anything is measured.
export function connecting(vus) {
  return { executor: "per-vu-iterations", exec: "connect", vus, iterations: 1, maxDuration: `${CONNECTING_S}s`, gracefulStop: "0s" };
}

export const AFTER_CONNECTING_S = CONNECTING_S + 1;

export function connect() {
  http.get(`${gateway()}/healthz`);
}

// Counts an answer that is not one of the defined, and shows the first ones.
export function check(answer, defined) {
  if (defined.has(answer.status)) return true;
  undefinedAnswers.add(1);
  if (exec.vu.iterationInScenario < 2) console.error(`${answer.request.method} ${answer.url}: ${answer.status} ${answer.error} ${answer.body}`);
  return false;
}

// Sends until the answer stays, as somebody's page would; the last answer.
export function untilAnswered(send, again = AGAIN) {
  for (const end = Date.now() + PATIENCE_MS; ; ) {
    const answer = send();
    if (!again.has(answer.status) || Date.now() > end) return answer;
    triesAgain.add(1);
    sleep(PAUSE_S);
  }
}

function request(at, activity, user) {
  const asked = SPOIL === "answers" ? `${activity}-that-nobody-defined` : activity;
  const headers = { "Footfall-User": user, "Idempotency-Key": user };
  return ["POST", `${at}/v1/activities/${asked}/entries`, null, { headers, tags: { name: "POST /v1/activities/{id}/entries", route: "entries" } }];
}

export function askForSeat(at, activity, user) {
  const answer = untilAnswered(() => http.request(...request(at, activity, user)));
  check(answer, FINAL);
  return answer;
}

export function isYes(answer) {
  return answer.status === 200 || answer.status === 201;
}

// Takes the seats that are left: people ask, fifty at once, until somebody is refused. How many were told yes.
export function takeTheRest(activity) {
  let yes = 0;
  for (let first = 0; first < SEATS + AT_ONCE; first += AT_ONCE) {
    const people = Array.from({ length: AT_ONCE }, (_, at) => ({ at: GATEWAYS[at % GATEWAYS.length], user: `${RUN}-last-${first + at}` }));
    const answers = http.batch(people.map(({ at, user }) => request(at, activity, user)));
    const last = answers.map((answer, of) => (AGAIN.has(answer.status) ? askForSeat(people[of].at, activity, people[of].user) : answer));
    last.forEach((answer) => check(answer, FINAL));
    yes += last.filter(isYes).length;
    if (!last.every(isYes)) break;
  }
  return yes;
}

// Defines an activity at one gateway, and waits until every gateway knows it.
export function define(activity, opensAtMs) {
  const capacity = SPOIL === "overbooked" ? SEATS + 5 : SEATS;
  const body = JSON.stringify({ campaign_id: RUN, name: activity, capacity, opens_at_ms: opensAtMs });
  const params = { headers: { "Content-Type": "application/json" } };
  const defined = untilAnswered(() => http.put(`${GATEWAYS[0]}/v1/activities/${activity}`, body, params));
  if (defined.status !== 200) exec.test.abort(`the activity can't be defined: ${defined.status} ${defined.body}`);
  for (const at of GATEWAYS) while (http.get(`${at}/v1/activities/${activity}`, OF_ACTIVITY).status !== 200) sleep(0.1);
}

// Reads from every gateway how many seats are held: as many as there are, and not one more.
export function readBack(activity) {
  for (const at of GATEWAYS) {
    let held = null;
    for (let tries = 0; tries < READ_BACK_TRIES && held !== SEATS; tries += 1) {
      if (tries > 0) sleep(0.5);
      const answer = http.get(`${at}/v1/activities/${activity}`, OF_ACTIVITY);
      held = answer.status === 200 ? answer.json("held") : null;
      if (held > SEATS) break;
    }
    overbooked.add(Math.max(0, held - SEATS));
    readBackRight.add(held === SEATS);
  }
}

// Figures as JSON where SUMMARY says, and each threshold in a line.
export function summary(data) {
  const lines = [];
  for (const [name, metric] of Object.entries(data.metrics)) {
    for (const [source, of] of Object.entries(metric.thresholds || {})) {
      if (source !== SHOWN[0]) lines.push(`${of.ok ? "held  " : "FAILED"} ${name} ${source}`);
    }
  }
  const files = { stdout: `${lines.join("\n")}\n` };
  if (__ENV.SUMMARY) files[__ENV.SUMMARY] = JSON.stringify(data);
  return files;
}
