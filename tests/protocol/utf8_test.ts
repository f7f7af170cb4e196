import { assertEquals, assertThrows } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { WebSocketError } from "../../lib/errors.ts";
import { decodeUtf8, Utf8Validator } from "../../lib/protocol/utf8.ts";
import { check } from "../support/property.ts";
import { concat, fromHex, toHex } from "../vectors/hex.ts";
import { everySplit, splitAt } from "../vectors/splits.ts";

const platform = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** What the platform's decoder makes of bytes. */
function expected(bytes: Uint8Array): string | undefined {
  try {
    return platform.decode(bytes);
  } catch {
    return undefined;
  }
}

function actual(bytes: Uint8Array): string | undefined {
  try {
    return decodeUtf8(bytes);
  } catch (error) {
    if (!(error instanceof WebSocketError) || error.code !== "invalid-utf8") throw error;
    return undefined;
  }
}

function validates(parts: Iterable<Uint8Array>): boolean {
  const validator = new Utf8Validator();
  for (const part of parts) if (!validator.write(part)) return false;
  return validator.end();
}

const EDGES = [
  0x00,
  0x7f,
  0x80,
  0x8f,
  0x90,
  0x9f,
  0xa0,
  0xbf,
  0xc0,
  0xc1,
  0xc2,
  0xdf,
  0xe0,
  0xe1,
  0xec,
  0xed,
  0xee,
]
  .concat([0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xff]);

/** Any text, in bytes. */
const text = fc.string({ unit: "binary", maxLength: 60 }).map((text) => encoder.encode(text));

/** Bytes that are nearly text: good text with bytes put in, taken out or cut off, or only edges. */
const nearText = fc.oneof(
  text,
  fc.uint8Array({ maxLength: 60 }),
  fc.array(fc.constantFrom(...EDGES), { maxLength: 12 }).map((bytes) => Uint8Array.from(bytes)),
  fc.tuple(text, fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => {
    if (bytes.length > 0) bytes[at % bytes.length] = byte;
    return bytes;
  }),
  fc.tuple(text, fc.nat()).map(([bytes, at]) => bytes.slice(0, at % (bytes.length + 1))),
  fc.tuple(text, fc.nat(), fc.constantFrom(...EDGES)).map(([bytes, at, byte]) => {
    const cut = at % (bytes.length + 1);
    return concat([bytes.subarray(0, cut), Uint8Array.of(byte), bytes.subarray(cut)]);
  }),
);

test("the validator accepts what the platform's decoder accepts, at every cut", () => {
  const property = fc.property(nearText, (bytes) => {
    const valid = expected(bytes) !== undefined;
    for (const parts of everySplit(bytes)) {
      if (validates(parts) !== valid) {
        assertEquals(validates(parts), valid, `${toHex(bytes)} in ${parts.map(toHex)}`);
      }
    }
  });
  check(property, { numRuns: 1_000 });
});

test("the validator's verdict does not depend on many cuts and empty parts", () => {
  const property = fc.property(nearText, fc.array(fc.nat(60), { maxLength: 8 }), (bytes, cuts) => {
    assertEquals(validates(splitAt(bytes, cuts)), expected(bytes) !== undefined);
  });
  check(property, { numRuns: 1_000 });
});

/** Every beginning of up to four bytes that some code point has, as one number each: by their lengths. */
function beginnings(): Set<number>[] {
  const found = [new Set([0]), new Set<number>(), new Set<number>(), new Set<number>(), new Set<number>()];
  for (let start = 0; start <= 0x10ffff; start += 0x800) {
    if (start === 0xd800) continue;
    const block = String.fromCodePoint(...Array.from({ length: 0x800 }, (_, i) => start + i));
    let prefix = 0;
    let length = 0;
    for (const byte of encoder.encode(block)) {
      if ((byte & 0xc0) !== 0x80) prefix = length = 0;
      prefix = prefix * 256 + byte;
      found[++length]!.add(prefix);
    }
  }
  return found;
}

