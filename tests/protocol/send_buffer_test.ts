import { assertEquals, assertNotEquals } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { type Frame, Opcode, type Role } from "../../lib/protocol/frame.ts";
import { SendBuffer } from "../../lib/protocol/send_buffer.ts";
import { identityOf } from "../support/checked_pool.ts";
import { check } from "../support/property.ts";
import { concat, fromHex, maskNaively, sameBytes, toHex } from "../vectors/hex.ts";

const encoder = new TextEncoder();

/** A header as RFC 6455 §5.2 has it, written down once more. */
function header(first: number, length: number, maskBit: number): Uint8Array {
  if (length < 126) return Uint8Array.of(first, maskBit | length);
  if (length < 65_536) return Uint8Array.of(first, maskBit | 126, length >>> 8, length);
  const high = Math.floor(length / 2 ** 32);
  const long = [
    high >>> 24,
    high >>> 16,
    high >>> 8,
    high,
    length >>> 24,
    length >>> 16,
    length >>> 8,
    length,
  ];
  return Uint8Array.of(first, maskBit | 127, ...long);
}

/** Takes the frames of a role out of its bytes and tells what is wrong with them. */
function faultIn(
  bytes: Uint8Array,
  role: Role,
  frames: readonly [first: number, payload: Uint8Array][],
): string {
  let at = 0;
  for (const [i, [first, payload]] of frames.entries()) {
    const head = header(first, payload.length, role === "client" ? 0x80 : 0);
    const actual = bytes.subarray(at, at + head.length);
    if (!sameBytes(actual, head)) return `header ${i} is ${toHex(actual)}, not ${toHex(head)}`;
    at += head.length;
    const key = role === "client" ? bytes.subarray(at, at + 4) : new Uint8Array(4);
    if (role === "client") at += 4;
    const end = at + payload.length;
    if (!sameBytes(maskNaively(bytes.subarray(at, end), key), payload)) return `payload ${i} differs`;
    at = end;
  }
  return at === bytes.length ? "" : `${bytes.length} bytes, not ${at}`;
}

function textFault(role: Role, texts: readonly string[]): string {
  const buffer = new SendBuffer(role);
  for (const text of texts) buffer.text(text);
  const size = buffer.size;
  const bytes = buffer.take();
  if (size !== bytes.length) return `size ${size}, not ${bytes.length}`;
  return faultIn(bytes, role, texts.map((text) => [0x81, encoder.encode(text)]));
}

/** Texts whose length in UTF-16 units and in bytes lie on different sides of a border, or just at one. */
const TEXTS: readonly (readonly [name: string, text: string])[] = [
  ["an empty text", ""],
  ["48 letters", "a".repeat(48)],
  ["49 letters", "a".repeat(49)],
  ["48 letters, the last not ASCII", "a".repeat(47) + "é"],
  ["62 × é: 124 bytes", "é".repeat(62)],
  ["63 × é: 126 bytes", "é".repeat(63)],
  ["41 × €: 123 bytes", "€".repeat(41)],
  ["42 × €: 126 bytes", "€".repeat(42)],
  ["31 × 😀: 124 bytes of 62 units", "😀".repeat(31)],
  ["32 × 😀: 128 bytes of 64 units", "😀".repeat(32)],
  ["125 letters", "a".repeat(125)],
  ["126 letters", "a".repeat(126)],
  ["127 letters", "a".repeat(127)],
  ["125 × é: 250 bytes", "é".repeat(125)],
  ["125 × €: 375 bytes", "€".repeat(125)],
  ["123 letters and é: 125 bytes", "a".repeat(123) + "é"],
  ["124 letters and é: 126 bytes", "a".repeat(124) + "é"],
  ["65,535 letters", "a".repeat(65_535)],
  ["65,536 letters", "a".repeat(65_536)],
  ["65,533 letters and é: 65,535 bytes", "a".repeat(65_533) + "é"],
  ["65,534 letters and é: 65,536 bytes", "a".repeat(65_534) + "é"],
  ["32,768 × é: 65,536 bytes", "é".repeat(32_768)],
  ["65,535 × €: 196,605 bytes", "€".repeat(65_535)],
  ["a lone high surrogate", "\ud83d"],
  ["a lone low surrogate", "\ude00"],
  ["surrogates in the wrong order", "a\ude00\ud83db"],
  ["42 lone surrogates: 126 bytes", "\ud800".repeat(42)],
  ["60 lone surrogates", "\udfff".repeat(60)],
  ["U+FEFF and U+0000", "\ufeff\0\ufeff"],
];

