/**
 * What connections that compressed leave outside of the heap, where no collector looks.
 *
 * @module
 */

import { test } from "node:test";
import process from "node:process";
import { assertEquals, assertLessOrEqual } from "#std/assert";
import { zlibCodec } from "../../lib/adapters/zlib/codec.ts";
import type { WebSocketConnection } from "../../mod.ts";
import { receive, serving } from "../support/serving.ts";

const MIB = 1_048_576;
/** A compressor takes up to 268 KiB: so many of them that are kept are told from what a runtime takes for itself. */
const COUNT = 400;
const SLACK = 40 * MIB;

const compression = { contextTakeover: true, threshold: 0, memLevel: 8 };
const TEXT = "a message of many ".repeat(20);

/** How often it is looked: what is kept is kept each time, and what a collector has not freed yet is not. */
const TRIES = 3;

/** How much the process grows at least while something runs again. */
async function growth(run: () => Promise<void> | void): Promise<number> {
  await run();
  let least = Infinity;
  for (let i = 0; i < TRIES && least > SLACK; i++) {
    const before = process.memoryUsage.rss();
    await run();
    least = Math.min(least, process.memoryUsage.rss() - before);
  }
  return least;
}

/** How both ends of connections come to an end. */
const endings: Readonly<Record<string, (socket: WebSocketConnection) => void>> = {
  "by a Close of the client": (socket) => socket.close(),
  "by a Close of the server": (socket) => void socket.send("close").catch(() => {}),
  "by a cut": (socket) => socket.abort(),
};

for (const [how, end] of Object.entries(endings)) {
  test(`connections that keep their compressors' contexts leave nothing of them when they end ${how}`, async () => {
    const handler = async (socket: WebSocketConnection) => {
      for await (const message of socket) {
        if (message === "close") return;
        await socket.send(message);
      }
    };
    await serving({ compression, onError: () => {} }, handler, async ({ open }) => {
      const grown = await growth(async () => {
        for (let i = 0; i < COUNT / 2; i++) {
          const socket = await open({ compression });
          await socket.send(TEXT);
          assertEquals(await receive(socket), TEXT);
          end(socket);
          await socket.closed.catch(() => {});
        }
      });
      assertLessOrEqual(grown, SLACK);
    });
  });
}

test("decompressors that are too many to be kept are freed", async () => {
  const deflated = zlibCodec.deflater({ windowBits: 15, memLevel: 8, level: 1, takeover: false }).deflate(
    new TextEncoder().encode(TEXT),
  ).slice();
  const grown = await growth(() => {
    for (let i = 0; i < 100; i++) {
      // Of so many messages under way at a time, only a few are needed later.
      const inflaters = Array.from(
        { length: 50 },
        () => zlibCodec.inflater({ windowBits: 15, takeover: true }),
      );
      for (const inflater of inflaters) {
        inflater.write(deflated);
        inflater.read();
      }
      for (const inflater of inflaters) inflater.close();
    }
  });
  assertLessOrEqual(grown, SLACK);
});
