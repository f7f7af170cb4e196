/**
 * Messages in parts: put together, they are what whole messages are, and what is wrong is found at the same byte.
 *
 * @module
 */

import { assert, assertEquals, assertLessOrEqual } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { zlibCodec } from "../../lib/adapters/zlib/codec.ts";
import { Endpoint, type EndpointEvent } from "../../lib/protocol/endpoint.ts";
import { type Frame, Opcode } from "../../lib/protocol/frame.ts";
import { headerSize, writeFrame } from "../../lib/protocol/frame_encoder.ts";
import type { Message, MessagePart } from "../../lib/protocol/message_assembler.ts";
import { noise } from "../adapters/codec.ts";
import { eventsOf, isEvent } from "../support/endpoint_events.ts";
import { check } from "../support/property.ts";
import { DEFLATE_ROWS } from "../vectors/deflate_frames.ts";
import { FRAME_ROWS, type FrameRow } from "../vectors/frames.ts";
import { concat } from "../vectors/hex.ts";
import { replay, rowBytes, showEvent, splits, startDeflate } from "./replay.ts";

/** Puts parts together as they come. */
class Joiner {
  readonly lines: string[] = [];
  #parts: Message[] | undefined;

  add(event: EndpointEvent): void {
    if (!isEvent(event, "part")) return void this.lines.push(showEvent(event));
    const { data, first, last } = event.part;
    assertEquals(this.#parts === undefined, first, "a part is the first exactly if no message is under way");
    this.#parts ??= [];
    this.#parts.push(data);
    if (!last) return;
    this.lines.push(showEvent(join(this.#parts)));
    this.#parts = undefined;
  }
}

function join(parts: readonly Message[]): Message {
  assertEquals(new Set(parts.map((part) => typeof part)).size, 1);
  if (typeof parts[0] === "string") {
    for (const part of parts as string[]) assert(!/\p{Surrogate}/u.test(part), "a code point was cut");
    return parts.join("");
  }
  return concat(parts as Uint8Array[]);
}

/** Plays chunks to an endpoint that streams from the chunk on that has the given index. */
function stream(
  endpoint: Endpoint,
  chunks: readonly Uint8Array[],
  from: number,
  maxMessageSize = 1_048_576,
): string[] {
  const joiner = new Joiner();
  chunks.forEach((chunk, i) => {
    if (i === from) endpoint.stream(maxMessageSize);
    endpoint.receive(chunk.slice());
    for (const event of eventsOf(endpoint)) joiner.add(event);
  });
  return joiner.lines;
}

function endpointFor(row: FrameRow): Endpoint {
  const deflate = row.takeover === undefined ? undefined : startDeflate(row.takeover);
  const limits = { maxMessageSize: 1_048_576, maxEmptyFragments: 1_024, ...row.limits };
  const endpoint = new Endpoint({ role: row.role, deflate, ...limits });
  if (row.closing) endpoint.sendClose({ closeCode: 1000, reason: "" });
  return endpoint;
}

for (const row of [...FRAME_ROWS, ...DEFLATE_ROWS].filter((row) => !row.decoderOnly)) {
  test(`streamed, ${row.role}: ${row.name} gives what it gives whole, however it is cut (${row.section})`, () => {
    const bytes = rowBytes(row);
    const { events } = replay(row, [bytes]);
    const limit = row.limits?.maxMessageSize;
    assertEquals(stream(endpointFor(row), [bytes], 0, limit), events);
    for (const chunks of splits(bytes)) {
      const lines = stream(endpointFor(row), chunks, Math.min(1, chunks.length - 1), limit);
      if (lines.join() !== events.join()) assertEquals(lines, events, `cut behind byte ${chunks[0]?.length}`);
    }
    if (row.error !== undefined && row.visibleAt !== undefined) {
      const upTo = bytes.subarray(0, row.visibleAt);
      assertEquals(stream(endpointFor(row), [upTo], 0, limit).at(-1), `error ${row.error}`);
    }
  });
}

const LIMIT = 16_384;
const DEFLATE = { windowBits: 15, takeover: true };

/** A message as a peer sends it. */
interface Sent {
  readonly content: string;
  readonly text: boolean;
  readonly compressed: boolean;
  /** Where it is cut into fragments, as shares of what is left. */
  readonly cuts: readonly number[];
  readonly ping: boolean;
  /** A byte to write over, as a share of the message, and with what. */
  readonly fault: readonly [at: number, byte: number] | undefined;
}

const sent = fc.record<Sent>({
  content: fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.string({ unit: "grapheme", maxLength: 40 }).map((text) => text.repeat(50)),
  ),
  text: fc.boolean(),
  compressed: fc.boolean(),
  cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
  ping: fc.boolean(),
  fault: fc.option(fc.tuple(fc.double({ min: 0, max: 0.99, noNaN: true }), fc.nat(255)), {
    freq: 6,
    nil: undefined,
  }),
});

function framesOf(
  message: Sent,
  deflate: (bytes: Uint8Array) => Uint8Array,
): Frame[] {
  const plain = new TextEncoder().encode(message.content);
  const whole = message.compressed ? deflate(plain).slice() : plain;
  if (message.fault !== undefined) whole[Math.floor(message.fault[0] * whole.length)] = message.fault[1];
  const payloads: Uint8Array[] = [];
  let rest = whole;
  for (const cut of message.cuts) {
    const at = Math.floor(cut * rest.length);
    payloads.push(rest.subarray(0, at));
    rest = rest.subarray(at);
  }
  payloads.push(rest);
  return payloads.flatMap((payload, i) => {
    const opcode = i > 0 ? Opcode.Continuation : message.text ? Opcode.Text : Opcode.Binary;
    const frame = { fin: i === message.cuts.length, rsv1: i === 0 && message.compressed, opcode, payload };
    const ping = { fin: true, rsv1: false, opcode: Opcode.Ping, payload: Uint8Array.of(i) };
    return message.ping ? [ping, frame] : [frame];
  });
}

function encode(frame: Frame): Uint8Array {
  const bytes = new Uint8Array(headerSize(frame.payload.length, true) + frame.payload.length);
  writeFrame(bytes, 0, frame, 0x1357_9bdf);
  return bytes;
}

function deflatingServer(): Endpoint {
  return new Endpoint({
    role: "server",
    maxMessageSize: LIMIT,
    maxEmptyFragments: 1_024,
    deflate: {
      inflater: zlibCodec.inflater(DEFLATE),
      deflater: undefined,
      threshold: 0,
      optional: false,
      profile: "",
    },
  });
}

test("property: any fragments of any messages, cut anywhere, give streamed what they give whole", () => {
  const messages = fc.array(sent, { minLength: 1, maxLength: 4 });
  const sizes = fc.infiniteStream(fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.constant(7)));
  const property = fc.property(messages, sizes, fc.nat(6), (messages, sizes, from) => {
    const deflater = zlibCodec.deflater({ ...DEFLATE, level: 6, memLevel: 8 });
    const bytes = concat(
      messages.flatMap((message) => framesOf(message, (bytes) => deflater.deflate(bytes))).map(encode),
    );
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += chunks.at(-1)!.length) {
      chunks.push(bytes.subarray(at, at + sizes.next().value!));
    }
    const whole = deflatingServer();
    // Of data that is broken, how much zlib gives out before it says so depends on the cut.
    const broken = messages.some(({ compressed, fault }) => compressed && fault !== undefined);
    const expected = stream(whole, broken ? chunks : [bytes], Infinity);
    const parted = deflatingServer();
    assertEquals(stream(parted, chunks, Math.min(from, chunks.length - 1), LIMIT), expected);
    assertEquals(parted.state, whole.state);
  });
  check(property, { numRuns: 300 });
});

test("a compressed frame is decompressed in steps of 128 KiB at most", () => {
  const endpoint = new Endpoint({
    role: "server",
    maxMessageSize: Infinity,
    maxEmptyFragments: 1_024,
    deflate: startDeflate(false),
  });
  endpoint.stream(Infinity);
  const payload = zlibCodec.deflater({ windowBits: 15, takeover: false, level: 9, memLevel: 9 })
    .deflate(new Uint8Array(32 * 1_048_576));
  endpoint.receive(encode({ fin: true, rsv1: true, opcode: Opcode.Binary, payload }));
  let size = 0, largest = 0;
  for (const event of eventsOf(endpoint)) {
    assert(isEvent(event, "part"));
    size += event.part.data.length;
    largest = Math.max(largest, event.part.data.length);
  }
  assertEquals(size, 32 * 1_048_576);
  assertLessOrEqual(largest, 131_072);
});

test("a Ping that must wait for its answer is kept, whatever is read to where it was", () => {
  const endpoint = new Endpoint({ role: "server", maxMessageSize: Infinity, maxEmptyFragments: 1_024 });
  endpoint.congested = true;
  const bytes = encode({ fin: true, rsv1: false, opcode: Opcode.Ping, payload: Uint8Array.of(1, 2, 3) });
  endpoint.receive(bytes);
  assertEquals(endpoint.next(), undefined);
  bytes.fill(0xff);
  endpoint.relieve();
  assertEquals(endpoint.output.take(), Uint8Array.of(0x8a, 3, 1, 2, 3));
});

test("property: parts that wait are not written to, whoever reads them whenever, and memory is lent again", () => {
  const reads = fc.infiniteStream(fc.integer({ min: 1, max: 65_536 }));
  const takes = fc.infiniteStream(fc.nat(3));
  let lent = 0;
  const property = fc.property(reads, takes, (reads, takes) => {
    const endpoint = new Endpoint({ role: "server", maxMessageSize: Infinity, maxEmptyFragments: 1_024 });
    endpoint.stream(Infinity);
    const content = noise(1_048_576, 3);
    const bytes = concat(
      [content.subarray(0, 700_000), content.subarray(700_000)].map((payload, i) =>
        encode({
          fin: i === 1,
          rsv1: false,
          opcode: i === 0 ? Opcode.Binary : Opcode.Continuation,
          payload,
        })
      ),
    );
    const waiting: MessagePart[] = [];
    let at = 0, read = 0;
    const take = () => {
      const { data, lender } = waiting.shift()!;
      assertEquals(data, content.subarray(read, read + data.length));
      read += data.length;
      lender?.giveBack();
    };
    while (at < bytes.length) {
      const room = endpoint.nextBuffer();
      if (room !== undefined) lent++;
      const chunk = bytes.subarray(at, at + Math.min(reads.next().value!, room?.length ?? Infinity));
      at += chunk.length;
      room?.set(chunk);
      endpoint.receive(room?.subarray(0, chunk.length) ?? chunk.slice());
      for (const event of eventsOf(endpoint)) {
        if (isEvent(event, "part")) waiting.push(event.part);
      }
      for (let count = takes.next().value!; count > 0 && waiting.length > 0; count--) take();
    }
    while (waiting.length > 0) take();
    assertEquals(read, content.length);
  });
  check(property, { numRuns: 30 });
  assert(lent > 10, `it was lent ${lent} times`);
});