for (const [name, text] of TEXTS) {
  test(`${name} is encoded as the platform does, for both roles`, () => {
    for (const role of ["server", "client"] as const) {
      assertEquals(textFault(role, [text]), "");
      assertEquals(textFault(role, ["before", text, "behind"]), "");
    }
  });
}

test("random texts in a row are encoded as the platform does, lone surrogates too", () => {
  const units = fc.array(fc.oneof(fc.nat(0x7f), fc.nat(0xffff), fc.integer({ min: 0xd800, max: 0xdfff })), {
    maxLength: 140,
  }).map((units) => String.fromCharCode(...units));
  const ascii = fc.string({ unit: "grapheme-ascii", maxLength: 300 });
  const text = fc.oneof(units, ascii, fc.constantFrom(...TEXTS.map(([, text]) => text)));
  const texts = fc.array(text, { maxLength: 6 });
  const property = fc.property(fc.constantFrom<Role>("server", "client"), texts, (role, texts) => {
    assertEquals(textFault(role, texts), "");
  });
  check(property, { numRuns: 300 });
});

test("frames in a row are encoded one behind the other, for both roles", () => {
  const frame = fc.record({
    fin: fc.boolean(),
    rsv1: fc.boolean(),
    opcode: fc.constantFrom(...Object.values(Opcode)),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom(125, 126, 65_535, 65_536).map((n) => new Uint8Array(n).fill(n)),
    ),
  });
  const frames = fc.array(frame, { maxLength: 6 });
  const property = fc.property(fc.constantFrom<Role>("server", "client"), frames, (role, frames) => {
    const buffer = new SendBuffer(role);
    for (const frame of frames) buffer.frame(frame);
    const expected = frames.map(({ fin, rsv1, opcode, payload }): [number, Uint8Array] => [
      (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode,
      payload,
    ]);
    assertEquals(faultIn(buffer.take(), role, expected), "");
  });
  check(property, { numRuns: 200 });
});

const binary = (payload: Uint8Array): Frame => ({ fin: true, rsv1: false, opcode: Opcode.Binary, payload });

test("a client masks each frame with a key of its own, and never in the caller's bytes", () => {
  const payload = fromHex("61*100");
  const buffer = new SendBuffer("client");
  for (let i = 0; i < 1_000; i++) buffer.frame(binary(payload));
  const bytes = buffer.take();
  const keys = Array.from({ length: 1_000 }, (_, i) => toHex(bytes.subarray(i * 106 + 2, i * 106 + 6)));
  assertEquals(new Set(keys).size >= 999, true);
  assertEquals(payload, fromHex("61*100"));
});

test("texts of a client are masked with a key of their own each", () => {
  const buffer = new SendBuffer("client");
  for (let i = 0; i < 1_000; i++) buffer.text("a");
  const bytes = buffer.take();
  const keys = Array.from({ length: 1_000 }, (_, i) => toHex(bytes.subarray(i * 7 + 2, i * 7 + 6)));
  assertEquals(new Set(keys).size >= 999, true);
});

test("the caller's bytes are free once they are encoded", () => {
  const payload = fromHex("010203");
  const buffer = new SendBuffer("server");
  buffer.frame(binary(payload));
  payload.fill(0xff);
  assertEquals(toHex(buffer.take()), "8203010203");
});

