/**
 * Makes what a peer may send once the handshake is done: right, nearly right, or noise.
 *
 * @module
 */

import fc from "fast-check";
import { constants, deflateRawSync } from "node:zlib";
import type { Role } from "../../lib/protocol/frame.ts";
import { type Block, type Token, writeBlocks } from "../vectors/deflate_blocks.ts";
import { concat, maskNaively } from "../vectors/hex.ts";
import { latin1 } from "../vectors/splits.ts";

/** What was agreed on for the direction that is received. */
export interface Agreed {
  readonly bits: number;
  readonly takeover: boolean;
}

/** All that one end receives, and what it knows beforehand. */
export interface Stream {
  /** Who receives it. */
  readonly role: Role;
  readonly deflate: Agreed | undefined;
  readonly maxMessageSize: number;
  readonly maxEmptyFragments: number;
  readonly bytes: Uint8Array;
}

/** A frame as its sender wants it, fit for the wire or not. */
interface Draft {
  /** FIN, RSV1 to RSV3, opcode. */
  readonly first: number;
  readonly payload: Uint8Array;
  /** How many bytes the length takes, at least. */
  readonly lengthSize?: number;
}

/** What is done to the bytes on their way. */
interface Damage {
  /** Where; counted from the beginning of some frame, so that headers are hit as often as payloads. */
  readonly frame: number;
  readonly at: number;
  readonly kind: "flip" | "set" | "drop" | "insert";
  readonly value: number;
}

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength, size: "max" });

const words = fc.constantFrom("", "a", "Hello", "é", "\u{1f600}", "\ufeff", "a".repeat(125), "b".repeat(130));
const text = fc.array(words, { maxLength: 3 }).map((parts) => new TextEncoder().encode(parts.join("")));
/** A surrogate, overlong forms, what lies above U+10FFFF, and characters that are not whole. */
const noText = fc.tuple(
  text,
  fc.constantFrom(
    "\xed\xa0\x80",
    "\xc0\x80",
    "\xe0\x80\x80",
    "\xf0\x80\x80\x80",
    "\xf4\x90\x80\x80",
    "\xe2\x82",
  ),
  text,
).map(([before, wrong, after]) => concat([before, latin1(wrong), after]));
/** Mostly text. */
const data = fc.oneof(
  { arbitrary: text, weight: 5 },
  { arbitrary: bytes(20), weight: 2 },
  { arbitrary: noText, weight: 1 },
);

const token: fc.Arbitrary<Token> = fc.oneof(
  { arbitrary: fc.constantFrom("a", "bc", "Hello", "\xc3\xa9", "\xf0\x9f", "\xff"), weight: 4 },
  {
    arbitrary: fc.tuple(
      fc.constantFrom(3, 4, 10, 258),
      fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(40, 256, 512, 513, 32_768)),
    ),
    weight: 3,
  },
);
const block: fc.Arbitrary<Block> = fc.oneof(
  fc.record({
    fixed: fc.array(token, { maxLength: 4 }),
    final: fc.constantFrom(false, false, false, true),
  }),
  fc.record({
    stored: fc.constantFrom("", "a", "Hello", "\xe2\x82", "\xac"),
    final: fc.constantFrom(false, true),
  }),
);

/** The payload of a compressed message, most of the time a right one. */
const compressed: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.tuple(data, fc.constantFrom(9, 15), fc.constantFrom(0, 1, 9)).map(([data, windowBits, level]) =>
    deflateRawSync(data, { windowBits, level, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
  ),
  fc.tuple(fc.array(block, { maxLength: 3 }), fc.constantFrom(true, true, true, false)).map(
    ([blocks, ended]) => ended ? writeBlocks([...blocks, { stored: "" }]).slice(0, -4) : writeBlocks(blocks),
  ),
);

const lengthSize = fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 8);
const control: fc.Arbitrary<Draft> = fc.record({
  first: fc.constantFrom(0x89, 0x8a),
  payload: fc.oneof(bytes(4), bytes(4), fc.constantFrom(125, 126).map((size) => new Uint8Array(size))),
});

interface MessageDraft {
  readonly opcode: number;
  readonly packed: boolean;
  readonly payload: Uint8Array;
  /** Where it is cut into fragments. */
  readonly cuts: readonly number[];
  /** What comes between the fragments. */
  readonly between: readonly Draft[];
  readonly lengthSize: number;
}

/** A message in fragments, with control frames among them. */
function framesOf({ opcode, packed, payload, cuts, between, lengthSize }: MessageDraft): Draft[] {
  const places = [0, ...cuts.map((cut) => cut % (payload.length + 1)).sort((a, b) => a - b), payload.length];
  return places.slice(1).flatMap((end, i) => {
    const fin = i === cuts.length ? 0x80 : 0;
    const start = i === 0 ? (packed ? 0x40 : 0) | opcode : 0;
    const fragment = { first: fin | start, payload: payload.subarray(places[i], end), lengthSize };
    return i > 0 && i <= between.length ? [between[i - 1]!, fragment] : [fragment];
  });
}

