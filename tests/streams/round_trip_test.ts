import { assertEquals } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { type Frame, Opcode } from "../../lib/protocol/frame.ts";
import { FrameDecoderStream } from "../../lib/streams/frame_decoder_stream.ts";
import { FrameEncoderStream } from "../../lib/streams/frame_encoder_stream.ts";
import { MessageDecoderStream } from "../../lib/streams/message_decoder_stream.ts";
import { MessageEncoderStream } from "../../lib/streams/message_encoder_stream.ts";
import { otherRole, showFrame } from "../protocol/replay.ts";
import { check } from "../support/property.ts";
import { concat, show, toHex } from "../vectors/hex.ts";
import { splitAt } from "../vectors/splits.ts";
import { collect, sourceOf } from "./drive.ts";

const message = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.uint8Array({ maxLength: 200 }),
  fc.constantFrom<string | Uint8Array>("", "é".repeat(63), "a".repeat(70_000), new Uint8Array(65_536)),
);
const role = fc.constantFrom("server" as const, "client" as const);
const cuts = fc.array(fc.nat(2 ** 31 - 1), { maxLength: 10 });
const slow = fc.integer({ min: 0, max: 9 }).map((n) => n === 0);

const line = (message: string | Uint8Array): string =>
  typeof message === "string" ? JSON.stringify(message) : show(message);

/** Encodes with one role and gathers the bytes. */
async function encode(frames: ReadableStream<Frame>, role: "server" | "client"): Promise<Uint8Array[]> {
  return (await collect(frames.pipeThrough(new FrameEncoderStream({ role })))).items;
}

test("messages come back through all four streams, however the bytes are cut", async () => {
  const property = fc.asyncProperty(
    fc.array(message),
    role,
    cuts,
    slow,
    async (messages, role, cuts, slow) => {
      const encoded = await encode(sourceOf(messages).readable.pipeThrough(new MessageEncoderStream()), role);
      const decoded = sourceOf(splitAt(concat(encoded), cuts)).readable
        .pipeThrough(new FrameDecoderStream({ role: otherRole(role) }))
        .pipeThrough(new MessageDecoderStream());
      const { items, error } = await collect(decoded, { slow });
      assertEquals(error, undefined);
      assertEquals(items.map(line), messages.map(line));
    },
  );
  await check(property, { numRuns: 60 });
});

test("frames come back through encoder and decoder, one chunk of bytes for each", async () => {
  const control = fc.record({
    fin: fc.constant(true),
    rsv1: fc.constant(false),
    opcode: fc.constantFrom(Opcode.Ping, Opcode.Pong, Opcode.Close),
    payload: fc.uint8Array({ maxLength: 125 }),
  });
  const binary = fc.record({
    fin: fc.constant(true),
    rsv1: fc.boolean(),
    opcode: fc.constantFrom(Opcode.Binary, Opcode.Text),
    payload: fc.uint8Array({ maxLength: 300 }),
  });
  const frames = fc.array(fc.oneof(control, binary));
  const property = fc.asyncProperty(frames, role, cuts, async (frames, role, cuts) => {
    const encoded = await encode(sourceOf(frames).readable, role);
    assertEquals(encoded.length, frames.length);
    const decoder = new FrameDecoderStream({ role: otherRole(role), rsv1: true });
    const { items, error } = await collect(
      sourceOf(splitAt(concat(encoded), cuts)).readable.pipeThrough(decoder),
    );
    assertEquals(error, undefined);
    assertEquals(items.map(showFrame), frames.map(showFrame));
  });
  await check(property, { numRuns: 60 });
});

for (const role of ["server", "client"] as const) {
  test(`a ${role}'s decoder leaves the chunks that it is given as they are`, async () => {
    const messages = ["Hello", new Uint8Array(300).fill(7), "a".repeat(1_000)];
    const encoded = await encode(
      sourceOf(messages).readable.pipeThrough(new MessageEncoderStream()),
      otherRole(role),
    );
    const bytes = concat(encoded);
    const chunks = splitAt(bytes, [3, 100, 800]).map((chunk) => chunk.slice());
    const before = chunks.map(toHex);
    const { items } = await collect(
      sourceOf(chunks).readable
        .pipeThrough(new FrameDecoderStream({ role }))
        .pipeThrough(new MessageDecoderStream()),
    );
    assertEquals(items.map(line), messages.map(line));
    assertEquals(chunks.map(toHex), before);
  });

  test(`a ${role}'s frames are its own: a chunk may be overwritten once its write is done`, async () => {
    const [encoded] = await encode(
      sourceOf([new Uint8Array(50).fill(7)]).readable.pipeThrough(new MessageEncoderStream()),
      otherRole(role),
    );
    const stream = new FrameDecoderStream({ role });
    const [reader, writer] = [stream.readable.getReader(), stream.writable.getWriter()];
    const read = reader.read();
    await writer.write(encoded!);
    encoded!.fill(0xff);
    assertEquals((await read).value?.payload, new Uint8Array(50).fill(7));
    await reader.cancel();
  });
}

test("an encoder leaves payloads as they are, and masks for a client with a key of its own each", async () => {
  const payload = new Uint8Array(60).fill(0x61);
  const frame: Frame = { fin: true, rsv1: false, opcode: Opcode.Binary, payload };
  const encoded = await encode(sourceOf(Array.from({ length: 200 }, () => frame)).readable, "client");
  assertEquals(payload, new Uint8Array(60).fill(0x61));
  assertEquals(new Set(encoded.map((bytes) => toHex(bytes.subarray(2, 6)))).size >= 199, true);
  assertEquals(encoded.every((bytes) => bytes[0] === 0x82 && bytes[1] === 0x80 + 60), true);
});

test("an encoder is a server's unless told otherwise: it does not mask", async () => {
  const frame: Frame = { fin: true, rsv1: false, opcode: Opcode.Text, payload: Uint8Array.of(0x61) };
  const { items } = await collect(sourceOf([frame]).readable.pipeThrough(new FrameEncoderStream()));
  assertEquals(items.map(toHex), ["810161"]);
});

test("a decoder is a server's unless told otherwise: it demands masked frames", async () => {
  const { items } = await collect(
    sourceOf([Uint8Array.of(0x81, 0x81, 0, 0, 0, 0, 0x61)]).readable.pipeThrough(new FrameDecoderStream()),
  );
  assertEquals(items.map(showFrame), ["81 61"]);
});

test("each kind of bytes becomes a binary frame of exactly what it shows", async () => {
  const buffer = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7).buffer;
  const messages = [
    buffer,
    new Uint8Array(buffer, 2, 3),
    new DataView(buffer, 1, 2),
    new Uint16Array(buffer, 4, 1),
    new ArrayBuffer(0),
    "é\ud800",
  ];
  const { items } = await collect(sourceOf(messages).readable.pipeThrough(new MessageEncoderStream()));
  assertEquals(items.map(showFrame), [
    "82 0001020304050607",
    "82 020304",
    "82 0102",
    "82 0405",
    "82 ",
    "81 c3a9efbfbd",
  ]);
});

test("empty chunks change nothing", async () => {
  const empty = new Uint8Array(0);
  const chunks = [
    empty,
    Uint8Array.of(0x81),
    empty,
    Uint8Array.of(0x02, 0x61),
    empty,
    Uint8Array.of(0x62),
    empty,
  ];
  const { items, error } = await collect(
    sourceOf(chunks).readable.pipeThrough(new FrameDecoderStream({ role: "client" })),
  );
  assertEquals([items.map(showFrame), error], [["81 6162"], undefined]);
});
