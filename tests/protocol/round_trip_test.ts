import { assertEquals } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { type Frame, Opcode, type Role } from "../../lib/protocol/frame.ts";
import { FrameDecoder } from "../../lib/protocol/frame_decoder.ts";
import { headerSize, writeFrame, writeHeader } from "../../lib/protocol/frame_encoder.ts";
import { type Message, MessageAssembler } from "../../lib/protocol/message_assembler.ts";
import { check } from "../support/property.ts";
import { concat, sameBytes, toHex } from "../vectors/hex.ts";
import { splitAt } from "../vectors/splits.ts";
import { copyFrame } from "./replay.ts";

const EDGES = [0, 1, 125, 126, 127, 65_535, 65_536, 65_537];
const KEY = 0x37fa213d;

/** Bytes that differ from place to place, the same for the same seed. */
function filled(size: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let i = 0, state = seed | 1; i < size; i++) {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** The text that stands for a size and a seed, one byte for each character. */
function filledText(size: number, seed: number): Uint8Array<ArrayBuffer> {
  return filled(size, seed).map((byte) => 0x20 + byte % 0x5f);
}

function encode(frames: readonly Frame[], role: Role, keys: readonly number[]): Uint8Array {
  const masked = role === "server";
  return concat(frames.map((frame, i) => {
    const bytes = new Uint8Array(headerSize(frame.payload.length, masked) + frame.payload.length);
    const end = writeFrame(bytes, 0, frame, masked ? keys[i % keys.length]! : undefined);
    if (end !== bytes.length) throw new Error(`The frame took ${end} of ${bytes.length} bytes`);
    return bytes;
  }));
}

function* decode(
  chunks: readonly Uint8Array[],
  options: { role: Role; pieces: boolean },
): Generator<[Frame, number]> {
  const decoder = new FrameDecoder(options);
  for (const chunk of chunks) {
    decoder.push(chunk.slice());
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
      yield [copyFrame(frame), decoder.remaining];
    }
  }
  if (!decoder.idle) throw new Error("The decoder waits for more");
}

/** Tells where two lists of frames first differ; `assertEquals` would take minutes over megabytes. */
function difference(actual: readonly Frame[], expected: readonly Frame[]): string {
  if (actual.length !== expected.length) return `${actual.length} frames, not ${expected.length}`;
  const i = actual.findIndex((frame, i) => {
    const { fin, rsv1, opcode, payload } = expected[i]!;
    const same = frame.fin === fin && frame.rsv1 === rsv1 && frame.opcode === opcode;
    return !same || !sameBytes(frame.payload, payload);
  });
  return i < 0 ? "" : `frame ${i} differs`;
}

/** Decodes frames cut at the given places, whole and in pieces, and tells what is wrong. */
function roundTrip(
  frames: readonly Frame[],
  { role, keys, cuts }: { role: Role; keys: readonly number[]; cuts: readonly number[] },
): string {
  const chunks = splitAt(encode(frames, role, keys), cuts);
  const whole = [...decode(chunks, { role, pieces: false })].map(([frame]) => frame);
  return difference(whole, frames) || pieceFault(frames, { role, chunks });
}

/** Decodes in pieces, puts the messages together, and tells what is wrong with them. */
function pieceFault(
  frames: readonly Frame[],
  { role, chunks }: { role: Role; chunks: readonly Uint8Array[] },
): string {
  const assembler = new MessageAssembler();
  const messages: Message[] = [];
  const controls: Frame[] = [];
  let held = 0;
  let missing = 0;
  for (const [frame, remaining] of decode(chunks, { role, pieces: true })) {
    if (frame.opcode >= 8) {
      controls.push(frame);
      continue;
    }
    held += frame.payload.length;
    missing = remaining;
    const message = assembler.add(frame, remaining) as Message | undefined;
    if (message === undefined) continue;
    if (missing !== 0) return `${missing} bytes are said to be missing from a message that is complete`;
    if (message.length !== held) return `a message has ${message.length} bytes, not ${held}`;
    messages.push(message);
    held = 0;
  }
  const expected = joined(frames);
  const wrong = difference(controls, frames.filter(({ opcode }) => opcode >= 8));
  if (wrong !== "") return `control ${wrong}`;
  if (messages.length !== expected.length) return `${messages.length} messages, not ${expected.length}`;
  const i = messages.findIndex((message, i) => !sameMessage(message, expected[i]!));
  return i < 0 ? "" : `message ${i} differs`;
}

function joined(frames: readonly Frame[]): Message[] {
  const messages: Message[] = [];
  let parts: Frame[] = [];
  for (const frame of frames.filter(({ opcode }) => opcode < 8)) {
    parts.push(frame);
    if (!frame.fin) continue;
    const bytes = concat(parts.map(({ payload }) => payload));
    messages.push(parts[0]!.opcode === Opcode.Text ? new TextDecoder().decode(bytes) : bytes);
    parts = [];
  }
  return messages;
}

function sameMessage(a: Message, b: Message): boolean {
  return typeof a === "string" || typeof b === "string" ? a === b : sameBytes(a, b);
}

