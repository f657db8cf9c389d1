// The page: asks the API every second, shows what it answered, and says how old that is.

import * as api from "./ask.js";
import { drawActivities, drawDevices, drawFunnel, drawMarginals, drawVisitors, nameOf } from "./charts.js";
import { el, say as put } from "./draw.js";
import { daysOf, formats } from "./format.js";
import { drawLive, watchLive } from "./live.js";
import { chosenLanguage, keepLanguage, wordsOf } from "./words.js";

/** Pause between two rounds of questions, milliseconds: live to the eye, little for a store. */
const PAUSE = 1_000;
/** Pauses grow to this while the API doesn't answer. */
const LONGEST_PAUSE = 8_000;
/** The list of campaigns changes seldom. */
const CAMPAIGNS_EVERY = 10_000;

const at = (id) => document.getElementById(id);
const find = (id) => document.querySelector(`[data-testid="${id}"]`);

const state = {
  language: chosenLanguage(),
  period: "life",
  campaign: null,
  campaigns: null,
  listed: 0,
  zone: undefined,
  answer: null,
  minutes: null,
  problem: null,
  failures: 0,
  // Counts the reader's choices: numbers of an earlier one are not shown as those of this one.
  round: 0,
  answered: 0,
  // When the answer came, by the clock of this machine.
  received: 0,
};

function restore() {
  const hash = new URLSearchParams(location.hash.slice(1));
  const token = hash.get("token");
  if (token) api.useToken(token);
  state.campaign = hash.get("campaign") || null;
  const period = document.querySelector(`input[name=period][value="${CSS.escape(hash.get("period") ?? "life")}"]`);
  if (period) {
    period.checked = true;
    state.period = period.value;
  }
  // It must not stay where it is copied and bookmarked.
  if (token) remember();
}

function remember() {
  // Before the first answer there may be none, and an empty one would be no choice of anybody's.
  const hash = new URLSearchParams({ ...(state.campaign && { campaign: state.campaign }), period: state.period });
  history.replaceState(null, "", `#${hash}`);
}

/** One round of questions. */
async function ask() {
  const round = state.round;
  if (Date.now() - state.listed > CAMPAIGNS_EVERY || !state.campaigns?.length) {
    const { campaigns, time_zone } = await api.campaigns();
    Object.assign(state, { campaigns, zone: time_zone, listed: Date.now() });
    state.campaign ??= busiest(state.campaigns);
  }
  if (!state.campaign) return;
  const days = daysOf(state.period, state.zone, Date.now());
  const [answer, minutes] = await Promise.all([
    api.campaign(state.campaign, days),
    api.minutes(state.campaign),
  ]);
  if (round === state.round) Object.assign(state, { answer, minutes, answered: round, received: Date.now() });
}

const busiest = (campaigns) =>
  [...campaigns].sort((a, b) => b.totals.events - a.totals.events)[0]?.campaign ?? null;

async function run() {
  for (;;) {
    const round = state.round;
    try {
      await ask();
      Object.assign(state, { problem: null, failures: 0 });
    } catch (problem) {
      state.problem = problem;
      state.failures += 1;
      // A campaign that was bookmarked and is gone: the list is what is left.
      if (problem.status === 404) state.listed = 0;
      if (state.answered !== state.round) state.answer = null;
    }
    render();
    if (round === state.round) await pause();
  }
}

/** Waits for the next round; a choice of the reader's ends the wait. A hidden page doesn't ask. */
async function pause() {
  const wait = Math.min(PAUSE * 2 ** state.failures, LONGEST_PAUSE);
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, wait);
    state.wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  if (document.hidden) {
    await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  }
}

function choose(change) {
  Object.assign(state, change);
  state.round += 1;
  remember();
  at("board").classList.add("changing");
  state.wake?.();
}

function render() {
  const say = wordsOf(state.language);
  const format = formats(state.language, state.zone);
  for (const node of document.querySelectorAll("[data-word]")) put(node, say(node.dataset.word));
  document.documentElement.lang = state.language;
  put(at("language"), say("other_language"));
  renderChooser(say);
  const view = viewOf();
  at("main").dataset.state = view;
  at("board").hidden = view !== "numbers";
  at("notice").hidden = view === "numbers";
  put(at("notice"), noticeOf(view, say));
  renderBanner(say, view);
  // Also where numbers are shown: the token may be taken back meanwhile.
  at("token-form").hidden = !["token", "token_scope"].includes(state.problem && failureOf(state.problem));
  if (view !== "numbers") return;
  at("board").classList.toggle("changing", state.answered !== state.round);
  renderProvenance(say, format);
  renderNumbers(say, format);
}

function viewOf() {
  if (state.answer) return "numbers";
  const { problem } = state;
  if (problem) return failureOf(problem);
  return state.campaigns?.length === 0 ? "empty" : "loading";
}

