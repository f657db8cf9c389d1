// Steady mixed traffic: events, one and many; seats asked for, looked up and given back; numbers read from the API.
//
//   k6 run -e RUN=first -e GATEWAYS=http://…,http://… -e API=http://… -e RATE=200 -e DURATION_S=300 benches/k6/sustained.js
//
// RATE is requests a second in all. At the end people ask until the last seat is taken, so that what is read back must
// equal the capacity. Further environment: VUS, and that of gateway.js.

import exec from "k6/execution";
import http from "k6/http";
import { sleep } from "k6";
import { Counter } from "k6/metrics";
import { GATEWAYS, NO_ROOM, OF_ACTIVITY, OPTIONS, RUN, SEATS, SPOIL, THRESHOLDS, askForSeat, check, define, gateway, isYes, readBack, summary, takeTheRest, trend, untilAnswered } from "./gateway.js";

const API = __ENV.API || "http://127.0.0.1:8080";
const RATE = Number(__ENV.RATE || 200);
const DURATION_S = Number(__ENV.DURATION_S || 300);
const VUS = SPOIL === "dropped" ? 1 : Number(__ENV.VUS || 600); // in all: a gateway takes 512 connections
const MANY = 20; // events of a request that has many
const USERS = 20_000;
const KEEPS = 10; // one of so many keeps the seat
const ACTIVITY = `${RUN}-steady`;
const KINDS = ["visit", "visit", "visit", "click", "click", "purchase", "sign_up"];
const READS = ["/v1/campaigns", `/v1/campaigns/${RUN}`, `/v1/campaigns/${RUN}/timeseries?step=minute`, `/v1/activities/${ACTIVITY}`, `/v1/campaigns/${RUN}?store=history`];

const accepted = new Counter("events_accepted");
const toldYes = new Counter("told_yes");
const took = {
  one: trend("one_event"), many: trend("many_events"), ask: trend("asked_for_a_seat"), look: trend("looked_up"),
  cancel: trend("gave_back"), activity: trend("read_activity"), api: trend("read_api"),
};

// Requests of each kind in a hundred, and how many an iteration has.
const SHARES = { one: [40, 1], many: [10, 1], seats: [30, 3], activity: [10, 1], api: [10, 1] };

const scenarios = Object.fromEntries(
  Object.entries(SHARES).map(([kind, [share, requests]]) => [
    kind,
    {
      executor: "constant-arrival-rate", exec: kind, duration: `${DURATION_S}s`, gracefulStop: "70s",
      // Tens of seconds, so that small rates are whole numbers.
      rate: Math.ceil((RATE * share) / requests / 10), timeUnit: "10s",
      preAllocatedVUs: Math.ceil((VUS * share) / 100), maxVUs: Math.ceil((VUS * share) / 100),
    },
  ]),
);

export const options = { ...OPTIONS, scenarios, thresholds: { ...THRESHOLDS, events_accepted: ["count>0"], told_yes: ["count>0"] } };

function events(count) {
  const { name, iterationInTest } = exec.scenario;
  return Array.from({ length: count }, (_, at) => {
    const number = iterationInTest * count + at;
    return {
      event_id: `${RUN}-${name}-${number}`, user_id: `${RUN}-visitor-${number % USERS}`, kind: KINDS[number % KINDS.length],
      occurred_at_ms: Date.now(), campaign_id: RUN, activity_id: ACTIVITY,
      user_agent: "Mozilla/5.0 (Linux; Android 14; SM-S921N) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
    };
  });
}

function sendEvents(of, time) {
  const body = JSON.stringify(of.length === 1 ? of[0] : of);
  const params = { headers: { "Content-Type": "application/json" }, tags: { name: "POST /v1/events", route: "events" } };
  const start = Date.now();
  const answer = untilAnswered(() => http.post(`${gateway()}/v1/events`, body, params), NO_ROOM);
  time.add(Date.now() - start);
  if (check(answer, new Set([202]))) accepted.add(of.length);
}

function read(url, params, time) {
  const answer = untilAnswered(() => http.get(url, params));
  time.add(answer.timings.duration);
  check(answer, new Set([200]));
}

export function setup() {
  define(ACTIVITY, Date.now() - 1_000);
  const first = [{ event_id: `${RUN}-first`, user_id: RUN, kind: "visit", occurred_at_ms: Date.now(), campaign_id: RUN, activity_id: ACTIVITY }];
  const sent = http.post(`${GATEWAYS[0]}/v1/events`, JSON.stringify(first), { headers: { "Content-Type": "application/json" } });
  if (sent.status === 202) accepted.add(1);
  // The API knows a campaign when its first event is counted, and history comes later.
  for (const path of READS) while (http.get(`${API}${path}`).status !== 200) sleep(0.2);
}

export function one() {
  sendEvents(events(1), took.one);
}

export function many() {
  sendEvents(events(MANY), took.many);
}

export function seats() {
  const number = exec.scenario.iterationInTest;
  const user = `${RUN}-person-${number}`;
  const at = gateway();
  const seats = `${at}/v1/activities/${ACTIVITY}/entries`;
  const start = Date.now();
  const answer = askForSeat(at, ACTIVITY, user);
  took.ask.add(Date.now() - start);
  const yes = isYes(answer);
  if (yes) toldYes.add(1);

  const params = { headers: { "Footfall-User": user }, tags: { name: "GET /v1/activities/{id}/entries/{user}", route: "seat" } };
  const seat = http.get(`${seats}/${user}`, params);
  took.look.add(seat.timings.duration);
  check(seat, new Set([yes ? 200 : 404]));

  if (number % KEEPS === 0) return;
  const back = Date.now();
  const cancelled = untilAnswered(() => http.del(seats, null, { ...params, tags: { name: "DELETE /v1/activities/{id}/entries", route: "entries" } }));
  took.cancel.add(Date.now() - back);
  // A try that was answered too late found the seat given back already: 404.
  check(cancelled, new Set(yes ? [200, 404] : [404]));
}

export function activity() {
  read(`${gateway()}/v1/activities/${ACTIVITY}`, OF_ACTIVITY, took.activity);
}

export function api() {
  const path = READS[exec.scenario.iterationInTest % READS.length];
  read(`${API}${path}`, { tags: { name: "reads of the API" } }, took.api);
}

export function teardown() {
  toldYes.add(takeTheRest(ACTIVITY));
  readBack(ACTIVITY);
}

export const handleSummary = summary;
