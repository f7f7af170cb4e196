import { after, before, test } from "node:test";
import { assertEquals } from "#std/assert";
import { once } from "node:events";
import type { Browser } from "playwright-core";
import { WebSocket } from "ws";
import { requires } from "../support/requires.ts";
import { runtimes } from "../support/runtimes.ts";
import { openBrowser, untilState, withPages } from "./browser.ts";
import { logIn, untilVotes, vote } from "./people.ts";
import { startDemo } from "./program.ts";
import { assertTook } from "../support/patience.ts";

let browser: Browser | undefined;

before(async () => {
  browser = await openBrowser();
});

after(() => browser?.close());

/** Clicks, and returns the moment before: the clocks of two pages of one browser are one. */
const CLICK = `(() => {
  const before = performance.timeOrigin + performance.now();
  document.querySelector('[data-name="Streams"] button').click();
  return before;
})()`;

/** Returns the moment at which the first vote is shown. */
const UNTIL_VOTED = `new Promise((resolve) => {
  const row = document.querySelector('[data-name="Streams"]');
  new MutationObserver(() => {
    if (row.dataset.votes === "1") resolve(performance.timeOrigin + performance.now());
  }).observe(row, { attributes: true });
})`;

/** Asks for a WebSocket and returns the status of the answer. */
async function statusOf(url: string, headers: Record<string, string> = {}): Promise<number> {
  const socket = new WebSocket(url.replace("http", "ws"), { headers });
  socket.on("error", () => {}); // it was cut, by us
  const [, response] = await once(socket, "unexpected-response");
  socket.terminate();
  return response.statusCode;
}

for (const runtime of runtimes) {
  test(
    `vote on ${runtime}: login, a vote seen by another within 200 ms, an alert to all`,
    requires("chromium"),
    async () => {
      const { program, url } = await startDemo(runtime);
      try {
        // Without a session, or with one that nobody has, there is no socket.
        assertEquals(await statusOf(`${url}vote`), 401);
        const unknown = `session-${new URL(url).port}=3f2a8d1e-0000-4000-8000-000000000000`;
        assertEquals(await statusOf(`${url}vote`, { cookie: unknown }), 401);

        await withPages(browser!, [`${url}vote`, `${url}vote`], async (ada, grace) => {
          await untilState(ada, "closed");
          await logIn(ada, "Ada");
          await logIn(grace, "<b>Grace</b>");
          assertEquals(await grace.textContent("#state-detail"), "Logged in as <b>Grace</b>.");
          const [cookie] = await ada.context().cookies();
          assertEquals([cookie?.httpOnly, cookie?.sameSite], [true, "Strict"]);

          const seen = grace.evaluate<number>(UNTIL_VOTED);
          const clicked = await ada.evaluate<number>(CLICK);
          const delay = await seen - clicked;
          console.log(`vote on ${runtime}: seen in another browser after ${delay.toFixed(1)} ms`);
          assertTook(delay, { least: 0, most: 200 });

          // One vote a session, also past the page's buttons and after a reload.
          await ada.reload();
          await ada.waitForSelector(".chosen");
          assertEquals(await ada.locator(".candidate button:enabled").count(), 0);
          await vote(grace, "Promises");
          await untilVotes(ada, "Promises", 1);
          await untilVotes(ada, "Streams", 1);

          // A plain request reaches everyone; without the token nobody.
          const token = await program.written(/token=([-\w]+)/);
          const text = "<i>Five</i> minutes left";
          const alert = (token: string) =>
            fetch(`${url}alert`, { method: "POST", body: new URLSearchParams({ token, text }) });
          assertEquals((await alert("guess")).status, 403);
          assertEquals((await alert(token)).status, 200);
          for (const page of [ada, grace]) {
            await page.waitForSelector("#alert:not([hidden])");
            assertEquals(await page.textContent("#alert-text"), "<i>Five</i> minutes left");
          }
        });
      } finally {
        await program.stop("SIGKILL");
      }
    },
  );
}
