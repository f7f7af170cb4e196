import { after, before, test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { readdirSync, readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { requires } from "../support/requires.ts";
import { openBrowser, untilState, withPages } from "./browser.ts";
import { comeBack, goAway, nameDevice, sendFrom } from "./people.ts";
import { startDemo } from "./program.ts";
import { pace } from "../support/patience.ts";

const PUBLIC = new URL("../../examples/demo/public/", import.meta.url);
const PAGES = ["", "echo", "chat", "vote", "devices", "upload", "transports"];

let browser: Browser | undefined;

before(async () => {
  browser = await openBrowser();
});

after(() => browser?.close());

const files = readdirSync(PUBLIC).map((name) => ({
  name,
  text: readFileSync(new URL(name, PUBLIC), "utf8"),
}));

test("pages: no script makes markup of a text", () => {
  const ways =
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|setHTML/;
  const scripts = files.filter(({ name }) => name.endsWith(".js"));
  assert(scripts.length > 5);
  assertEquals(scripts.filter(({ text }) => ways.test(text)).map(({ name }) => name), []);
});

test("pages: all have the same header and the same gauge", () => {
  const pages = files.filter(({ name }) => name.endsWith(".html"));
  assertEquals(pages.length, PAGES.length);
  const shared = pages.map(({ text }) => {
    const header = /<body>[^]*?<\/header>/.exec(text)![0].replaceAll(' aria-current="page"', "");
    return header + /<section class="gauge"[^]*?<\/p>/.exec(text)![0];
  });
  assertEquals(new Set(shared).size, 1);
});

test("pages: every one has a strict policy for its scripts", async () => {
  const { program, url } = await startDemo("node");
  try {
    for (const page of PAGES) {
      const response = await fetch(url + page);
      assertEquals(response.status, 200, page);
      const policy = response.headers.get("content-security-policy") ?? "";
      assert(policy.includes("default-src 'self'") && !policy.includes("unsafe"), policy);
    }
  } finally {
    await program.stop("SIGKILL");
  }
});

/** Finds what a keyboard or a screen reader would stumble over. */
async function obstacles(page: Page): Promise<string[]> {
  return await page.evaluate<string[]>(`
    [...document.querySelectorAll("button, input, textarea, select, a")]
      .filter((control) => control.checkVisibility())
      .filter((control) => !(control.labels?.length || control.ariaLabel || control.textContent.trim()))
      .map((control) => control.outerHTML)
  `);
}

test("pages: none is wider than a phone, and each control has a name", requires("chromium"), async () => {
  const { program, url } = await startDemo("node");
  try {
    for (const path of PAGES) {
      await withPages(browser!, [url + path], async (page) => {
        await page.setViewportSize({ width: 390, height: 844 });
        const wide = await page.evaluate<number>("document.documentElement.scrollWidth");
        assert(wide <= 390, `/${path} is ${wide} px wide`);
        assertEquals(await obstacles(page), []);
        // The first key leads past the header.
        await page.locator("body").press("Tab");
        assertEquals(await page.evaluate("document.activeElement.textContent"), "To the content");
      });
    }
  } finally {
    await program.stop("SIGKILL");
  }
});

test(
  "devices: to the addressee alone, kept up to a bound while it is away",
  requires("chromium"),
  async () => {
    const { program, url } = await startDemo("node");
    try {
      await withPages(browser!, [`${url}devices`, `${url}devices`], async (page, bystander) => {
        await nameDevice(page, "a", "lamp", "door");
        await nameDevice(page, "b", "door", "lamp");
        await sendFrom(page, "a", "first");
        await goAway(page, "b");
        for (let i = 1; i <= 6; i++) await sendFrom(page, "a", `waiting ${i}`);
        assertEquals(
          await page.locator('[data-device="a"] .problem .note').allTextContents(),
          ["not sent: 5 messages wait for door already, and no more may."],
        );
        await comeBack(page, "b");
        await page.locator('[data-device="b"] .came').nth(5).waitFor();
        assertEquals(
          await page.locator('[data-device="b"] .came .words').allTextContents(),
          ["waiting 5", "waiting 4", "waiting 3", "waiting 2", "waiting 1", "first"],
        );
        assertEquals(await bystander.locator(".came").count(), 0);
      });
    } finally {
      await program.stop("SIGKILL");
    }
  },
);

test(
  "pages: each says that the server is gone, and comes back with it",
  requires("chromium"),
  async () => {
    let { program, url } = await startDemo("node");
    const port = new URL(url).port;
    try {
      await withPages(
        browser!,
        [url, `${url}echo`, `${url}transports`],
        async (start, console_, transports) => {
          await console_.waitForSelector("#inspect:enabled");
          await console_.click("#connect");
          const pages = [start, console_, transports];
          for (const page of pages) await untilState(page, "open");
          await program.stop("SIGKILL");
          for (const page of pages) {
            await untilState(page, "waiting");
            assert((await page.textContent("#state"))!.includes("Trying again by itself"));
          }
          ({ program } = await startDemo("node", ["--port", port]));
          const back = performance.now();
          for (const page of pages) await untilState(page, "open");
          console.log(
            `pages: open again ${Math.round(performance.now() - back)} ms after the server`,
          );
          // Through the tap, which is at another port now.
          await console_.fill("#message", "again");
          await console_.click("#send:enabled");
          await console_.locator('#log li[data-direction="received"]', { hasText: "again" }).waitFor();
        },
        ["ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET"],
      );
    } finally {
      await program.stop("SIGKILL");
    }
  },
);

test(
  "transports: WebSocket sees updates sooner than polling, with one request",
  requires("chromium"),
  async () => {
    const { program, url } = await startDemo("node");
    try {
      await withPages(browser!, [`${url}transports`], async (page) => {
        await page.selectOption("#count", "8");
        await page.click("#run:enabled");
        await page.waitForSelector('tr[data-by="socket"][data-p50]', { timeout: 40_000 * pace() });
        const figures = async (by: string) => {
          const row = page.locator(`tr[data-by="${by}"]`);
          const [p50, requests] = [
            await row.getAttribute("data-p50"),
            await row.getAttribute("data-requests"),
          ];
          return { p50: Number(p50), requests: Number(requests) };
        };
        const [poll, long, socket] = [await figures("poll"), await figures("long"), await figures("socket")];
        assertEquals(socket.requests, 1);
        assert(poll.requests > 1 && long.requests > 1, `${poll.requests}, ${long.requests}`);
        assert(socket.p50 < poll.p50, `${socket.p50}, ${poll.p50}`);
      });
    } finally {
      await program.stop("SIGKILL");
    }
  },
);
