// Opens the dashboard in a real browser and compares the numbers on it with the expected ones.
//
//   node board.mjs URL [--campaign ID] [--expect JSON|@FILE] [--screenshot FILE]
//
// The expected numbers are an object of names and integers. A name is the part of the page that
// shows the number (its data-testid): people-users, total-events, bots, conversion …
// funnel-people-visit, funnel-events-click, device-mobile, new-people, returning-events,
// kind-sign_up. Without --expect they are taken from the API at the same address, which must be
// quiet then. The same can be given as FOOTFALL_URL, FOOTFALL_CAMPAIGN, FOOTFALL_EXPECT.
// FOOTFALL_EXPECT_LIVE=1: also, the live number must move. FOOTFALL_CHROMIUM: the browser.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { LONGEST_WAIT, check, ended, fail, isEmpty, watched, withBrowser } from "./browser.mjs";

const STEPS = ["visit", "click", "enter", "purchase"];
const DEVICES = ["mobile", "tablet", "desktop", "other"];
/** As the page sends it; here nothing compares it with a hash. */
const TOKEN = `ff_${"0".repeat(64)}`;
/** Whether events keep coming while the page is looked at. */
const LIVE = process.env.FOOTFALL_EXPECT_LIVE === "1";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    campaign: { type: "string", default: process.env.FOOTFALL_CAMPAIGN },
    expect: { type: "string", default: process.env.FOOTFALL_EXPECT },
    screenshot: { type: "string" },
  },
});
const base = positionals[0] ?? process.env.FOOTFALL_URL;
if (!base) fail("give the address of the page: node board.mjs http://127.0.0.1:8080");

async function judge(browser) {
  const context = await browser.newContext({ locale: "en-US", viewport: { width: 1280, height: 900 } });
  const { page, errors, elsewhere } = await watched(context, base);
  await page.goto(base);
  const campaign = values.campaign ?? (await firstCampaign());
  await check(`the campaign ${campaign} can be chosen`, async () => {
    await page.waitForFunction(
      (id) => [...document.querySelector("#campaign").options].some((option) => option.value === id),
      campaign,
    );
    await page.selectOption("#campaign", campaign);
    await page.waitForSelector('main[data-state="numbers"]');
    await page.waitForFunction(() => !document.querySelector("#board").classList.contains("changing"));
  });
  const expected = values.expect ? given(values.expect) : await fromApi(campaign);
  for (const [name, number] of Object.entries(expected)) {
    await check(`${name} is ${number}`, () => shows(page, name, number));
  }
  // The live line of a campaign without events in the last hour is flat: it has no height.
  for (const [chart, shapes] of [["funnel", 4], ["devices", 1], ["live", LIVE ? 2 : 0]]) {
    await check(`the chart ${chart} has drawn shapes`, () => drawn(page, chart, shapes));
  }
  await check("it says what the numbers are as of", async () => {
    const text = await page.getByTestId("as-of-time").textContent();
    if (!/\d\d:\d\d:\d\d/.test(text)) throw new Error(`it says ${JSON.stringify(text)}`);
  });
  if (LIVE) {
    await check("the live number moves", () => moves(page, "live-total"));
  }
  if (values.screenshot) await page.screenshot({ path: values.screenshot, fullPage: true });
  await check("Korean changes the labels and keeps the numbers", () => switches(page, expected));
  await check("a phone shows all of it without scrolling sideways", () => fits(page));
  await check("nothing is loaded from elsewhere", () => isEmpty(elsewhere));
  await check("no script failed", () => isEmpty(errors));
  await context.close();
  await check("a Korean browser is greeted in Korean", () => greets(browser));
  await check("a page that is refused asks for a token, and sends it", () => asksForToken(browser));
  await check("a token in the address is sent, and leaves the address", () => takesToken(browser));
}

/** The number that a part of the page shows, as text: grouping signs are left out. */
const read = (page, name) =>
  page.evaluate((name) => {
    const node = document.querySelector(`[data-testid="${name}"]`);
    return node === null ? null : node.textContent.replace(/[^\d.-]/g, "");
  }, name);

async function shows(page, name, number) {
  const deadline = Date.now() + LONGEST_WAIT;
  let shown = await read(page, name);
  while (shown !== String(number)) {
    if (Date.now() > deadline) throw new Error(`the page shows ${shown ?? "no such part"}`);
    await page.waitForTimeout(100);
    shown = await read(page, name);
  }
}

