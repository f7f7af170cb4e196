import { after, test } from "node:test";
import { assert, assertEquals, assertMatch } from "#std/assert";
import { type Browser, chromium } from "playwright-core";
import { jsonMessage } from "../../bench/json.ts";
import { findProgram, requires } from "../support/requires.ts";
import { runtimes } from "../support/runtimes.ts";
import { TAKEOVER } from "./deflate_peers.ts";
import { useServers } from "./servers.ts";
import { Tap } from "./tap.ts";
import { LONG_SERIES } from "./try_all.ts";

const executablePath = findProgram("chromium");
const SETTINGS = { default: true, takeover: TAKEOVER } as const;
const SERIES = { default: 1_000, takeover: LONG_SERIES } as const;

/** A browser on a machine that may have no network, no graphics and no user but root. */
const CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];

let browser: Browser | undefined;
const urlOf = useServers(
  executablePath === undefined ? {} : Object.fromEntries(
    runtimes.flatMap((runtime) =>
      Object.entries(SETTINGS).map(([how, options]) => [
        `${runtime}, ${how}`,
        { runtime, script: "page.ts", args: [JSON.stringify(options)] },
      ])
    ),
  ),
  async () => {
    if (executablePath !== undefined) {
      browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS });
    }
  },
);
after(() => browser?.close());

/** What a page made of its socket. */
interface Outcome {
  readonly extensions: string;
  readonly wrong: readonly string[];
  readonly received: number;
  readonly end: { readonly code: number; readonly reason: string; readonly clean: boolean };
}

/** Runs within the page: sends messages, compares their echoes, and closes. */
function exchange({ url, texts }: { url: string; texts: readonly string[] }): Promise<Outcome> {
  const binaries = [new Uint8Array(0), Uint8Array.from({ length: 1_048_576 }, (_, i) => (i * 7) ^ (i >> 9))];
  const messages: (string | Uint8Array<ArrayBuffer>)[] = [...binaries, ...texts];
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const wrong: string[] = [];
  let received = 0;
  socket.onopen = () => messages.forEach((message) => socket.send(message));
  socket.onmessage = ({ data }) => {
    const sent = messages[received++]!;
    const same = typeof sent === "string" ? data === sent : data instanceof ArrayBuffer &&
      new Uint8Array(data).every((octet, i) => octet === sent[i]) && data.byteLength === sent.length;
    if (!same) wrong.push(`message ${received - 1}`);
    if (received === messages.length) socket.close(4000, "bye — süß");
  };
  return new Promise((resolve) => {
    socket.onclose = ({ code, reason, wasClean: clean }) => {
      resolve({ extensions: socket.extensions, wrong, received, end: { code, reason, clean } });
    };
  });
}

for (const runtime of runtimes) {
  for (const how of ["default", "takeover"] as const) {
    test(
      `Chromium and a Sluice server on ${runtime} (${how}), compressed`,
      requires("chromium"),
      async () => {
        const tap = await Tap.open(urlOf(`${runtime}, ${how}`));
        const context = await browser!.newContext();
        try {
          const page = await context.newPage();
          await page.goto(tap.url.replace("ws:", "http:"));
          const series = Array.from(
            { length: SERIES[how] },
            (_, i) => jsonMessage(100 + (i * 7919) % 1_901, i),
          );
          const texts = ["", "Hello, wörld: \u{1f30a} \0", "0123456789abcde\n".repeat(65_536), ...series];
          const { extensions, wrong, received, end } = await page.evaluate(exchange, { url: tap.url, texts });
          assertMatch(extensions, /^permessage-deflate\b/);
          assertEquals(/_no_context_takeover/.test(extensions), how === "default");
          assertEquals({ wrong, received }, { wrong: [], received: texts.length + 2 });
          assertEquals(end, { code: 4000, reason: "bye — süß", clean: true });
          for (const { messages, compressed } of [tap.fromClient, tap.fromServer]) {
            assertEquals(messages, received);
            assert(compressed > messages / 2, `${compressed} of ${messages} messages are compressed`);
          }
        } finally {
          await context.close();
          tap.close();
        }
      },
    );
  }
}
