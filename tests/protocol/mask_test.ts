import { assertEquals, assertLess, assertLessOrEqual } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { mask } from "../../lib/protocol/mask.ts";
import { nextMaskingKey } from "../../lib/protocol/masking_key.ts";
import { check } from "../support/property.ts";
import { fromHex, maskNaively, sameBytes, toHex } from "../vectors/hex.ts";
import { splitAt } from "../vectors/splits.ts";

function keyBytes(key: number): Uint8Array {
  return Uint8Array.of(key >>> 24, key >>> 16, key >>> 8, key);
}

/** A copy of the bytes that begins at a place of its own in its buffer. */
function placed(bytes: Uint8Array, byteOffset: number): Uint8Array {
  const buffer = new Uint8Array(bytes.length + byteOffset + 8).fill(0xee);
  buffer.set(bytes, byteOffset);
  return buffer.subarray(byteOffset, byteOffset + bytes.length);
}

const key = fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 0xffff_ffff, 0x8000_0000, 1, 0xff));
const bytes = fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.uint8Array({ minLength: 40, maxLength: 600 }));

test("the RFC's key masks the RFC's Hello (RFC 6455 §5.7)", () => {
  const hello = fromHex("48656c6c6f");
  mask(hello, 0x37fa213d);
  assertEquals(toHex(hello), "7f9f4d5158");
});

test("every length up to 130, at every alignment and offset, is masked as the RFC writes it (§5.3)", () => {
  const pattern = Uint8Array.from({ length: 130 }, (_, i) => i * 37 + 11);
  const wrong: string[] = [];
  for (let length = 0; length <= 130; length++) {
    for (let byteOffset = 0; byteOffset < 8; byteOffset++) {
      for (let offset = 0; offset < 5; offset++) {
        const target = placed(pattern.subarray(0, length), byteOffset);
        mask(target, 0x81fe0203, offset);
        const expected = maskNaively(pattern.subarray(0, length), keyBytes(0x81fe0203), offset);
        const around = new Uint8Array(target.buffer).filter((_, i) =>
          i < byteOffset || i >= byteOffset + length
        );
        if (!sameBytes(target, expected) || around.some((byte) => byte !== 0xee)) {
          wrong.push(`length ${length}, alignment ${byteOffset}, offset ${offset}`);
        }
      }
    }
  }
  assertEquals(wrong, []);
});

test("masking equals the naive loop and is its own inverse", () => {
  const property = fc.property(
    bytes,
    key,
    fc.nat(9),
    fc.nat(2 ** 31 - 1),
    (bytes, key, byteOffset, offset) => {
      const target = placed(bytes, byteOffset);
      mask(target, key, offset);
      assertEquals(toHex(target), toHex(maskNaively(bytes, keyBytes(key), offset)));
      mask(target, key, offset);
      assertEquals(toHex(target), toHex(bytes));
    },
  );
  check(property, { numRuns: 500 });
});

test("masking the whole equals masking its parts, each at its offset", () => {
  const cuts = fc.array(fc.nat(1_000), { maxLength: 6 });
  const property = fc.property(bytes, key, fc.nat(3), cuts, (bytes, key, byteOffset, cuts) => {
    const whole = placed(bytes, 0);
    mask(whole, key);
    const parts = placed(bytes, byteOffset);
    let offset = 0;
    for (const part of splitAt(parts, cuts)) {
      mask(part, key, offset);
      offset += part.length;
    }
    assertEquals(toHex(parts), toHex(whole));
  });
  check(property, { numRuns: 500 });
});

test("an offset past 4 GiB is taken for what it is", () => {
  const target = fromHex("00000000");
  mask(target, 0x01020304, 2 ** 33 + 1);
  assertEquals(toHex(target), "02030401");
});

test("a large payload is masked as the naive loop does it", () => {
  const large = Uint8Array.from({ length: 300_001 }, (_, i) => (i * 7919) >>> 3);
  const target = placed(large, 3);
  mask(target, 0xdeadbeef, 2);
  assertEquals(sameBytes(target, maskNaively(large, keyBytes(0xdeadbeef), 2)), true);
});

const DRAWS = 100_000;

test("masking keys do not repeat more than chance allows (RFC 6455 §10.3)", () => {
  const keys = Array.from({ length: DRAWS }, nextMaskingKey);
  // 1.2 repeats are expected among 10^5 of 2^32; more than 15 happen once in 10^12 runs.
  assertLessOrEqual(DRAWS - new Set(keys).size, 15);
  assertLessOrEqual(keys.filter((key, i) => key === keys[i + 1]).length, 1);
  assertEquals(keys.every((key) => Number.isInteger(key) && key >= 0 && key <= 0xffff_ffff), true);
});

for (const [name, shift] of [["first", 24], ["second", 16], ["third", 8], ["last", 0]] as const) {
  test(`the ${name} byte of masking keys has no preference`, () => {
    const counts = new Uint32Array(256);
    for (let i = 0; i < DRAWS; i++) counts[(nextMaskingKey() >>> shift) & 0xff]!++;
    const expected = DRAWS / 256;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 255 degrees of freedom: mean 255, deviation 22.6.
    assertLess(Math.abs(chiSquare - 255), 180);
  });
}
