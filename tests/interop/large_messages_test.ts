/**
 * Large messages, as one frame and as fragments: they arrive whole, and neither process holds much of them.
 *
 * @module
 */

import { test } from "node:test";
import { assertEquals, assertLess } from "#std/assert";
import { tryThrice } from "../hostile/attack.ts";
import { LONG } from "../support/long.ts";
import { runtimes } from "../support/runtimes.ts";
import { type LargeOutcome, MOST, sendLarge } from "./large_messages.ts";

/** In MiB: more than a process may grow. */
const SIZE = LONG ? 256 : 64;

for (const runtime of runtimes) {
  for (const way of ["stream", "frame"]) {
    test(`${SIZE} MiB in ${way === "frame" ? "one frame" : "fragments"}, ${runtime} to ${runtime}`, async () => {
      const large = () => sendLarge(runtime, way, SIZE);
      // A collector may be late once: what is held is held in each of three tries.
      const isSmall = ({ sent, received }: LargeOutcome) => Math.max(sent.growth, received.growth) < MOST;
      const { sent, received, rate } = await tryThrice(large, isSmall);
      const growth = { sender: sent.growth, receiver: received.growth };
      console.log(`${runtime}, ${way}: ${rate.toFixed(0)} MiB/s, grew by ${JSON.stringify(growth)} MiB`);
      assertEquals(received.size, SIZE * 1_048_576);
      assertEquals(received.sha256, sent.sha256);
      assertLess(growth.sender, MOST);
      assertLess(growth.receiver, MOST);
    });
  }
}
