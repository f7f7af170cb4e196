import { after, before, test } from "node:test";
import { assert, assertEquals, assertMatch } from "#std/assert";
import { type Browser, chromium, type Page } from "playwright-core";
import { findProgram, requires } from "../support/requires.ts";
import { type Runtime, runtimes } from "../support/runtimes.ts";
import { type Program, startDemo } from "./program.ts";

/** A browser on a machine that may have no network, no graphics and no user but root. */
const CHROMIUM_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-quic",
];

/** The sizes of what is sent, in bytes: one for each form of a frame's length. */
const SIZES = [10, 200, 70_000];

const executablePath = findProgram("chromium");
const demos = new Map<Runtime, { program: Program; url: string }>();
let browser: Browser | undefined;

before(async () => {
  if (executablePath === undefined) return;
  browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS });
  for (const runtime of runtimes) demos.set(runtime, await startDemo(runtime));
});

after(async () => {
  await browser?.close();
  for (const { program } of demos.values()) await program.stop();
});

/** Opens the console in a browser with no past; whatever the browser complains of fails the test. */
async function withConsole(url: string, test: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser!.newContext();
  context.setDefaultTimeout(10_000);
  try {
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("response", (response) => {
      if (response.status() !== 200) complaints.push(`${response.url()}: ${response.status()}`);
    });
    await page.goto(url);
    await test(page);
    assertEquals(complaints, []);
  } finally {
    await context.close();
  }
}

/** Presses Connect and waits until the gate is open. */
async function connect(page: Page): Promise<void> {
  await page.click("#connect");
  await page.waitForSelector('#state[data-state="open"]');
}

/** A row of the log. */
interface Row {
  readonly direction: string;
  readonly kind: string;
  readonly size: number;
  readonly preview: string;
  /** Set if the page found that the message is one that it sent, byte for byte. */
  readonly roundTrip: number | undefined;
}

/** Reads the messages of the log, once there are so many. */
async function readMessages(page: Page, count: number): Promise<Row[]> {
  const rows = page.locator('#log li:not([data-direction="event"])');
  await rows.nth(count - 1).waitFor();
  return await Promise.all(
    (await rows.all()).map(async (row) => {
      const trip = await row.getAttribute("data-round-trip");
      return {
        direction: await row.getAttribute("data-direction") ?? "",
        kind: await row.getAttribute("data-kind") ?? "",
        size: Number(await row.getAttribute("data-size")),
        preview: await row.locator(".row-preview").textContent() ?? "",
        roundTrip: trip === null ? undefined : Number(trip),
      };
    }),
  );
}

/** Sends messages one by one; each must come back before the next, whole. */
async function expectEchoes(
  page: Page,
  kind: "text" | "binary",
  send: (size: number) => Promise<string>,
): Promise<void> {
  for (const [i, size] of SIZES.entries()) {
    const start = await send(size);
    const rows = await readMessages(page, 2 * i + 2);
    assertEquals(rows.length, 2 * i + 2);
    const [sent, received] = rows.slice(-2) as [Row, Row];
    assertEquals([sent.direction, sent.kind, sent.size], ["sent", kind, size]);
    assertEquals([received.direction, received.kind, received.size], ["received", kind, size]);
    assert(received.roundTrip !== undefined && received.roundTrip >= 0, "it is not what was sent");
    assert(sent.preview.startsWith(start), sent.preview);
    assertEquals(received.preview, sent.preview);
  }
  const total = "3 messages, 70,210 bytes";
  assertEquals(await page.textContent("#sent-total"), total);
  assertEquals(await page.textContent("#received-total"), total);
}

for (const runtime of runtimes) {
  test(
    `Chromium connects to the demo on ${runtime}`,
    requires("chromium"),
    () =>
      withConsole(demos.get(runtime)!.url, async (page) => {
        assertEquals(await page.getAttribute("#state", "data-state"), "closed");
        await connect(page);
        assertMatch(await page.inputValue("#address"), /^ws:\/\/127\.0\.0\.1:\d+\/echo$/);
        assertEquals(await page.getAttribute("#state", "data-clean"), "true");
      }),
  );

  test(
    `Chromium gets its texts back from the demo on ${runtime}`,
    requires("chromium"),
    () =>
      withConsole(demos.get(runtime)!.url, async (page) => {
        await connect(page);
        await expectEchoes(page, "text", async (size) => {
          const text = "süß 🌊".padEnd(size - 4, "0123456789"); // 4 bytes more than UTF-16 has units
          await page.fill("#message", text);
          await page.click("#send");
          return text.slice(0, 200);
        });
      }),
  );

  test(
    `Chromium gets its bytes back from the demo on ${runtime}`,
    requires("chromium"),
    () =>
      withConsole(demos.get(runtime)!.url, async (page) => {
        await connect(page);
        await expectEchoes(page, "binary", async (size) => {
          const buffer = Buffer.from(Uint8Array.from({ length: size }, (_, i) => 255 - i));
          await page.setInputFiles("#file", {
            name: "bytes.bin",
            mimeType: "application/octet-stream",
            buffer,
          });
          return "ff fe fd fc";
        });
      }),
  );

  test(
    `Chromium closes its connection to the demo on ${runtime}`,
    requires("chromium"),
    () =>
      withConsole(demos.get(runtime)!.url, async (page) => {
        await connect(page);
        await page.fill("#close-code", "1000");
        await page.fill("#close-reason", "that is all — tschüß");
        await page.click("#close");
        await page.waitForSelector('#state[data-state="closed"]');
        assertEquals(await page.getAttribute("#state", "data-clean"), "true");
        const words = "Cleanly, by this page: code 1000 (normal closure), reason “that is all — tschüß”.";
        assertEquals(await page.textContent("#state-detail"), words);
        // And it may come again.
        await connect(page);
      }),
  );

  test(`Chromium is told when the demo on ${runtime} stops`, requires("chromium"), async () => {
    const { program, url } = await startDemo(runtime);
    try {
      await withConsole(url, async (page) => {
        await connect(page);
        assertEquals(await program.stop("SIGINT"), { code: 0, signal: null });
        await page.waitForSelector('#state[data-state="closed"]');
        assertEquals(await page.getAttribute("#state", "data-clean"), "true");
        assertEquals(
          await page.textContent("#state-detail"),
          "Cleanly, by the server: code 1001 (going away).",
        );
      });
    } finally {
      await program.stop("SIGKILL");
    }
  });

  test(`The demo on ${runtime} refuses Chromium a page of another origin`, requires("chromium"), async () => {
    const own = demos.get(runtime)!.url;
    const other = [...demos.values()].find(({ url }) => url !== own)!.url;
    const context = await browser!.newContext();
    try {
      context.setDefaultTimeout(10_000);
      const page = await context.newPage();
      await page.goto(other);
      await page.fill("#address", `${own.replace("http", "ws")}echo`);
      await page.click("#connect");
      await page.waitForSelector('#log li[data-kind="close"]');
      assertEquals(await page.getAttribute("#state", "data-state"), "closed");
      assertEquals(await page.getAttribute("#state", "data-clean"), "false");
      assertEquals(await page.locator('#log li[data-kind="open"]').count(), 0);
    } finally {
      await context.close();
    }
  });
}
