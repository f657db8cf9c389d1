// Tries a demo's seats as two people in two browsers, and the example page of the tracker; what they did must be counted.
//
//   node seats.mjs SEATS DASHBOARD
//
// SEATS: where the demo gives seats; DASHBOARD: where it serves its numbers. FOOTFALL_CHROMIUM: the browser.

import { LONGEST_WAIT, check, ended, fail, isEmpty, watched, withBrowser } from "./browser.mjs";

/** A browser that says it is driven by a program would count as a bot. */
const PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

const [seats, dashboard] = process.argv.slice(2);
if (!dashboard) fail("give two addresses: node seats.mjs http://127.0.0.1:8081 http://127.0.0.1:8080");

async function judge(browser) {
  const contexts = [await browser.newContext(), await browser.newContext()];
  const [one, other] = await Promise.all(contexts.map((context) => watched(context, seats)));
  await Promise.all([one, other].map(({ page }) => page.goto(seats)));

  await check("an activity with one seat is opened", async () => {
    await one.page.fill('input[name="capacity"]', "1");
    await one.page.click("#open button");
    await says(one.page, "#activity", "0 / 1");
  });
  await check("of two who press at once, one gets the seat", async () => {
    await Promise.all([one, other].map(({ page }) => page.click("#enter")));
    await Promise.all([one, other].map(({ page }) => answered(page)));
    const told = await Promise.all([one, other].map(({ page }) => page.textContent("#answer")));
    const has = (text) => told.filter((answer) => answer.includes(text)).length;
    if (has("You are in · 응모 성공 · #1") !== 1 || has("Sold out · 마감") !== 1) throw new Error(told.join("; "));
    if (told[0].includes("Sold out")) [one.page, other.page] = [other.page, one.page];
  });
  await check("both see that no seat is left", async () => {
    for (const { page } of [one, other]) await says(page, "#activity", "1 / 1 · 0 left · 0자리 남음");
  });
  await check("asking again gives the same seat", () => presses(one.page, "#enter", "You are in · 응모 성공 · #1 "));
  await check("the seat is given back", () => presses(one.page, "#cancel", "Given back · 취소됨"));
  await check("and the other gets the next rank", () => presses(other.page, "#enter", "You are in · 응모 성공 · #2 "));
  await check("the funnel counts both who got one", () => counts("demo", "enter", 2));

  const reader = await browser.newContext();
  const example = await watched(reader, seats);
  await check("opening the example page is a visit", async () => {
    await example.page.goto(`${seats}/example`);
    await counts("example", "visit", 1);
  });
  await check("a click on its button is a click", async () => {
    await example.page.click("button");
    await counts("example", "click", 1);
  });
  await check("the tracker keeps nothing in the browser", async () => {
    await isEmpty((await reader.cookies()).map((cookie) => cookie.name));
    await isEmpty(await example.page.evaluate(() => [...Object.keys(localStorage), ...Object.keys(sessionStorage)]));
  });
  await check("a click just before the page is left is counted, too", async () => {
    await example.page.click("button");
    await example.page.goto("about:blank");
    await counts("example", "click", 2);
  });
  await check("nothing is loaded from elsewhere", () => isEmpty([one, other, example].flatMap((of) => of.elsewhere)));
  await check("no script failed", () => isEmpty([one, other, example].flatMap((of) => of.errors)));
}

async function says(page, part, text) {
  await page.waitForFunction(([part, text]) => document.querySelector(part).textContent.includes(text), [part, text]);
}

const answered = (page) => page.waitForFunction(() => document.querySelector("#answer").textContent !== "");

async function presses(page, button, text) {
  await page.click(button);
  await says(page, "#answer", text);
}

/** Waits until the dashboard's numbers have exactly so many events of a kind. */
async function counts(campaign, kind, number) {
  const deadline = Date.now() + LONGEST_WAIT;
  for (;;) {
    const answer = await fetch(new URL(`/v1/campaigns/${campaign}`, dashboard));
    const count = answer.ok ? (await answer.json()).totals.by_kind[kind] : 0;
    if (count === number) return;
    if (count > number || Date.now() > deadline) throw new Error(`it counts ${count}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

await withBrowser(judge, `--user-agent=${PERSON}`);
ended();
