import { assertEquals, assertThrows } from "#std/assert";
import { test } from "node:test";
import { zlibCodec } from "../../lib/adapters/zlib/codec.ts";
import { WebSocketError } from "../../lib/errors.ts";
import type { Inflater } from "../../lib/protocol/deflate_codec.ts";
import { PAYLOAD_ROWS } from "../vectors/deflate_payloads.ts";
import { concat, fromHex } from "../vectors/hex.ts";
import { everySplit, fromLatin1 } from "../vectors/splits.ts";
import { inflateOrFault, inflatePart } from "./codec.ts";

const HELLO = fromHex("f2 48 cd c9 c9 07 00");

function outcome(inflater: Inflater, parts: Iterable<Uint8Array>): string {
  const result = inflateOrFault(inflater, parts);
  return typeof result === "string" ? result : `text ${JSON.stringify(fromLatin1(result))}`;
}

/** Every cut of a short payload; of a long one, byte by byte and some cuts in two. */
function* splits(payload: Uint8Array): Generator<Uint8Array[], void> {
  if (payload.length <= 200) return yield* everySplit(payload);
  yield Array.from(payload, (_, at) => payload.subarray(at, at + 1));
  for (let at = 1; at < payload.length; at += Math.ceil(payload.length / 23)) {
    yield [payload.subarray(0, at), payload.subarray(at)];
  }
}

for (const { name, section, takeover, messages } of PAYLOAD_ROWS) {
  test(`inflating ${takeover ? "with" : "without"} takeover: ${name} (${section})`, () => {
    const options = { windowBits: 15, takeover };
    const payloads = messages.map(([hex]) => fromHex(hex));
    const expected = messages.map(([, text]) =>
      text === undefined ? "invalid-deflate" : `text ${JSON.stringify(text)}`
    );
    for (const [i, payload] of payloads.entries()) {
      for (const parts of splits(payload)) {
        const inflater = zlibCodec.inflater(options);
        // The messages before it, and of those only the good ones: the others end a connection.
        const before = payloads.slice(0, i).filter((_, at) => messages[at]![1] !== undefined);
        for (const earlier of before) inflateOrFault(inflater, [earlier]);
        const cut = outcome(inflater, parts);
        if (cut !== expected[i]) {
          assertEquals(cut, expected[i], `message ${i}, cut behind byte ${parts[0]?.length}`);
        }
        // Whatever came of it, another connection never notices, though it may get the same decompressor.
        const next = outcome(zlibCodec.inflater(options), [HELLO]);
        if (next !== 'text "Hello"') assertEquals(next, 'text "Hello"', "the next connection");
      }
    }
  });
}

for (const takeover of [false, true]) {
  const setting = `${takeover ? "with" : "without"} takeover`;

  test(`inflating ${setting}: a message cut short anywhere is invalid, and the next connection's is not`, () => {
    const lines = Array.from({ length: 200 }, (_, i) => `line ${i * i}, `).join("");
    for (const level of [0, 1, 6]) {
      const deflater = zlibCodec.deflater({ windowBits: 15, memLevel: 5, level, takeover });
      const payload = deflater.deflate(new TextEncoder().encode(lines)).slice();
      const wrong: number[] = [];
      for (let end = 1; end < payload.length; end++) {
        const inflater = zlibCodec.inflater({ windowBits: 15, takeover });
        if (outcome(inflater, [payload.subarray(0, end)]) !== "invalid-deflate") wrong.push(end);
        assertEquals(outcome(zlibCodec.inflater({ windowBits: 15, takeover }), [HELLO]), 'text "Hello"');
      }
      // The first byte of what is not compressed is a whole message: an empty one.
      assertEquals(wrong, level === 0 ? [1] : []);
    }
  });

  test(`inflating ${setting}: empty parts anywhere change nothing`, () => {
    const nothing = new Uint8Array(0);
    for (const { messages } of PAYLOAD_ROWS.filter((row) => row.takeover === takeover)) {
      for (const [hex] of messages) {
        const payload = fromHex(hex);
        const plain = outcome(zlibCodec.inflater({ windowBits: 15, takeover }), [payload]);
        const parts = Array.from(payload.subarray(0, 50), (_, at) => [payload.subarray(at, at + 1), nothing]);
        const spread = [nothing, ...parts.flat(), payload.subarray(50), nothing, nothing];
        assertEquals(outcome(zlibCodec.inflater({ windowBits: 15, takeover }), spread), plain);
      }
    }
  });
}

test("no two vectors of payloads have the same name and setting", () => {
  const names = PAYLOAD_ROWS.map(({ name, takeover }) => `${name} ${takeover}`);
  assertEquals(names.filter((name, i) => names.indexOf(name) !== i), []);
});

test("a message of nothing but last blocks is refused before it has cost much; some, or some for each KiB, are taken", () => {
  const last = Uint8Array.of(0x03, 0x00); // an empty block with BFINAL
  const blocks = (count: number) => concat(Array.from({ length: count }, () => last));
  const inflate = (payload: Uint8Array) => {
    const inflater = zlibCodec.inflater({ windowBits: 15, takeover: false });
    inflatePart(inflater, payload, () => {});
    inflater.end();
  };
  inflate(blocks(60));
  assertEquals(assertThrows(() => inflate(blocks(200)), WebSocketError).code, "invalid-deflate");
  const stored = Uint8Array.of(0x01, 0x00, 0x08, 0xff, 0xf7, ...new Uint8Array(2_048)); // 2 KiB, with BFINAL
  inflate(concat(Array.from({ length: 300 }, () => stored)));
});
