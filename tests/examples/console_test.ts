import { after, before, test } from "node:test";
import { assert, assertEquals, assertMatch } from "#std/assert";
import type { Browser, Page } from "playwright-core";
import { requires } from "../support/requires.ts";
import { type Runtime, runtimes } from "../support/runtimes.ts";
import { openBrowser, untilState, withPages } from "./browser.ts";
import { type Program, startDemo } from "./program.ts";

/** The sizes of what is sent, in bytes: one for each form of a frame's length. */
const SIZES = [10, 200, 70_000];

const demos = new Map<Runtime, { program: Program; url: string }>();
let browser: Browser | undefined;

before(async () => {
  browser = await openBrowser();
  if (browser === undefined) return;
  for (const runtime of runtimes) demos.set(runtime, await startDemo(runtime));
});

after(async () => {
  await browser?.close();
  for (const { program } of demos.values()) await program.stop();
});

/** Opens the console. */
function withConsole(
  url: string,
  test: (page: Page) => Promise<void>,
  expected: readonly string[] = [],
): Promise<void> {
  return withPages(browser!, [`${url}echo`], test, expected);
}

/** Presses Connect, once it is known where the tap is, and waits until the gate is open. */
async function connect(page: Page): Promise<void> {
  await page.waitForSelector("#inspect:enabled");
  await page.click("#connect");
  await untilState(page, "open");
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

/** A frame, as the page shows it. */
interface ShownFrame {
  readonly from: string;
  readonly opcode: string;
  readonly form: string;
  readonly length: string;
  readonly masked: string;
  /** The picture in words, as a screen reader has it. */
  readonly picture: string;
  readonly facts: Readonly<Record<string, string>>;
}

async function readFrames(page: Page): Promise<ShownFrame[]> {
  const frames = await page.locator("#frames .frame[data-opcode]").all();
  return await Promise.all(frames.map(async (frame) => {
    const attribute = async (name: string) => await frame.getAttribute(`data-${name}`) ?? "";
    const [terms, values] = await Promise.all(
      ["dt", "dd"].map((tag) => frame.locator(tag).allTextContents()),
    );
    return {
      from: await attribute("from"),
      opcode: await attribute("opcode"),
      form: await attribute("form"),
      length: await attribute("length"),
      masked: await attribute("masked"),
      picture: await frame.locator(".packet").getAttribute("aria-label") ?? "",
      facts: Object.fromEntries(terms!.map((term, i) => [term, values![i]!])),
    };
  }));
}

const bytesIn = (hex: string): number => hex.replace(" …", "").split(" ").length;

/** Unmasks what the page shows of a payload. */
function unmask(hex: string, key: string): string {
  const [bytes, mask] = [hex.replace(" …", ""), key].map((text) =>
    text.split(" ").map((byte) => parseInt(byte, 16))
  );
  return String.fromCharCode(...bytes!.map((byte, i) => byte ^ mask![i % 4]!));
}

for (const runtime of runtimes) {
  test(
    `Chromium gets its texts back from the demo on ${runtime}`,
    requires("chromium"),
    () =>
      withConsole(demos.get(runtime)!.url, async (page) => {
        assertEquals(await page.getAttribute("#state", "data-state"), "closed");
        await connect(page);
        assertMatch(await page.inputValue("#address"), /^ws:\/\/127\.0\.0\.1:\d+\/echo\?key=\w+$/);
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
        await page.waitForSelector('#log li[data-kind="close"]');
        assertEquals(
          await page.textContent('#log li[data-kind="close"] .row-words'),
          "Cleanly, by the server: code 1001 (going away).",
        );
        // It will have come back, should the server.
        await untilState(page, "waiting");
      }, ["ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET"]);
    } finally {
      await program.stop("SIGKILL");
    }
  });

  test(
    `Chromium sees its frames on the demo on ${runtime}, in the three forms of the length`,
    requires("chromium"),
    () =>
      withConsole(demos.get(runtime)!.url, async (page) => {
        await connect(page);
        for (const [i, size] of SIZES.entries()) {
          await page.fill("#message", "abcdefghij".repeat(size / 10));
          await page.click("#send");
          await page.locator("#frames .frame[data-opcode]").nth(2 * i + 1).waitFor();
        }
        const frames = await readFrames(page);
        assertEquals(
          frames.map(({ from, opcode, form, length, masked }) => ({ from, opcode, form, length, masked })),
          SIZES.flatMap((length, i) =>
            ["client", "server"].map((from) => ({
              from,
              opcode: "1",
              form: ["7", "16", "64"][i]!,
              length: String(length),
              masked: String(from === "client"),
            }))
          ),
        );
        for (const { picture, masked, facts } of frames) {
          const key = /masking key ((?:[\da-f]{2} ?){4})$/.exec(picture)?.[1];
          assertEquals(key !== undefined, masked === "true");
          // What the key makes of the bytes on the wire is what was typed.
          const wire = facts[masked === "true" ? "Masked" : "Payload"]!;
          assertEquals(
            unmask(wire, key ?? "00 00 00 00"),
            "abcdefghijabcdefghijabcd".slice(0, bytesIn(wire)),
          );
          assert(facts.Text!.startsWith("abcdefghij"), facts.Text);
        }
        // The bytes of the first answer, on a click.
        const answer = page.locator('#frames .frame[data-opcode][data-from="server"]').first();
        await answer.locator("summary").click();
        assertEquals(
          await answer.locator("pre").textContent(),
          `0000  81 0a 61 62 63 64 65 66 67 68 69 6a${" ".repeat(14)}··abcdefghij`,
        );
      }),
  );

  test(`The demo on ${runtime} refuses Chromium a page of another origin`, requires("chromium"), async () => {
    const own = demos.get(runtime)!.url;
    const other = [...demos.values()].find(({ url }) => url !== own)!.url;
    const context = await browser!.newContext();
    try {
      context.setDefaultTimeout(10_000);
      const page = await context.newPage();
      await page.goto(`${other}echo`);
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