/** Waits: the live line rises only when a minute with events has gone by. */
async function drawn(page, chart, least) {
  const seen = (chart) => {
    const shapes = document.querySelectorAll(`[data-testid="chart-${chart}"] [data-shape]`);
    return [...shapes].filter((shape) => {
      const box = shape.getBoundingClientRect();
      return box.width > 0 && box.height > 0;
    }).length;
  };
  const deadline = Date.now() + LONGEST_WAIT;
  let count = await page.evaluate(seen, chart);
  while (count < least) {
    if (Date.now() > deadline) throw new Error(`it has ${count} of at least ${least}`);
    await page.waitForTimeout(100);
    count = await page.evaluate(seen, chart);
  }
}

async function moves(page, name) {
  const first = await read(page, name);
  await page.waitForFunction(
    ([name, first]) =>
      document.querySelector(`[data-testid="${name}"]`).textContent.replace(/[^\d.-]/g, "") !== first,
    [name, first],
  );
}

async function switches(page, expected) {
  const label = () => page.locator("#h-funnel").textContent();
  const before = await label();
  await page.getByTestId("language").click();
  const after = await label();
  if (before !== "Funnel" || after !== "퍼널") throw new Error(`${before} became ${after}`);
  const language = await page.evaluate(() => document.documentElement.lang);
  if (language !== "ko") throw new Error(`the page's language is ${language}`);
  if (LIVE) return;
  for (const [name, number] of Object.entries(expected)) await shows(page, name, number);
}

/** Waits: charts are drawn anew after the width has changed. */
async function fits(page) {
  await page.setViewportSize({ width: 360, height: 740 });
  const measure = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  const deadline = Date.now() + LONGEST_WAIT;
  let over = await measure();
  while (over > 0) {
    if (Date.now() > deadline) throw new Error(`it is ${over} pixels too wide`);
    await page.waitForTimeout(100);
    over = await measure();
  }
}

async function greets(browser) {
  const context = await browser.newContext({ locale: "ko-KR" });
  const page = await context.newPage();
  page.setDefaultTimeout(LONGEST_WAIT);
  await page.goto(base);
  await page.waitForFunction(() => document.querySelector("#h-funnel").textContent === "퍼널");
  await context.close();
}

/** A page whose questions are refused without the token. */
async function guarded(browser, locale) {
  const context = await browser.newContext({ locale });
  const page = await context.newPage();
  page.setDefaultTimeout(LONGEST_WAIT);
  await page.route("**/v1/**", (route) =>
    route.request().headers().authorization === `Bearer ${TOKEN}`
      ? route.continue()
      : route.fulfill({ status: 401, contentType: "application/problem+json", body: '{"detail": "no token"}' }));
  return page;
}

async function asksForToken(browser) {
  const page = await guarded(browser, "ko-KR");
  await page.goto(base);
  await page.waitForSelector('main[data-state="token"]');
  await page.waitForFunction(() => document.querySelector("#notice").textContent.includes("토큰"));
  await page.getByTestId("token").fill(TOKEN);
  await page.getByTestId("token-use").click();
  await page.waitForSelector('main[data-state="numbers"]');
  await page.waitForSelector("#token-form", { state: "hidden" });
  await page.reload();
  await page.waitForSelector('main[data-state="numbers"]');
  await page.context().close();
}

async function takesToken(browser) {
  const page = await guarded(browser, "en-US");
  await page.goto(`${base}/#token=${TOKEN}`);
  await page.waitForSelector('main[data-state="numbers"]');
  if (page.url().includes(TOKEN)) throw new Error("the token is still in the address");
  await page.context().close();
}

async function firstCampaign() {
  const { campaigns } = await (await fetch(new URL("/v1/campaigns", base))).json();
  if (!campaigns?.length) fail("there is no campaign to choose; send an event first");
  return campaigns[0].campaign;
}

function given(text) {
  return JSON.parse(text.startsWith("@") ? readFileSync(text.slice(1), "utf8") : text);
}

/** The numbers as the API gives them now. */
async function fromApi(campaign) {
  const url = new URL(`/v1/campaigns/${encodeURIComponent(campaign)}`, base);
  const answer = await (await fetch(url)).json();
  const steps = (measure) =>
    STEPS.map((step, i) => [`funnel-${measure}-${step}`, answer.funnel[measure][i].count]);
  const sides = (measure) =>
    ["new", "returning"].map((side) => [`${side}-${measure}`, answer.visitors[measure][side]]);
  const device = (label) => answer.devices.find((share) => share.label === label).events;
  return Object.fromEntries([
    ["people-users", answer.people.users],
    ["total-events", answer.totals.events],
    ["bots", answer.bots.events],
    ["kind-sign_up", answer.totals.by_kind.sign_up],
    ...steps("people"),
    ...steps("events"),
    ...DEVICES.map((label) => [`device-${label}`, device(label)]),
    ...sides("people"),
    ...sides("events"),
  ]);
}

await withBrowser(judge);
ended();
