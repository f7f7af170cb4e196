import { assertEquals } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { constants, deflateRawSync } from "node:zlib";
import { messageBytes } from "../adapters/codec.ts";
import { check } from "../support/property.ts";
import { PAYLOAD_ROWS } from "../vectors/deflate_payloads.ts";
import { concat, fromHex, sameBytes } from "../vectors/hex.ts";
import { fromLatin1 } from "../vectors/splits.ts";
import { inflate } from "./inflate.ts";

const NOTHING = new Uint8Array(0);

for (const [i, row] of PAYLOAD_ROWS.entries()) {
  test(`reference, payload ${i}: ${row.name} (${row.section})`, () => {
    let history: Uint8Array = NOTHING;
    for (const [hex, text] of row.messages) {
      const payload = fromHex(hex);
      // The one thing that is no DEFLATE and is taken for an empty message.
      if (payload.length === 0) continue;
      const { bytes, end } = inflate(payload, { history, distance: 32_768 });
      assertEquals(end === "whole" ? fromLatin1(bytes) : undefined, text);
      if (row.takeover) history = concat([history, bytes]).slice(-32_768);
    }
  });
}

test("the reference inflates what zlib deflates, whatever the effort, and finds each beginning of it unfinished", () => {
  const options = fc.record({
    level: fc.integer({ min: 0, max: 9 }),
    windowBits: fc.integer({ min: 9, max: 15 }),
    strategy: fc.constantFrom(constants.Z_DEFAULT_STRATEGY, constants.Z_HUFFMAN_ONLY, constants.Z_FIXED),
  });
  const property = fc.property(messageBytes, options, fc.nat(), (message, options, cut) => {
    const data = message.subarray(0, 20_000);
    const flushed = deflateRawSync(data, { ...options, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    const reach = { history: NOTHING, distance: 2 ** options.windowBits };
    const { bytes, end } = inflate(flushed, reach);
    assertEquals([end, sameBytes(bytes, data)], ["whole", true]);
    const begun = inflate(flushed.subarray(0, cut % flushed.length), reach);
    assertEquals(sameBytes(begun.bytes, data.subarray(0, begun.bytes.length)), true);
    assertEquals(begun.end === "invalid", false);
  });
  check(property, { numRuns: 60 });
});
