import { assert, assertEquals } from "#std/assert";
import type { WebSocketError } from "../../mod.ts";
import { testOverTcpAndTls } from "../support/links.ts";
import { pace } from "../support/patience.ts";
import { type Serving, serving } from "../support/serving.ts";
import { Wire } from "../support/wire.ts";

const KIB = 1_024;
const MIB = 1_048_576;

/** How much is read at a time, and how long the reader then waits, in milliseconds. */
const STEP = 256 * KIB;
const WAIT = 10;

interface Download {
  /** How much is sent, in bytes, and in messages of how many. */
  size: number;
  messageSize: number;
  /** Interval and timeout of the keepalive. */
  time: number;
}

/** Sends until it is done or the connection is lost; tells how that ended. */
async function download(
  { size, messageSize, time }: Download,
  read: (serving: Serving) => Promise<{ end(): void }>,
): Promise<string> {
  const ended = Promise.withResolvers<string>();
  const options = { keepalive: { interval: time, timeout: time }, closeTimeout: 10_000, onError() {} };
  await serving(options, async (socket) => {
    socket.closed.catch((error: WebSocketError) => ended.resolve(error.code));
    for (let sent = 0; sent < size; sent += messageSize) await socket.send(new Uint8Array(messageSize));
    ended.resolve("sent");
  }, async (serving) => {
    const reader = await read(serving);
    await ended.promise;
    reader.end();
  });
  return ended.promise;
}

/** Reads slowly, and says nothing: the kernels hold several megabytes of what was sent. */
async function readSlowly({ port }: Serving): Promise<{ end(): void }> {
  const wire = await Wire.upgrade(port);
  const { socket } = wire;
  let size = 0;
  // The wire would keep what it reads.
  socket.removeAllListeners("data").on("data", (bytes: Uint8Array) => {
    size += bytes.length;
    if (size < STEP) return;
    size = 0;
    socket.pause();
    setTimeout(() => socket.resume(), WAIT);
  });
  return { end: () => wire.destroy() };
}

/** Shakes hands, and stops to read as soon as its buffers are full. */
async function readNothing({ open }: Serving): Promise<{ end(): void }> {
  const socket = await open({ keepalive: false });
  return { end: () => socket.abort() };
}

for (
  const [what, messageSize] of [["a download", 64 * KIB], ["a message of 32 MiB", 32 * MIB]] as const
) {
  testOverTcpAndTls(
    `a peer that answers no Ping but reads steadily, if slowly, is not cut in the middle of ${what}`,
    async () => {
      assertEquals(await download({ size: 32 * MIB, messageSize, time: 50 * pace() }, readSlowly), "sent");
    },
  );
}

testOverTcpAndTls("a peer that stops reading in the middle of a download is cut all the same", async () => {
  const start = performance.now();
  const outcome = await download({ size: Infinity, messageSize: 64 * KIB, time: 100 }, readNothing);
  assertEquals(outcome, "keepalive-timeout");
  // Twelve timeouts, and what the machine needs.
  assert(performance.now() - start > 600, "there was no patience");
});