const messageOf = (packed: boolean, payload: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Draft[]> =>
  fc.record({
    opcode: fc.constantFrom(1, 1, 2),
    packed: fc.constant(packed),
    payload,
    cuts: fc.oneof(fc.constant([]), fc.array(fc.nat(300), { maxLength: 4 })),
    between: fc.array(control, { maxLength: 2 }),
    lengthSize,
  }).map(framesOf);

const closeCode = fc.oneof(
  fc.constantFrom(1000, 1001, 1007, 1014, 3000, 4999),
  fc.constantFrom(0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535),
);
const close: fc.Arbitrary<Draft> = fc.oneof(
  fc.constantFrom("", "\x03", "\x03\xe8").map((payload) => latin1(payload)),
  fc.tuple(closeCode, data).map(([code, reason]) => concat([Uint8Array.of(code >> 8, code), reason])),
).map((payload) => ({ first: 0x88, payload }));

const oddFrame: fc.Arbitrary<Draft> = fc.record({ first: fc.nat(255), payload: bytes(6), lengthSize });

const [plainFrames, packedFrames] = [0, 12].map((weight) =>
  fc.array(
    fc.oneof(
      { arbitrary: messageOf(false, data), weight: 6 },
      { arbitrary: messageOf(true, compressed), weight },
      { arbitrary: control.map((frame) => [frame]), weight: 3 },
      { arbitrary: close.map((frame) => [frame]), weight: 1 },
      { arbitrary: oddFrame.map((frame) => [frame]), weight: 1 },
    ),
    { maxLength: 5 },
  ).map((parts) => parts.flat())
) as [fc.Arbitrary<Draft[]>, fc.Arbitrary<Draft[]>];

const damage: fc.Arbitrary<Damage> = fc.record({
  frame: fc.nat(20),
  at: fc.oneof(fc.nat(5), fc.nat(40)),
  kind: fc.constantFrom("flip", "flip", "set", "drop", "insert"),
  value: fc.nat(255),
});

function writeFrame({ first, payload, lengthSize = 0 }: Draft, key: Uint8Array | undefined): Uint8Array {
  const size = Math.max(lengthSize, payload.length < 126 ? 0 : 2);
  const length = Array.from({ length: size }, (_, i) => payload.length / 256 ** (size - 1 - i));
  const form = size === 0 ? payload.length : size === 2 ? 126 : 127;
  const header = Uint8Array.of(first, form | (key === undefined ? 0 : 0x80), ...length);
  return key === undefined ? concat([header, payload]) : concat([header, key, maskNaively(payload, key)]);
}

function inflict(frames: readonly Uint8Array[], damages: readonly Damage[]): Uint8Array {
  const damaged = frames.map((frame) => [...frame]);
  for (const { frame, at, kind, value } of damages) {
    const bytes = damaged[frame % damaged.length];
    if (bytes === undefined || at >= bytes.length) continue;
    if (kind === "flip") bytes[at]! ^= 1 << (value & 7);
    else if (kind === "set") bytes[at] = value;
    else bytes.splice(at, kind === "drop" ? 1 : 0, ...kind === "drop" ? [] : [value]);
  }
  return Uint8Array.from(damaged.flat());
}

const keys = [0x37fa213d, 0, 0xffffffff, 0x00ff0001].map((key) =>
  Uint8Array.of(key >>> 24, key >>> 16, key >>> 8, key)
);

const terms = {
  role: fc.constantFrom<Role>("server", "client"),
  maxMessageSize: fc.constantFrom(1_048_576, 1_048_576, 1_048_576, 300, 7, 0),
  maxEmptyFragments: fc.constantFrom(1_024, 2, 0),
};
const agreed: fc.Arbitrary<Agreed> = fc.record({ bits: fc.constantFrom(9, 10, 15), takeover: fc.boolean() });

const streamOf = (
  deflate: fc.Arbitrary<Agreed | undefined>,
  frames: fc.Arbitrary<Draft[]>,
): fc.Arbitrary<Stream> =>
  fc.record({
    ...terms,
    deflate,
    frames,
    damages: fc.oneof(fc.constant([]), fc.array(damage, { maxLength: 3 })),
    missing: fc.oneof(fc.constant(0), fc.nat(40)),
    key: fc.nat(3),
  }).map(({ frames, damages, missing, key, ...terms }) => {
    const masked = terms.role === "server";
    const sent = frames.map((frame, i) => writeFrame(frame, masked ? keys[(key + i) % 4] : undefined));
    const bytes = inflict(sent, damages);
    return { ...terms, bytes: bytes.subarray(0, Math.max(0, bytes.length - missing)) };
  });

/** Streams of frames, about half of them with a fault. */
export const framesStream: fc.Arbitrary<Stream> = fc.oneof(
  streamOf(fc.constant(undefined), plainFrames),
  streamOf(agreed, packedFrames),
);

/** Noise, the first bytes of it often a frame's. */
export const noiseStream: fc.Arbitrary<Stream> = fc.tuple(
  fc.record({ ...terms, deflate: fc.oneof(fc.constant(undefined), agreed) }),
  fc.constantFrom([], [0x81], [0x82, 0x85], [0xc1, 0x90], [0x01, 0x03], [0x88, 0x82], [0x82, 0xff], [
    0x82,
    0x7f,
  ]),
  bytes(48),
).map(([terms, head, rest]) => ({ ...terms, bytes: Uint8Array.of(...head, ...rest) }));

/** Where the network cuts. */
export const cuts: fc.Arbitrary<readonly number[]> = fc.oneof(
  fc.constant([]),
  fc.array(fc.nat(65_535), { maxLength: 8, size: "max" }),
);
