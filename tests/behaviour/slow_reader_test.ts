import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import type { WebSocketError } from "../../mod.ts";
import { serving, sleep } from "../support/serving.ts";
import { Wire } from "../support/wire.ts";

const keepalive = { interval: 100, timeout: 100 };

/** Sends until it is done or the connection is lost; tells how that ended. */
async function download(size: number, read: (wire: Wire) => Promise<void>): Promise<string> {
  const ended = Promise.withResolvers<string>();
  await serving({ keepalive, closeTimeout: 10_000 }, async (socket) => {
    socket.closed.catch((error: WebSocketError) => ended.resolve(error.code));
    for (let sent = 0; sent < size; sent += 65_536) await socket.send(new Uint8Array(65_536));
    ended.resolve("sent");
  }, async ({ port }) => {
    const wire = await Wire.upgrade(port);
    await Promise.race([read(wire), ended.promise]);
    await ended.promise;
    wire.destroy();
  });
  return ended.promise;
}

test("a peer that answers no Ping but reads steadily, if slowly, is not cut in the middle of a download", async () => {
  let over = false;
  const outcome = await download(16_777_216, async ({ socket }) => {
    // 64 KiB every 10 ms: the kernels hold several megabytes of what was sent.
    while (!over && !socket.destroyed) {
      socket.pause();
      await sleep(10);
      socket.resume();
      await new Promise<void>((resolve) => {
        socket.once("data", () => resolve());
        socket.once("close", () => resolve());
      });
    }
  }).finally(() => over = true);
  assertEquals(outcome, "sent");
});

test("a peer that stops reading in the middle of a download is cut all the same", async () => {
  const start = performance.now();
  const outcome = await download(Infinity, async ({ socket }) => {
    socket.pause();
    await new Promise(() => {});
  });
  assertEquals(outcome, "keepalive-timeout");
  // Twelve timeouts, and what the machine needs.
  assert(performance.now() - start > 600, "there was no patience");
});
