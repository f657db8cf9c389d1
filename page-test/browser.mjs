// The browser that the system has, and the judgements made in it: each is a line, and the last line sums them.

import { accessSync, constants } from "node:fs";
import { basename, delimiter, join } from "node:path";
import { chromium } from "playwright-core";

/** How long a condition on a page is waited for, milliseconds. */
export const LONGEST_WAIT = 180_000;

const results = { passed: 0, failed: 0 };

/** Starts the browser, calls `judge` with it, and ends it; `further` are options of its command. FOOTFALL_CHROMIUM names another than that on the PATH. */
export async function withBrowser(judge, ...further) {
  const browser = await chromium.launch({
    executablePath: browserPath(),
    timeout: LONGEST_WAIT,
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", ...further],
  });
  try {
    await judge(browser);
  } finally {
    await browser.close();
  }
}

/** A new page, the failures of its scripts, and what it loads from elsewhere than `base`. */
export async function watched(context, base) {
  const page = await context.newPage();
  page.setDefaultTimeout(LONGEST_WAIT);
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  const elsewhere = [];
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:" && origin !== new URL(base).origin) elsewhere.push(request.url());
  });
  return { page, errors, elsewhere };
}

/** One judgement: it holds unless it throws. */
export async function check(name, judgement) {
  try {
    await judgement();
    results.passed += 1;
    console.log(`ok      ${name}`);
  } catch (error) {
    results.failed += 1;
    console.log(`FAILED  ${name}: ${error.message.split("\n")[0]}`);
  }
}

export async function isEmpty(list) {
  if (list.length > 0) throw new Error(list.join("; "));
}

/** Says how many judgements held, and ends. */
export function ended() {
  console.log(`${results.passed} passed, ${results.failed} failed`);
  process.exit(results.failed === 0 ? 0 : 1);
}

/** Ends: nothing can be judged. */
export function fail(sentence) {
  console.error(`${basename(process.argv[1])}: ${sentence}`);
  process.exit(2);
}

function browserPath() {
  if (process.env.FOOTFALL_CHROMIUM) return process.env.FOOTFALL_CHROMIUM;
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const folders = (process.env.PATH ?? "").split(delimiter);
  const paths = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  const found = paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  return found ?? fail("there is no chromium on the PATH; install it or set FOOTFALL_CHROMIUM");
}
