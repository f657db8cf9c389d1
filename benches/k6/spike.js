// Many different people ask for a seat within one second, at the second at which the activity opens.
//
//   k6 run -e RUN=first -e GATEWAYS=http://…,http://… -e PEOPLE=10000 -e SEATS=1000 benches/k6/spike.js
//
// MODE=due (the default): person n is due at the opening + n / PEOPLE seconds, and times count from there, whenever a
// virtual user gets to it; nobody is left out. MODE=arrival: RATE new people each second for DURATION_S seconds, and who
// finds no virtual user free is dropped: for finding the greatest rate that drops none.
// Further environment: VUS, WITHIN_MS, and that of gateway.js.

import exec from "k6/execution";
import { sleep } from "k6";
import { Counter } from "k6/metrics";
import { AFTER_CONNECTING_S, OPTIONS, RUN, SEATS, SPOIL, THRESHOLDS, askForSeat, connecting, define, gateway, isYes, readBack, summary, trend } from "./gateway.js";

export { connect } from "./gateway.js";

const ARRIVAL = __ENV.MODE === "arrival";
const PEOPLE = Number(__ENV.PEOPLE || 10_000);
const WITHIN_MS = Number(__ENV.WITHIN_MS || 1_000);
const RATE = Number(__ENV.RATE || 1_000);
const DURATION_S = Number(__ENV.DURATION_S || 5);
// A gateway takes 512 connections, and k6 wants no more virtual users than people.
const VUS = Math.min(Number(__ENV.VUS || 400), ARRIVAL ? Infinity : PEOPLE);
const LONGEST_S = 90;
const ACTIVITY = `${RUN}-seats`;

const toldYes = new Counter("told_yes");
const asked = new Counter("people_asked");
const lateness = trend("sent_after_due");
const times = { yes: trend("yes"), log: trend("sold_out_by_the_log"), memory: trend("sold_out_from_memory") };

const due = { executor: "shared-iterations", vus: VUS, iterations: PEOPLE, maxDuration: SPOIL === "dropped" ? "1200ms" : `${LONGEST_S}s` };
const arrival = {
  executor: "constant-arrival-rate",
  rate: RATE,
  timeUnit: "1s",
  duration: `${DURATION_S}s`,
  preAllocatedVUs: VUS,
  maxVUs: VUS,
  gracefulStop: `${LONGEST_S}s`,
};

export const options = {
  ...OPTIONS,
  scenarios: { connecting: connecting(VUS), rush: { ...(ARRIVAL ? arrival : due), exec: "rush", startTime: `${AFTER_CONNECTING_S}s` } },
  thresholds: { ...THRESHOLDS, told_yes: [`count==${SEATS}`], ...(ARRIVAL ? {} : { people_asked: [`count==${PEOPLE}`] }) },
};

export function setup() {
  // The rush begins a second before the opening, so that whoever is due first waits for it.
  const opensAtMs = Date.now() + (ARRIVAL ? 0 : (AFTER_CONNECTING_S + 1) * 1_000);
  define(ACTIVITY, opensAtMs);
  return { opensAtMs };
}

export function rush({ opensAtMs }) {
  const number = exec.scenario.iterationInTest;
  const dueMs = ARRIVAL ? Date.now() : opensAtMs + (number / PEOPLE) * WITHIN_MS;
  if (dueMs > Date.now()) sleep((dueMs - Date.now()) / 1_000);
  lateness.add(Math.max(0, Date.now() - dueMs)); // the clock shows whole milliseconds
  const answer = askForSeat(gateway(), ACTIVITY, `${RUN}-${number}`);
  asked.add(1);
  const took = Date.now() - dueMs;
  if (answer.status === 409) (answer.body.includes('"decided":true') ? times.log : times.memory).add(took);
  if (isYes(answer)) {
    times.yes.add(took);
    toldYes.add(1);
  }
}

export function teardown() {
  readBack(ACTIVITY);
}

export const handleSummary = summary;