/** What kept the numbers away. Only what waiting doesn't mend is told in the API's own words. */
const failureOf = ({ status }) => ({ 0: "unreachable", 401: "token", 403: "token_scope", 404: "unknown", 503: "waiting" })[status] ?? "failed";

function noticeOf(view, say) {
  if (view === "numbers") return "";
  return view === "failed" ? `${say(view)} ${state.problem.message}` : say(view);
}

function renderChooser(say) {
  const chooser = at("campaign");
  const ids = (state.campaigns ?? []).map(({ campaign }) => campaign);
  if (state.campaign && !ids.includes(state.campaign)) ids.push(state.campaign);
  const options = [...chooser.options].map((option) => option.value);
  const labels = [...chooser.options].map((option) => option.label);
  const wanted = ids.map((id) => nameOf(id, say));
  if (ids.join("\n") !== options.join("\n") || wanted.join("\n") !== labels.join("\n")) {
    chooser.replaceChildren(...ids.map((id, i) => el("option", { value: id }, wanted[i])));
  }
  chooser.disabled = ids.length === 0;
  if (state.campaign && document.activeElement !== chooser) chooser.value = state.campaign;
}

/** What is wrong with the numbers that are shown. */
function renderBanner(say, view) {
  const { problem } = state;
  let text = "";
  if (view === "numbers" && problem) {
    text = `${noticeOf(failureOf(problem), say)} ${say("stale")}`;
  } else if (view === "numbers" && !state.answer.has_events) {
    text = say("empty_span");
  }
  const banner = at("banner");
  put(banner, text);
  banner.hidden = text === "";
  banner.classList.toggle("error", Boolean(problem));
  at("dot").dataset.state = problem ? "stale" : "live";
}

function renderProvenance(say, format) {
  const { answer } = state;
  // An answer ages while it is shown. The time it is as of is the log's, whatever the clock here.
  const shown = Date.now() - state.received;
  const newest = Math.max(0, ...answer.as_of.map((stamp) => stamp.log_time_ms ?? 0));
  put(at("asof"), newest ? `${say("as_of")} ${format.instant(newest)}` : say("no_record"));
  put(at("fresh"), newest ? say("newest", { age: format.age(answer.newest_ms + shown) }) : "");
  at("back").hidden = !answer.as_of_went_back;
  put(at("zone"), say("zone", { zone: answer.time_zone }));
  const offsets = answer.as_of.map(({ partition, offset }) => `${partition}:${offset}`).join("  ");
  const rows = {
    [say("complete")]: say("ago", { age: format.age(answer.fresh_ms === null ? null : answer.fresh_ms + shown) }),
    [say("exactness")]: say(answer.as_of_kind),
    [say("store")]: say(answer.store),
    [say("definition")]: answer.definition,
    [say("offsets")]: offsets,
  };
  at("provenance").replaceChildren(
    ...Object.entries(rows).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
  );
}

function renderNumbers(say, format) {
  const { answer, minutes } = state;
  put(find("people-users"), format.count(answer.people?.users));
  put(find("total-events"), format.count(answer.totals.events));
  put(find("bots"), format.count(answer.bots.events));
  put(find("kind-sign_up"), format.count(answer.totals.by_kind.sign_up));
  const bought = answer.funnel.people?.at(-1);
  put(find("conversion"), format.share(bought?.from_first));
  const { amounts } = answer;
  at("amounts").replaceChildren(
    ...amounts.map((amount) => el("p", { "data-testid": `amount-${amount.currency}` }, format.money(amount))),
    ...(amounts.length ? [] : [el("p", {}, format.count(null))]),
  );
  at("amounts").classList.toggle("several", amounts.length > 1);
  drawFunnel(at("funnel"), answer.funnel, say, format);
  drawDevices(at("devices"), answer.devices, answer.totals.events, say, format);
  drawVisitors(at("visitors"), answer.visitors, say, format);
  drawActivities(at("activities"), answer.activities, say, format);
  const { os, browsers, brands } = answer;
  drawMarginals(at("marginals"), { os, browsers, brands }, say, format);
  const { points } = minutes;
  put(find("live-total"), format.count(points.reduce((sum, point) => sum + point.events, 0)));
  put(find("live-now"), format.count(points.at(-1).events));
  drawLive(at("live"), points, say, format);
}

at("campaign").addEventListener("change", (event) => choose({ campaign: event.target.value }));
at("period").addEventListener("change", (event) => choose({ period: event.target.value }));
at("language").addEventListener("click", () => {
  state.language = state.language === "en" ? "ko" : "en";
  keepLanguage(state.language);
  render();
});

at("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  api.useToken(at("token").value);
  at("token").value = "";
  state.failures = 0;
  choose({});
});

restore();
watchLive(at("live"));
render();
run();