test("bytes that are no frame go ahead of the frames as they are", () => {
  const buffer = new SendBuffer("client");
  buffer.raw(fromHex("47455420"));
  buffer.raw(new Uint8Array(0));
  buffer.text("a");
  const bytes = buffer.take();
  assertEquals(toHex(bytes.subarray(0, 4)), "47455420");
  assertEquals(faultIn(bytes.subarray(4), "client", [[0x81, fromHex("61")]]), "");
});

test("the buffer counts what waits, headers included, and is empty when that is taken", () => {
  const buffer = new SendBuffer("client");
  const sizes = [buffer.size];
  buffer.text("a");
  sizes.push(buffer.size);
  buffer.frame(binary(new Uint8Array(126)));
  sizes.push(buffer.size);
  buffer.text("€".repeat(50));
  sizes.push(buffer.size);
  const taken = buffer.take().length;
  assertEquals([...sizes, taken, buffer.size, buffer.take().length], [0, 7, 141, 299, 299, 0, 0]);
});

test("what was taken is not written to by the frames that follow", () => {
  const buffer = new SendBuffer("server");
  buffer.text("first");
  const first = buffer.take();
  buffer.text("other");
  assertEquals(toHex(first), "8105" + toHex(encoder.encode("first")));
  assertEquals(toHex(buffer.take()), "8105" + toHex(encoder.encode("other")));
});

test("memory that was given back is used again, and none of its old content goes out", () => {
  const buffer = new SendBuffer("server");
  buffer.text("a".repeat(100));
  const first = identityOf(buffer.take());
  buffer.recycle();
  buffer.text("b");
  const second = buffer.take();
  assertEquals(toHex(second), "810162");
  assertEquals(identityOf(second) === first && first !== undefined, true);
  buffer.text("c");
  const third = buffer.take();
  assertNotEquals(third.buffer, second.buffer);
  assertEquals([toHex(second), toHex(third)], ["810162", "810163"]);
});

test("memory that is given back while frames wait does not disturb them", () => {
  const buffer = new SendBuffer("server");
  buffer.text("first");
  buffer.take();
  buffer.text("second");
  buffer.recycle();
  buffer.text("third");
  const expected: [number, Uint8Array][] = ["second", "third"].map((text) => [0x81, encoder.encode(text)]);
  assertEquals(faultIn(buffer.take(), "server", expected), "");
});

test("memory of a large write is not kept", () => {
  const buffer = new SendBuffer("server");
  buffer.frame(binary(new Uint8Array(200_000)));
  const large = identityOf(buffer.take());
  buffer.recycle();
  buffer.text("a");
  const small = buffer.take();
  assertEquals(identityOf(small) === large, false);
  assertEquals(small.buffer.byteLength <= 65_536, true);
});

test("turns of random writes, with their memory given back, come out as if each had its own buffer", () => {
  const turn = fc.record({
    texts: fc.array(fc.string({ unit: "binary", maxLength: 200 })),
    back: fc.boolean(),
  });
  const property = fc.property(fc.array(turn, { maxLength: 8 }), (turns) => {
    const buffer = new SendBuffer("client");
    for (const { texts, back } of turns) {
      for (const text of texts) buffer.text(text);
      const bytes = buffer.take();
      assertEquals(faultIn(bytes, "client", texts.map((text) => [0x81, encoder.encode(text)])), "");
      if (back) buffer.recycle();
    }
  });
  check(property, { numRuns: 100 });
});

test("many small frames cost memory in proportion to their bytes", () => {
  const buffer = new SendBuffer("server");
  for (let i = 0; i < 10_000; i++) buffer.text("0123456789");
  const bytes = buffer.take();
  assertEquals(bytes.length, 120_000);
  assertEquals(bytes.buffer.byteLength <= 2 * 120_000 + 1_024, true);
  assertEquals(bytes.subarray(0, 12), concat([fromHex("810a"), encoder.encode("0123456789")]));
});