for (const size of EDGES) {
  for (const role of ["server", "client"] as const) {
    test(`a frame of ${size} bytes comes back, read by a ${role}, cut near every border`, () => {
      for (const make of [filled, filledText]) {
        const opcode = make === filled ? Opcode.Binary : Opcode.Text;
        const frames = [0, 1].map((seed) => ({ fin: true, rsv1: false, opcode, payload: make(size, seed) }));
        const header = headerSize(size, role === "server");
        const borders = [0, 1, 2, 3, 4, header - 1, header, header + 1, header + size - 1, header + size];
        for (const at of borders) {
          for (const next of [at, at + 1, header + size + 1, 2 * (header + size) - 1]) {
            assertEquals(roundTrip(frames, { role, keys: [KEY, 0], cuts: [at, next] }), "");
          }
        }
      }
    });
  }
}

const size = (max: number): fc.Arbitrary<number> =>
  fc.oneof(
    { arbitrary: fc.constantFrom(...EDGES), weight: 3 },
    { arbitrary: fc.nat(300), weight: 4 },
    { arbitrary: fc.nat(max), weight: 1 },
  );

/** A message in fragments, with control frames between them. */
const message = (max: number): fc.Arbitrary<Frame[]> =>
  fc.record({
    opcode: fc.constantFrom(Opcode.Text, Opcode.Binary),
    seed: fc.nat(),
    fragments: fc.array(
      fc.tuple(
        size(max),
        fc.array(fc.tuple(fc.constantFrom(Opcode.Ping, Opcode.Pong), fc.nat(125)), { maxLength: 2 }),
      ),
      { minLength: 1, maxLength: 4 },
    ),
  }).map(({ opcode, seed, fragments }) =>
    fragments.flatMap(([size, controls], i): Frame[] => {
      const last = i === fragments.length - 1;
      const payload = (opcode === Opcode.Text ? filledText : filled)(size, seed + i);
      return [
        { fin: last, rsv1: false, opcode: i === 0 ? opcode : Opcode.Continuation, payload },
        ...controls.map(([opcode, size]) => ({
          fin: true,
          rsv1: false,
          opcode,
          payload: filled(size, seed + size),
        })),
      ];
    })
  );

/** Places to cut at: anywhere, for they are taken modulo the length. */
const cuts: fc.Arbitrary<number[]> = fc.array(fc.oneof(fc.nat(20), fc.nat(2 ** 31 - 1)), { maxLength: 12 });

const way = fc.record({
  role: fc.constantFrom<Role>("server", "client"),
  keys: fc.array(fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 0xffff_ffff, 0x8000_0000)), {
    minLength: 1,
    maxLength: 3,
  }),
  cuts,
});

test("random frames come back whole and in pieces, however they are cut", () => {
  const property = fc.property(fc.array(message(70_000), { maxLength: 4 }), way, (messages, way) => {
    assertEquals(roundTrip(messages.flat(), way), "");
  });
  check(property, { numRuns: 150 });
});

test("frames of up to 2 MiB come back whole and in pieces, however they are cut", () => {
  const large = fc.record({
    size: fc.integer({ min: 65_536, max: 2 ** 21 }),
    seed: fc.nat(),
    text: fc.boolean(),
  });
  const property = fc.property(large, way, ({ size, seed, text }, way) => {
    const frame: Frame = text
      ? { fin: true, rsv1: false, opcode: Opcode.Text, payload: filledText(size, seed) }
      : { fin: true, rsv1: false, opcode: Opcode.Binary, payload: filled(size, seed) };
    assertEquals(roundTrip([frame], way), "");
  });
  check(property, { numRuns: 8 });
});

test("random frames come back byte by byte", () => {
  const property = fc.property(fc.array(message(400), { maxLength: 4 }), way, (messages, way) => {
    const frames = messages.flat().filter(({ payload }) => payload.length < 1_000);
    // What is left must still be messages: each frame one of its own.
    const own = frames.map((frame) => ({ ...frame, fin: true, opcode: frame.opcode || Opcode.Binary }));
    const length = encode(own, way.role, way.keys).length;
    assertEquals(roundTrip(own, { ...way, cuts: Array.from({ length }, (_, at) => at) }), "");
  });
  check(property, { numRuns: 50 });
});

test("RSV1 comes back, and stands on the first piece alone", () => {
  const payload = filled(300, 1);
  const frame: Frame = { fin: true, rsv1: true, opcode: Opcode.Binary, payload };
  const bytes = encode([frame], "client", []);
  for (const at of [0, 5, 100, 303]) {
    const decoder = new FrameDecoder({ role: "client", rsv1: true, pieces: true });
    const pieces: Frame[] = [];
    for (const chunk of splitAt(bytes, [at])) {
      decoder.push(chunk.slice());
      for (let piece = decoder.next(); piece !== undefined; piece = decoder.next()) {
        pieces.push(copyFrame(piece));
      }
    }
    assertEquals(pieces.map(({ rsv1 }) => rsv1), pieces.map((_, i) => i === 0));
    assertEquals(pieces.map(({ fin }) => fin), pieces.map((_, i) => i === pieces.length - 1));
    assertEquals(concat(pieces.map((piece) => piece.payload)), payload);
  }
});

