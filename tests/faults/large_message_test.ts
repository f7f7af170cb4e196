/**
 * A peer that takes its time with one large message.
 *
 * @module
 */

import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { serving } from "../support/serving.ts";
import { Wire } from "../support/wire.ts";

test("a peer that reads one large message slowly is kept", () => {
  const options = { keepalive: { interval: 200, timeout: 1_000 } };
  const size = 48 * 1_048_576;
  return serving(options, (socket) => socket.send(new Uint8Array(size)), async ({ port }) => {
    const wire = await Wire.upgrade(port);
    let received = 0;
    wire.socket.removeAllListeners("data");
    const done = new Promise<void>((resolve) =>
      wire.socket.on("data", (bytes: Uint8Array) => {
        received += bytes.length;
        // The first chunk may have come before we listened.
        if (received > size - 1_048_576) return resolve();
        // What the kernel holds at the end stands between the peer and our Ping: that part goes fast.
        if (received > 24 * 1_048_576) return;
        wire.socket.pause();
        setTimeout(() => wire.socket.resume(), 4);
      })
    );
    assertEquals(await Promise.race([done, wire.ended]), undefined, `it was cut after ${received} bytes`);
    wire.destroy();
  });
});
