/**
 * Chromium, for the demo's pages.
 *
 * @module
 */

import { assertEquals } from "#std/assert";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { findProgram } from "../support/requires.ts";

/** A browser on a machine that may have no network, no graphics and no user but root. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-quic",
];

/** Starts Chromium; `undefined` if it is not installed, and the tests are skipped. */
export async function openBrowser(): Promise<Browser | undefined> {
  const executablePath = findProgram("chromium");
  return executablePath === undefined ? undefined : await chromium.launch({ executablePath, args: FLAGS });
}

/** A page in a browser with no past. */
export interface Visit {
  readonly page: Page;
  /** What the browser complained of: errors of scripts, refusals by the security policy, responses with an error. */
  readonly complaints: string[];
}

/** Opens a page. */
export async function visit(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(60_000); // a busy machine takes its time
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`${response.url()}: ${response.status()}`);
  });
  await page.goto(url);
  return { page, complaints };
}

/**
 * Runs a test with some pages, each in a browser of its own; whatever one of them complains of fails the test, but for
 * what has one of the `expected` words in it.
 */
export async function withPages(
  browser: Browser,
  urls: readonly string[],
  test: (...pages: [Page, Page, Page]) => Promise<void>,
  expected: readonly string[] = [],
): Promise<void> {
  const visits = await Promise.all(urls.map((url) => visit(browser, url)));
  try {
    // There are as many as addresses: a test takes those that it has asked for.
    await test(...visits.map(({ page }) => page) as [Page, Page, Page]);
    const complaints = visits.flatMap(({ complaints }) => complaints);
    assertEquals(complaints.filter((words) => !expected.some((part) => words.includes(part))), []);
  } finally {
    for (const { page } of visits) await page.context().close();
  }
}

/** Waits until a page's connection is in a state: `open`, `waiting`, `closed`. */
export async function untilState(page: Page, state: string): Promise<void> {
  await page.waitForSelector(`#state[data-state="${state}"]`);
}