for (
  const [length, hex] of [
    [0, "8200"],
    [1, "8201"],
    [125, "827d"],
    [126, "827e007e"],
    [127, "827e007f"],
    [255, "827e00ff"],
    [256, "827e0100"],
    [65_535, "827effff"],
    [65_536, "827f0000000000010000"],
    [65_537, "827f0000000000010001"],
    [2 ** 31 - 1, "827f000000007fffffff"],
    [2 ** 31, "827f0000000080000000"],
    [2 ** 32 - 1, "827f00000000ffffffff"],
    [2 ** 32, "827f0000000100000000"],
    [2 ** 32 + 5, "827f0000000100000005"],
    [2 ** 53 - 1, "827f001fffffffffffff"],
  ] as const
) {
  test(`the header of ${length} bytes is in the shortest form (§5.2)`, () => {
    const flags = { fin: true, rsv1: false, opcode: Opcode.Binary };
    const plain = new Uint8Array(20);
    const end = writeHeader(plain, 3, flags, length, undefined);
    assertEquals(toHex(plain.subarray(3, end)), hex);
    assertEquals(end - 3, headerSize(length, false));
    assertEquals(
      toHex(plain.subarray(end)),
      "00".repeat(20 - end),
      "something was written behind the header",
    );

    const masked = new Uint8Array(20);
    const maskedEnd = writeHeader(masked, 3, flags, length, 0xf1e2d3c4);
    const second = (parseInt(hex.slice(2, 4), 16) | 0x80).toString(16);
    assertEquals(toHex(masked.subarray(3, maskedEnd)), `82${second}${hex.slice(4)}f1e2d3c4`);
    assertEquals(maskedEnd - 3, headerSize(length, true));
  });
}

test("a header's first byte is FIN, RSV1 and the opcode (§5.2)", () => {
  const firsts = [true, false].flatMap((fin) =>
    [true, false].flatMap((rsv1) =>
      Object.values(Opcode).map((opcode) => {
        const target = new Uint8Array(2);
        writeHeader(target, 0, { fin, rsv1, opcode }, 0, undefined);
        return toHex(target.subarray(0, 1));
      })
    )
  );
  assertEquals(firsts.join(" "), "c0 c1 c2 c8 c9 ca 80 81 82 88 89 8a 40 41 42 48 49 4a 00 01 02 08 09 0a");
});

test("writing a masked frame leaves its payload and the bytes around it alone", () => {
  const payload = filled(100, 7);
  const before = payload.slice();
  const target = new Uint8Array(120).fill(0xee);
  const end = writeFrame(target, 4, { fin: true, rsv1: false, opcode: Opcode.Binary, payload }, KEY);
  assertEquals(payload, before);
  assertEquals(end, 4 + 6 + 100);
  assertEquals(toHex(target.subarray(0, 4)) + toHex(target.subarray(end)), "ee".repeat(14));
});

test("a decoder is idle between frames alone", () => {
  const bytes = encode(
    [{ fin: true, rsv1: false, opcode: Opcode.Binary, payload: filled(200, 1) }],
    "server",
    [KEY],
  );
  const decoder = new FrameDecoder();
  const idle = Array.from(bytes, (_, at) => {
    decoder.push(bytes.slice(at, at + 1));
    decoder.next();
    return decoder.idle;
  });
  assertEquals(idle.indexOf(true), bytes.length - 1);
  assertEquals(new FrameDecoder().idle, true);
});

test("a frame that lies whole in its chunk is a view of it", () => {
  const chunk = encode(
    [{ fin: true, rsv1: false, opcode: Opcode.Binary, payload: filled(9, 1) }],
    "client",
    [],
  );
  const decoder = new FrameDecoder({ role: "client" });
  decoder.push(chunk);
  assertEquals(decoder.next()?.payload.buffer, chunk.buffer);
});

/** Decodes a frame of 300 bytes in three chunks, in pieces, and tells what the message still lacks after each. */
function lacking(fin: boolean): number[] {
  const frame = { fin, rsv1: false, opcode: Opcode.Binary, payload: filled(300, 1) };
  const chunks = splitAt(encode([frame], "client", []), [104, 204]);
  return [...decode(chunks, { role: "client", pieces: true })].map(([, remaining]) => remaining);
}

test("a decoder in pieces knows how many bytes the message lacks, if the frame is its last", () => {
  assertEquals(lacking(true), [200, 100, 0]);
  assertEquals(lacking(false), [Infinity, Infinity, Infinity]);
});

test("a frame that is gathered is held in a buffer of its own size", () => {
  for (const size of [100, 1_000, 70_000]) {
    const bytes = encode(
      [{ fin: true, rsv1: false, opcode: Opcode.Binary, payload: filled(size, 1) }],
      "server",
      [KEY],
    );
    const chunks = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
    const [[frame]] = [...decode(chunks, { role: "server", pieces: false })] as [[Frame, number]];
    assertEquals([frame.payload.length, frame.payload.buffer.byteLength], [size, size]);
  }
});