/** How many bytes a sequence has, by its first one. */
function sequenceLength(first: number): number {
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

test("the validator rejects at the first impossible byte, exhaustively up to the third (RFC 3629 §4)", () => {
  const possible = beginnings();
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const wrong: string[] = [];
  const buffer = new Uint8Array(4);
  const sequences = [1, 2, 3, 4].map((length) => buffer.subarray(0, length));
  const extend = (prefix: number, length: number): void => {
    const sequence = sequences[length]!;
    // All ranges of a fourth byte are alike: its edges are enough.
    for (const byte of length < 3 ? bytes : EDGES) {
      const next = prefix * 256 + byte;
      const isPossible = possible[length + 1]!.has(next);
      sequence[length] = byte;
      if (new Utf8Validator().write(sequence) !== isPossible) wrong.push(toHex(sequence));
      if (isPossible && length + 1 < sequenceLength(sequence[0]!)) extend(next, length + 1);
    }
  };
  extend(0, 0);
  assertEquals(wrong, []);
});

test("the validator knows an end in the middle of a code point", () => {
  const ends = ["", "61", "c3", "c3a9", "e2", "e282", "e282ac", "f0", "f09f", "f09f98", "f09f9880"].map(
    (hex) => {
      const validator = new Utf8Validator();
      return validator.write(fromHex(hex)) && validator.end();
    },
  );
  assertEquals(ends, [true, true, false, true, false, false, true, false, false, false, true]);
});

test("the validator begins anew behind an end, whatever that was", () => {
  for (const cut of ["e0", "ed", "f0", "f4", "e282", "c3"]) {
    const validator = new Utf8Validator();
    validator.write(fromHex(cut));
    assertEquals(validator.end(), false);
    assertEquals(validator.write(fromHex("80")), false);
    const other = new Utf8Validator();
    other.write(fromHex(cut));
    other.end();
    assertEquals([other.write(fromHex("e282ac c280 f1808080")), other.end()], [true, true]);
  }
});

test("decoding gives what the platform's decoder gives, for random text", () => {
  const property = fc.property(fc.string({ unit: "binary", maxLength: 120 }), (text) => {
    assertEquals(decodeUtf8(encoder.encode(text)), text);
  });
  check(property, { numRuns: 1_000 });
});

test("decoding gives what the platform's decoder gives, for random bytes", () => {
  const property = fc.property(nearText, (bytes) => assertEquals(actual(bytes), expected(bytes)));
  check(property, { numRuns: 2_000 });
});

test("decoding gives what the platform's decoder gives for ASCII of every length, and one odd byte anywhere", () => {
  for (let length = 0; length <= 130; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => i % 128);
    assertEquals(actual(bytes), expected(bytes));
    for (const at of [0, length >> 1, length - 1]) {
      const odd = bytes.slice();
      odd[at] = 0xe9;
      assertEquals(actual(odd), expected(odd), `${length} bytes, odd at ${at}`);
    }
  }
});

test("decoding keeps U+FEFF, first and elsewhere", () => {
  for (const text of ["\ufeff", "\ufeffa", "a\ufeff", "\ufeff\ufeff", "\ufeff" + "a".repeat(100)]) {
    assertEquals(decodeUtf8(encoder.encode(text)), text);
  }
});

test("decoding reads a view, not its buffer", () => {
  const bytes = encoder.encode("before\u20acbehind");
  assertEquals(decodeUtf8(bytes.subarray(6, 9)), "\u20ac");
  assertEquals(decodeUtf8(bytes.subarray(2, 5)), "for");
});

test("a text that failed leaves nothing behind for the next one", () => {
  assertThrows(() => decodeUtf8(fromHex("61 e2 82")), WebSocketError);
  assertEquals(decodeUtf8(fromHex("61")), "a");
  assertEquals(decodeUtf8(encoder.encode("\u20ac")), "\u20ac");
});

test("decoding 2 MiB of every kind of code point gives the same text", () => {
  const text = "a\u00e9\u20ac\u{1f600}".repeat(200_000);
  assertEquals(decodeUtf8(encoder.encode(text)) === text, true);
});
