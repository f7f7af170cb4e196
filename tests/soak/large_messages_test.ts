/**
 * Messages of 4 GiB: neither process grows by more than with small ones, and they are about as fast as 64 KiB at a time.
 *
 * @module
 */

import { test } from "node:test";
import { assertEquals, assertGreaterOrEqual, assertLess } from "#std/assert";
import { MOST, sendLarge } from "../interop/large_messages.ts";
import { runtimes } from "../support/runtimes.ts";

const SIZE = 4_096;

/** The least share of the throughput of messages of 64 KiB. */
const LEAST = 0.7;

for (const runtime of runtimes) {
  test(`4 GiB in one message, as fragments and in one frame, ${runtime} to ${runtime}`, async () => {
    const { rate: usual } = await sendLarge(runtime, "messages", SIZE);
    console.log(`${runtime}, messages of 64 KiB: ${usual.toFixed(0)} MiB/s`);
    for (const way of ["stream", "frame"]) {
      const { sent, received, rate } = await sendLarge(runtime, way, SIZE);
      const growth = { sender: sent.growth, receiver: received.growth };
      console.log(`${runtime}, ${way}: ${rate.toFixed(0)} MiB/s, grew by ${JSON.stringify(growth)} MiB`);
      assertEquals([received.size, received.sha256], [SIZE * 1_048_576, sent.sha256]);
      assertLess(Math.max(growth.sender, growth.receiver), MOST);
      assertGreaterOrEqual(rate, LEAST * usual);
    }
  });
}
