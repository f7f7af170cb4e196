import { test } from "node:test";
import { assertEquals, assertRejects } from "#std/assert";
import type { Role } from "../../lib/protocol/frame.ts";
import { fromHex } from "../vectors/hex.ts";
import { ByteQueue } from "./byte_queue.ts";
import { type Received, StrictReader } from "./strict_reader.ts";

/** What no sender may send, and what the reader says about it. */
const BAD: readonly (readonly [name: string, sender: Role, hex: string, message: string])[] = [
  ["a server that masks", "server", "81 81 37fa213d 56", "a mask"],
  ["a client that does not mask", "client", "81 01 61", "no mask"],
  [
    "a client that masks with the same key again",
    "client",
    "81 80 37fa213d 81 80 37fa213d",
    "the same masking key",
  ],
  ["RSV1", "server", "c1 01 61", "an RSV bit"],
  ["RSV3 on a Pong", "server", "9a 00", "an RSV bit"],
  ["a reserved opcode", "server", "83 00", "opcode 3"],
  ["a reserved control opcode", "server", "8b 00", "opcode 11"],
  ["125 octets with a 16-bit length", "server", "82 7e 007d 00*125", "a length of 2 octets for 125"],
  ["65,535 octets with a 64-bit length", "server", "82 7f 000000000000ffff 00*65535", "a length of 8 octets"],
  ["a Pong without FIN", "server", "0a 00", "a control frame in fragments"],
  ["a Pong of 126 octets", "server", "8a 7e 007e 00*126", "of more than 125 octets"],
  ["a continuation of nothing", "server", "80 01 61", "opcode 0 out of turn"],
  [
    "a continuation of a message that is over",
    "server",
    "01 01 61 80 01 61 80 01 61",
    "opcode 0 out of turn",
  ],
  ["a text within a text", "server", "01 01 61 81 01 61", "opcode 1 out of turn"],
  ["a text that is no UTF-8", "server", "81 03 eda080", "a text that is no UTF-8"],
  ["fragments that are no UTF-8", "server", "01 02 e282 80 01 61", "a text that is no UTF-8"],
  ["a Close of 1 octet", "server", "88 01 03", "a Close of 1 octet"],
  ["a reason that is no UTF-8", "server", "88 03 03e8 ff", "a reason that is no UTF-8"],
  ["a Close within a message", "server", "01 01 61 88 00", "a Close within a message"],
  ["a Pong behind a Close", "server", "88 02 03e8 8a 00", "something behind the Close"],
  ["a second Close", "server", "88 00 88 00", "something behind the Close"],
  ["an end within a header", "server", "82 7e 01", "the stream ended (FIN)"],
  ["an end within a payload", "server", "81 02 61", "the stream ended (FIN)"],
];

for (const [name, sender, hex, message] of BAD) {
  test(`conformance: the reader takes offence at ${name}`, async () => {
    await assertRejects(() => readAll(sender, hex), Error, message);
  });
}

test("conformance: the reader takes offence at a reset", async () => {
  const queue = new ByteQueue();
  queue.end("reset");
  await assertRejects(() => new StrictReader(queue, "server").next(), Error, "reset");
});

test("conformance: the reader reads what is right", async () => {
  const received = await readAll("server", "01 02 e282 8a 01 21 80 01 ac 82 7e 007e 00*126 88 02 03e8");
  assertEquals(received.map(({ opcode, payload }) => [opcode, payload.length]), [[10, 1], [1, 3], [2, 126], [
    8,
    2,
  ]]);
  const [masked] = await readAll("client", "81 85 37fa213d 7f9f4d5158");
  assertEquals(new TextDecoder().decode(masked!.payload), "Hello");
});

/** Reads octets that come one by one, up to the end. */
async function readAll(sender: Role, hex: string): Promise<Received[]> {
  const queue = new ByteQueue();
  for (const octet of fromHex(hex)) queue.push(Uint8Array.of(octet));
  queue.end("FIN");
  const reader = new StrictReader(queue, sender);
  const all: Received[] = [];
  for (let received = await reader.next(); received !== undefined; received = await reader.next()) {
    all.push(received);
  }
  return all;
}
