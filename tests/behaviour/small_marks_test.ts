/**
 * A high-water mark of nothing, or of less than a frame, on either side: slow, but nothing stands still.
 *
 * @module
 */

import { test } from "node:test";
import { assertEquals } from "#std/assert";
import type { WebSocketConnection } from "../../mod.ts";
import { receive, receiveAll, serving } from "../support/serving.ts";
import { clientClose, Wire } from "../support/wire.ts";

/** What echoes, in each of the ways there are. */
const echoes: Readonly<Record<string, (socket: WebSocketConnection) => Promise<unknown>>> = {
  "a pipe": ({ readable, writable }) => readable.pipeTo(writable),
  "a loop": async (socket) => {
    for await (const message of socket) await socket.send(message);
  },
  "streams": async (socket) => {
    for await (const { type, readable } of socket.incoming()) await socket.sendStream(readable, { type });
  },
};

for (const highWaterMark of [0, 1, 2, 4, 5, 10]) {
  // Whoever waits for it, waits for ever.
  const limits = { highWaterMark, closeTimeout: Infinity, keepalive: false } as const;
  for (const [how, echo] of Object.entries(echoes)) {
    test(`with a mark of ${highWaterMark} ${how} echoes, and both sides end`, async () => {
      let ended = 0;
      const counted = (socket: WebSocketConnection) => {
        const handled = echo(socket);
        handled.then(() => ended++, () => {});
        return handled;
      };
      await serving(limits, counted, async ({ server, open }) => {
        const client = await open(limits);
        for (const message of ["a", "", Uint8Array.of(1, 2, 3), new Uint8Array(70_000)]) {
          const [back] = await Promise.all([receive(client), client.send(message)]);
          assertEquals(back, message);
        }
        const closing = receiveAll(client);
        client.close({ closeCode: 4000 });
        assertEquals((await client.closed).closeCode, 4000);
        assertEquals(await closing, []);
        await server.close({ timeout: 60_000 });
        assertEquals(ended, 1);
      });
    });
  }

  test(`with a mark of ${highWaterMark} the stream ends behind the Close, whoever begins`, async () => {
    await serving(limits, (socket) => receiveAll(socket), async ({ port }) => {
      const wire = await Wire.upgrade(port);
      wire.send(clientClose(4000));
      assertEquals([await wire.closeCode(), await wire.ended], [4000, "end"]);
      wire.destroy();
    });
    await serving(limits, (socket) => socket.closed, async ({ open }) => {
      const client = await open();
      client.close({ closeCode: 4001 });
      assertEquals((await client.closed).closeCode, 4001, "nobody reads");
    });
    await serving(limits, () => Promise.resolve(), async ({ port }) => {
      const wire = await Wire.upgrade(port);
      assertEquals(await wire.closeCode(), 1000);
      wire.send(clientClose(1000));
      assertEquals(await wire.ended, "end");
      wire.destroy();
    });
  });
}
