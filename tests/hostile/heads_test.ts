/**
 * Heads of requests that are too large, or cut into as many pieces as they have bytes.
 *
 * @module
 */

import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import {
  figure,
  onLinux,
  onLinuxWithTls,
  openSocket,
  type Subject,
  within,
  withServer,
} from "../faults/faulty.ts";
import { type Runtime, runtimes } from "../support/runtimes.ts";
import { sleep } from "../support/serving.ts";
import { overTls } from "../support/links.ts";
import { LONG } from "../support/long.ts";
import { UPGRADE } from "../support/wire.ts";
import { feed, KiB, leave, repeated, tryThrice, withEcho } from "./attack.ts";

/** How many heads are measured: the kernel counts in hundredths of a second. */
const HEADS = 5;

/** How much of a head is read, by default. */
const MAX_HEAD = 16 * KiB;
/** What the runtimes read from a socket at a time. */
const READ = 64 * KiB;

const START = UPGRADE.slice(0, -2);
const LETTERS = new TextEncoder().encode("a".repeat(KiB));
const LINES = repeated(new TextEncoder().encode("x: y\r\n"), 200);

/** What never ends: what is sent first, and what is sent again and again. */
const endless: Readonly<Record<string, readonly [first: string, again: Uint8Array, status: number]>> = {
  "method": ["", LETTERS, 414],
  "target": ["GET /", LETTERS, 414],
  "name of a header": [START, LETTERS, 431],
  "value of a header": [`${START}x: `, LETTERS, 431],
  "white space around a value": [`${START}x: `, repeated(Uint8Array.of(0x20), KiB), 431],
  "row of headers": [START, LINES, 431],
};

for (const runtime of runtimes) {
  for (const [what, [first, again, status]] of Object.entries(endless)) {
    const title = `${runtime}: an endless ${what} is answered with ${status}, and the rest thrown away`;
    const flags = ["--close-timeout=300"];
    const run = (server: Subject) => sendEndlessly(server, { first, again, status });
    test(title, onLinux, () => withEcho(runtime, flags, run));
    if (what !== "row of headers" && !LONG) continue;
    test(
      `over TLS: ${title}`,
      onLinuxWithTls,
      () => overTls(() => withEcho(runtime, [...flags, "--tls"], run)),
    );
  }

  test(
    `${runtime}: a head of 16 KiB in packets of a byte costs 50 ms of processor at most`,
    onLinux,
    async () => {
      const plain = await costOfHead(runtime, "sink.ts");
      const cost = await tryThrice(() => costOfHead(runtime, "echo.ts"), (cost) => cost - plain <= 0.05);
      figure(runtime, "head in packets of a byte:", cost.toFixed(3), "s beside", plain.toFixed(3));
      assert(cost - plain <= 0.05, `it took ${cost} s, a plain socket ${plain} s`);
    },
  );
}

/** How much time of a processor a server needs for a head of 16 KiB whose bytes come one by one, in seconds. */
async function costOfHead(runtime: Runtime, script: string): Promise<number> {
  const head = new TextEncoder().encode(`${START}x: ${"a".repeat(MAX_HEAD - START.length - 7)}\r\n\r\n`);
  let cost = 0;
  await withServer(runtime, [], async (server) => {
    await sendSliced(server, head);
    const before = server.cpu();
    for (let i = 0; i < HEADS; i++) await sendSliced(server, head);
    cost = (server.cpu() - before) / HEADS;
  }, script);
  return cost;
}

async function sendSliced(server: Subject, bytes: Uint8Array): Promise<void> {
  const socket = await openSocket(server.port);
  for (let at = 0; at < bytes.length; at++) {
    const piece = bytes.subarray(at, at + 1);
    if (at % 16 !== 0) socket.write(piece);
    else await new Promise((resolve) => socket.write(piece, resolve));
  }
  await leave(socket);
}

/** Sends a head without an end, until it is answered; then goes on until it is cut. */
async function sendEndlessly(
  server: Subject,
  { first, again, status }: { first: string; again: Uint8Array; status: number },
): Promise<void> {
  const socket = await openSocket(server.port);
  if (first !== "") socket.write(first);
  const answer = new Promise<Uint8Array>((resolve) => socket.once("data", resolve));
  let sent = 0;
  let known = "";
  answer.then((bytes) => known = new TextDecoder().decode(bytes));
  while (known === "") {
    await feed(socket, again, 1);
    sent += again.length;
    await sleep(2);
    assert(sent <= MAX_HEAD + READ, "more is read than a head may have");
  }
  assertEquals(known.slice(0, 13), `HTTP/1.1 ${status} `);
  // It goes on, and is cut in time.
  const timer = setInterval(() => socket.writableNeedDrain || socket.write(again), 1);
  await within(2_000, () => server.sockets(), 1);
  clearInterval(timer);
  socket.destroy();
}
