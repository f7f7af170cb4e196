import { assert, assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { zlibCodec } from "../../lib/adapters/zlib/codec.ts";
import { bufferPool } from "../../lib/protocol/buffer_pool.ts";
import { Endpoint } from "../../lib/protocol/endpoint.ts";
import { type Frame, Opcode } from "../../lib/protocol/frame.ts";
import { headerSize, writeFrame } from "../../lib/protocol/frame_encoder.ts";
import { noise } from "../adapters/codec.ts";
import { eventsOf, isEvent } from "../support/endpoint_events.ts";
import { check } from "../support/property.ts";
import { concat } from "../vectors/hex.ts";
import { showEvent } from "./replay.ts";

const LIMITS = { maxMessageSize: 4_194_304, maxEmptyFragments: 1_024 };

function server(): Endpoint {
  return new Endpoint({ role: "server", ...LIMITS });
}

function encode({ payload, ...flags }: Frame): Uint8Array {
  const bytes = new Uint8Array(headerSize(payload.length, true) + payload.length);
  writeFrame(bytes, 0, { ...flags, payload }, 0x1234_5678);
  return bytes;
}

function frame(opcode: Opcode, size: number, fin = true): Frame {
  const payload = Uint8Array.from({ length: size }, (_, i) => 32 + (i * 7 + size) % 90);
  return { fin, rsv1: false, opcode, payload };
}

/** Reads as a socket does that is told where to: `size` bytes into the room there is, or into memory of its own. */
function* read(endpoint: Endpoint, stream: Uint8Array, sizes: Iterable<number>): Generator<"room" | "own"> {
  let at = 0;
  for (const size of sizes) {
    const room = endpoint.nextBuffer();
    const bytes = stream.subarray(at, at + Math.min(size, room?.length ?? Infinity));
    at += bytes.length;
    room?.set(bytes);
    endpoint.receive(room?.subarray(0, bytes.length) ?? bytes.slice());
    yield room === undefined ? "own" : "room";
    if (at === stream.length) return;
  }
}

test("property: messages read into the room there is are those that were sent, whatever is read at a time", () => {
  const size = fc.oneof(fc.nat(200), fc.nat(40_000), fc.constantFrom(65_535, 65_536, 200_000, 1_048_576));
  const message = fc.record({
    text: fc.boolean(),
    sizes: fc.array(size, { minLength: 1, maxLength: 3 }),
    ping: fc.boolean(),
  });
  const messages = fc.array(message, { minLength: 1, maxLength: 4 });
  const reads = fc.infiniteStream(fc.oneof(fc.integer({ min: 1, max: 100_000 }), fc.constant(8_192)));
  const property = fc.property(messages, reads, (messages, reads) => {
    const frames = messages.flatMap(({ text, sizes, ping }) =>
      sizes.flatMap((size, i) => {
        const opcode = i > 0 ? Opcode.Continuation : text ? Opcode.Text : Opcode.Binary;
        const data = frame(opcode, size, i === sizes.length - 1);
        return ping ? [frame(Opcode.Ping, 5), data] : [data];
      })
    );
    const stream = concat(frames.map(encode));
    const events = function (endpoint: Endpoint, chunks: Iterable<unknown>): string[] {
      const lines: string[] = [];
      for (const _ of chunks) for (const event of eventsOf(endpoint)) lines.push(showEvent(event));
      return lines;
    };
    const [whole, parted] = [server(), server()];
    whole.receive(stream.slice());
    assertEquals(events(parted, read(parted, stream, reads)), events(whole, [undefined]));
  });
  check(property, { numRuns: 60 });
});

test("a large message behind its first 8 KiB is read to where it stays, and nothing else is", () => {
  const endpoint = server();
  const stream = concat([
    encode(frame(Opcode.Binary, 1_048_576)),
    encode(frame(Opcode.Ping, 100)),
    encode(frame(Opcode.Binary, 3_000)),
  ]);
  let direct = 0;
  const received: Uint8Array[] = [];
  const reads = read(endpoint, stream, new Array(40).fill(8_192).fill(400_000, 1, 6));
  for (const into of reads) {
    if (into === "room") direct++;
    for (const event of eventsOf(endpoint)) {
      assert(event instanceof Uint8Array);
      received.push(event);
    }
  }
  assertEquals(received.map(({ length }) => length), [1_048_576, 3_000]);
  assertEquals(received[0]!.buffer.byteLength, 1_048_576);
  assertGreaterOrEqual(direct, 3);
  assertLessOrEqual(direct, 5);
});

/** Gives bytes to an endpoint that must have no event for them; returns how much room there is then. */
function roomAfter(endpoint: Endpoint, bytes: Uint8Array): number | undefined {
  endpoint.receive(bytes.slice());
  assertEquals([...eventsOf(endpoint)], []);
  return endpoint.nextBuffer()?.length;
}

test("there is room for what a frame lacks, if that is much, and as long as the message is wanted", () => {
  const endpoint = server();
  const bytes = encode(frame(Opcode.Binary, 100_000));
  assertEquals(endpoint.nextBuffer(), undefined);
  assertEquals(roomAfter(endpoint, bytes.subarray(0, 14)), undefined, "nothing of the payload has come");
  assertEquals(roomAfter(endpoint, bytes.subarray(14, 8_192)), bytes.length - 8_192);
  assertEquals(roomAfter(endpoint, bytes.subarray(8_192, -4_096)), 4_096);
  assertEquals(roomAfter(endpoint, bytes.subarray(-4_096, -4_095)), undefined, "4,095 bytes are missing");
  const other = server();
  assertEquals(roomAfter(other, bytes.subarray(0, 8_192)), bytes.length - 8_192);
  other.sendClose({ closeCode: 1000, reason: "" });
  assertEquals(other.nextBuffer(), undefined);
});

test("the room ends with the frame, though its message goes on", () => {
  const endpoint = server();
  const bytes = encode(frame(Opcode.Binary, 100_000, false));
  assertEquals(roomAfter(endpoint, bytes.subarray(0, 90_000)), bytes.length - 90_000);
  assertEquals(roomAfter(endpoint, bytes.subarray(90_000)), undefined);
  const next = encode(frame(Opcode.Continuation, 20_000, false));
  assertEquals(roomAfter(endpoint, next.subarray(0, 8)), 20_000, "only its header has come");
});

test("what is compressed is read to memory of its own", () => {
  const settings = { windowBits: 15, memLevel: 8, level: 1, takeover: false };
  const inflater = zlibCodec.inflater(settings);
  const deflate = { inflater, deflater: undefined, threshold: 0, optional: true, profile: "" };
  const endpoint = new Endpoint({ role: "server", ...LIMITS, deflate });
  const payload = zlibCodec.deflater(settings).deflate(noise(100_000, 1)).slice();
  const bytes = encode({ fin: true, rsv1: true, opcode: Opcode.Binary, payload });
  assertEquals(roomAfter(endpoint, bytes.subarray(0, 8_192)), undefined);
});

test("memory that was lent to be read into never belongs to the pool, whatever becomes of the message", () => {
  const ends: readonly ((endpoint: Endpoint) => void)[] = [
    (endpoint) => endpoint.sendClose({ closeCode: 1000, reason: "" }),
    (endpoint) => endpoint.peerEnded(),
    (endpoint) => {
      endpoint.stream(Infinity);
      const room = endpoint.nextBuffer();
      endpoint.receive(new Uint8Array(room?.length ?? 4_096));
      assertEquals([...eventsOf(endpoint)].length, 1);
    },
    (endpoint) => {
      const room = endpoint.nextBuffer()!;
      endpoint.receive(room);
      endpoint.receive(new Uint8Array(1));
      assertEquals([...eventsOf(endpoint)], []);
      endpoint.nextBuffer();
    },
  ];
  for (const end of ends) {
    const endpoint = server();
    // Announced as 4 MiB, of which a little comes: the buffer comes from the pool.
    endpoint.receive(encode(frame(Opcode.Binary, 4_194_304)).slice(0, 8_192));
    assertEquals([...eventsOf(endpoint)], []);
    const room = endpoint.nextBuffer()!;
    end(endpoint);
    assertGreaterOrEqual(room.length, 8_192, "it was given back, and so moved");
    const others = Array.from({ length: 64 }, () => bufferPool.borrow(room.buffer.byteLength));
    assert(others.every(({ buffer }) => buffer !== room.buffer));
    others.forEach((buffer) => bufferPool.giveBack(buffer));
  }
});

test("a part that came to memory lent before messages were streamed is not written to", () => {
  const endpoint = server();
  endpoint.receive(encode(frame(Opcode.Binary, 0, false)));
  assertEquals([...eventsOf(endpoint)], []);
  endpoint.receive(encode(frame(Opcode.Continuation, 5_000)).slice(0, 8));
  assertEquals([...eventsOf(endpoint)], []);
  const room = endpoint.nextBuffer()!;
  endpoint.stream(Infinity);
  room.fill(1);
  endpoint.receive(room.subarray(0, 900));
  const [event] = [...eventsOf(endpoint)];
  assert(isEvent(event, "part") && typeof event.part.data !== "string");
  const before = event.part.data.slice();
  assertEquals(before.length, 900);
  endpoint.receive(new Uint8Array(4_100).fill(2));
  assertEquals([...eventsOf(endpoint)].length, 1);
  for (let i = 0; i < 8; i++) {
    endpoint.sendMessage(new Uint8Array(900).fill(122));
    endpoint.output.take();
  }
  assertEquals(event.part.data, before);
});
