import { test } from "node:test";
import { assertEquals, assertRejects } from "#std/assert";
import { fromHex } from "../vectors/hex.ts";
import { ByteQueue } from "./byte_queue.ts";
import { titleOf } from "./case.ts";
import { DEFLATE_CASES } from "./deflate_cases.ts";
import { Deflater, Inflater } from "./deflate_codec.ts";
import { textOf } from "./payloads.ts";
import { StrictReader } from "./strict_reader.ts";

test("conformance: every case of groups 12 and 13 of the public list has one here, and one only", () => {
  const sections = [...[1, 2, 3, 4, 5].map((i) => `12.${i}`), ...[1, 2, 3, 4, 5, 6, 7].map((i) => `13.${i}`)];
  const listed = sections.flatMap((section) => Array.from({ length: 18 }, (_, i) => `${section}.${i + 1}`));
  assertEquals(DEFLATE_CASES.flatMap(({ autobahn }) => autobahn), listed);
  assertEquals(new Set(DEFLATE_CASES.map(titleOf)).size, 216);
});

/** What no sender may send, whatever was agreed on. */
const BAD: readonly (readonly [name: string, hex: string, message: string])[] = [
  ["RSV1 on a continuation", "41 01 f2 c0 01 00", "an RSV bit"],
  ["RSV1 on a Ping", "c9 00", "an RSV bit"],
  ["RSV2 beside RSV1", "e1 07 f248cdc9c90700", "an RSV bit"],
  ["a compressed text that is no UTF-8", "c1 07 000100feffff00", "a text that is no UTF-8"],
  ["what lies before the window", "c1 07 f248cdc9c90700 c1 05 f200110000", "invalid distance"],
];

for (const [name, hex, message] of BAD) {
  test(`conformance: the reader of compressed messages takes offence at ${name}`, async () => {
    const reader = readerOf(hex, false);
    await assertRejects(
      async () => {
        while (await reader.next() !== undefined);
      },
      Error,
      message,
    );
  });
}

test("conformance: the reader of compressed messages reads what is right", async () => {
  const reader = readerOf("41 03 f248cd 80 04 c9c90700 c1 05 f200110000 81 01 61", true);
  const texts: string[] = [];
  for (let received = await reader.next(); received !== undefined; received = await reader.next()) {
    texts.push(new TextDecoder().decode(received.payload));
  }
  assertEquals(texts, ["Hello", "Hello", "a"]);
});

for (const takeover of [true, false]) {
  test(`conformance: messages compressed ${takeover ? "with" : "without"} takeover`, async () => {
    const ways = { bits: 15, takeover };
    const [deflater, inflater] = [new Deflater(ways), new Inflater(ways)];
    const message = textOf(400);
    const sizes: number[] = [];
    for (let i = 0; i < 3; i++) {
      const payload = await deflater.run(message);
      assertEquals(await inflater.run(payload), Buffer.from(message));
      sizes.push(payload.length);
    }
    assertEquals(sizes[2]! < sizes[0]! / 2, takeover);
    deflater.close();
    inflater.close();
  });
}

/** A reader of what a server sends, where permessage-deflate was agreed on. */
function readerOf(hex: string, takeover: boolean): StrictReader {
  const queue = new ByteQueue();
  queue.push(fromHex(hex));
  queue.end("FIN");
  const reader = new StrictReader(queue, "server");
  const inflater = new Inflater({ bits: 15, takeover });
  reader.inflate = (payload) => inflater.run(payload);
  return reader;
}
