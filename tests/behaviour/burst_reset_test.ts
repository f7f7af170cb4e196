/**
 * Messages that had arrived when the stream was lost.
 *
 * @module
 */

import { test } from "node:test";
import { assertEquals, assertRejects } from "#std/assert";
import { Opcode } from "../../lib/protocol/frame.ts";
import { WebSocketError } from "../../mod.ts";
import { serving, sleep } from "../support/serving.ts";
import { testOverTcpAndTls } from "../support/links.ts";
import { clientFrame, UPGRADE, Wire } from "../support/wire.ts";
import { concat } from "../vectors/hex.ts";

const COUNT = 5_000;
const ignore = () => {};

/** How a handler reads: each tells how many messages it was given, and what came after them. */
const readers: Record<string, (socket: AsyncIterable<unknown>, count: () => void) => Promise<void>> = {
  "at once": async (messages, count) => {
    for await (const _ of messages) count();
  },
  "with a pause now and then": async (messages, count) => {
    let i = 0;
    for await (const _ of messages) {
      count();
      if (++i % 500 === 0) await sleep(1);
    }
  },
  "after everything else": async (messages, count) => {
    await sleep(100);
    for await (const _ of messages) count();
  },
};

for (const [how, read] of Object.entries(readers)) {
  for (const source of ["iterator", "readable"] as const) {
    const title =
      `${COUNT} messages, then a reset: a handler that reads its ${source} ${how} is given all of them`;
    testOverTcpAndTls(title, async () => {
      const outcome = Promise.withResolvers<unknown>();
      let count = 0;
      await serving({ maxMessageSize: 1_000, onError: ignore }, async (socket) => {
        const messages = source === "iterator" ? socket : socket.readable;
        outcome.resolve(await read(messages, () => count++).catch((error) => error));
      }, async ({ port }) => {
        const wire = await Wire.open(port);
        wire.send(UPGRADE);
        await wire.head();
        const written = new Promise((resolve) => wire.socket.once("drain", resolve));
        wire.send(concat(Array.from({ length: COUNT }, () => clientFrame(Opcode.Binary, "x"))));
        await (wire.socket.writableNeedDrain ? written : undefined);
        wire.reset();
        const error = await outcome.promise;
        assertEquals([count, (error as WebSocketError).code], [COUNT, "connection-lost"]);
      });
    });
  }
}

test("a stream that is lost settles closed at once, and what is sent rejects, while messages are left to read", async () => {
  const left: number[] = [];
  await serving({ onError: ignore }, async (socket) => {
    await assertRejects(() => socket.closed, WebSocketError);
    await assertRejects(() => socket.send("too late"), WebSocketError);
    let count = 0;
    try {
      for await (const _ of socket) count++;
    } catch {
      left.push(count);
    }
  }, async ({ port }) => {
    const wire = await Wire.upgrade(port);
    wire.send(concat(Array.from({ length: 100 }, () => clientFrame(Opcode.Binary, "x"))));
    await sleep(50);
    wire.reset();
    for (let i = 0; i < 500 && left.length === 0; i++) await sleep(10);
    assertEquals(left, [100]);
  });
});
