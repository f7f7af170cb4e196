/**
 * Takes pictures of the demo's pages: each 1280 and 390 pixels wide, light and dark.
 *
 * `npm run screenshots [-- FOLDER [PART]]`: into `docs/images/` or another folder, all or those with the part in their
 * name.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Browser, Page } from "playwright-core";
import { openBrowser, untilState, visit } from "./browser.ts";
import { enterChat, goAway, heard, logIn, nameDevice, say, sendFrom, vote } from "./people.ts";
import { startDemo } from "./program.ts";
import { smallPng } from "./small_png.ts";

/** What happens on a page before its picture is taken. */
type Scene = (page: Page, url: string, browser: Browser) => Promise<unknown>;

const scenes: Readonly<Record<string, Scene>> = {
  start: (page) => page.waitForTimeout(1_500), // the first round trip is no measure

  echo: async (page) => {
    await page.waitForSelector("#inspect:enabled");
    await page.click("#connect");
    await untilState(page, "open");
    for (
      const text of [
        "A sluice lets a stream through at the rate that the far side can take. ".repeat(3),
        "Hello",
      ]
    ) {
      await page.fill("#message", text);
      await page.click("#send");
      await page.waitForTimeout(150);
    }
  },

  chat: async (page, url, browser) => {
    const { page: other } = await visit(browser, url);
    await enterChat(other, "Grace");
    await enterChat(page, "Ada");
    await say(other, "Does it stay when the server is started again?");
    await heard(page, "Does it stay");
    await say(page, "Yes, it is in a file.");
    await say(page, "robot, what time is it?");
    await heard(page, "UTC");
    await say(other, "/to Ada <b>Markup</b> is only text here.");
    await heard(page, "Markup");
  },

  vote: async (page, url, browser) => {
    for (
      const [name, choice] of [["Grace", "Streams"], ["Edsger", "Streams"], ["Barbara", "Promises"]] as const
    ) {
      const { page: other } = await visit(browser, url);
      await logIn(other, name);
      await vote(other, choice);
      await other.context().close();
    }
    await logIn(page, "Ada");
    await vote(page, "Streams");
  },

  devices: async (page) => {
    await nameDevice(page, "a", "garden-lamp", "front-door");
    await nameDevice(page, "b", "front-door", "garden-lamp");
    await sendFrom(page, "a", "Somebody is at the gate");
    await goAway(page, "b");
    for (let i = 1; i <= 6; i++) await sendFrom(page, "a", `Are you there? (${i})`);
  },

  upload: async (page) => {
    await page.click("#make:enabled");
    await page.waitForSelector('#verdict[data-same="true"]', { timeout: 60_000 });
  },

  transports: async (page) => {
    await page.selectOption("#count", "8");
    await page.click("#run:enabled");
    await page.waitForSelector('tr[data-by="socket"][data-p50]', { timeout: 60_000 });
  },
};

const [, , target = join(import.meta.dirname, "../../docs/images"), only = ""] = process.argv;
mkdirSync(target, { recursive: true });

const browser = await openBrowser();
if (browser === undefined) throw new Error("Cannot take pictures: chromium is not installed");
try {
  for (const [name, scene] of Object.entries(scenes)) {
    for (const [width, height] of [[1280, 1000], [390, 844]] as const) {
      for (const colorScheme of ["light", "dark"] as const) {
        const file = `${name}-${width}-${colorScheme}`;
        if (file.includes(only)) {
          await take(browser, { name, scene, file, options: { viewport: { width, height }, colorScheme } });
        }
      }
    }
  }
} finally {
  await browser.close();
}

/** Takes one picture, of a demo that nothing has happened on. */
async function take(
  browser: Browser,
  { name, scene, file, options }: {
    name: string;
    scene: Scene;
    file: string;
    options: { viewport: { width: number; height: number }; colorScheme: "light" | "dark" };
  },
): Promise<void> {
  const { program, url } = await startDemo("node");
  try {
    const address = name === "start" ? url : url + name;
    const { page } = await visit(browser, address, { ...options, reducedMotion: "reduce" });
    await scene(page, address, browser);
    await page.mouse.move(0, 0);
    await page.locator(".brand").scrollIntoViewIfNeeded(); // the gauge follows whoever scrolls

    await page.waitForTimeout(300);
    const picture = await page.screenshot({ fullPage: options.viewport.width < 1000 });
    writeFileSync(join(target, `${file}.png`), smallPng(picture));
    await page.context().close();
  } finally {
    await program.stop("SIGKILL");
  }
}
