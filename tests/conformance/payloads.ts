/**
 * Payloads of any size in which no two places look alike, so that nothing can be lost, doubled or moved unseen.
 *
 * @module
 */

import { octets } from "./case.ts";

/** One, two, three and four octets; with the number in front a unit has 17, so that cuts fall everywhere within. */
const TAIL = octets("µ€𝄞");
const DIGITS = 8;
const UNIT = DIGITS + TAIL.length;

const texts = new Map<number, Uint8Array>();
const binaries = new Map<number, Uint8Array>();

/** Valid UTF-8 of just so many octets. */
export function textOf(size: number): Uint8Array {
  return once(texts, size, () => {
    const bytes = new Uint8Array(size).fill(0x2a);
    for (let at = 0; at + UNIT <= size; at += UNIT) {
      writeDigits(bytes, at);
      bytes.set(TAIL, at + DIGITS);
    }
    return bytes;
  });
}

/** ASCII of which every part is different, and valid on its own. */
export function asciiOf(size: number): Uint8Array {
  const bytes = new Uint8Array(size).fill(0x2a);
  for (let at = 0; at + DIGITS <= size; at += DIGITS) writeDigits(bytes, at);
  return bytes;
}

/** So many octets of all kinds. */
export function binaryOf(size: number): Uint8Array {
  return once(binaries, size, () => {
    let state = 1; // xorshift
    return new Uint8Array(size).map(() => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state;
    });
  });
}

function once(known: Map<number, Uint8Array>, size: number, make: () => Uint8Array): Uint8Array {
  const bytes = known.get(size) ?? make();
  known.set(size, bytes);
  return bytes;
}

/** Writes the place itself, in hexadecimal. */
function writeDigits(bytes: Uint8Array, at: number): void {
  for (let i = 0; i < DIGITS; i++) {
    const digit = (at >>> (4 * (DIGITS - 1 - i))) & 15;
    bytes[at + i] = digit < 10 ? 0x30 + digit : 0x57 + digit;
  }
}
