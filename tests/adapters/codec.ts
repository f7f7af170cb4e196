/**
 * Drives the compressor as an endpoint does.
 *
 * @module
 */
import fc from "fast-check";
import { WebSocketError } from "../../lib/errors.ts";
import type { Inflater } from "../../lib/protocol/deflate_codec.ts";
import { concat } from "../vectors/hex.ts";

/** What the compressor cuts off, and the decompressor puts back (RFC 7692 §7.2.1). */
export const TAIL: Uint8Array<ArrayBuffer> = Uint8Array.of(0, 0, 0xff, 0xff);

/** Decompresses a part of a message; `take` gets what comes out, good during the call. */
export function inflatePart(
  inflater: Inflater,
  part: Uint8Array,
  take: (bytes: Uint8Array) => unknown,
): void {
  inflater.write(part);
  for (let bytes = inflater.read(); bytes !== undefined; bytes = inflater.read()) take(bytes);
}

/** Decompresses a message that arrives in parts. */
export function inflateAll(inflater: Inflater, parts: Iterable<Uint8Array>): Uint8Array<ArrayBuffer> {
  const taken: Uint8Array[] = [];
  for (const part of parts) inflatePart(inflater, part, (bytes) => taken.push(bytes.slice()));
  inflater.end();
  return concat(taken);
}

/** Decompresses a message, or gives the code of what is wrong with it; then the inflater is closed. */
export function inflateOrFault(inflater: Inflater, parts: Iterable<Uint8Array>): Uint8Array | string {
  try {
    return inflateAll(inflater, parts);
  } catch (error) {
    inflater.close();
    if (error instanceof WebSocketError) return error.code;
    throw error;
  }
}

/** Bytes that look random, the same for the same seed. */
export function noise(size: number, seed: number): Uint8Array<ArrayBuffer> {
  let state = seed | 1;
  return Uint8Array.from({ length: size }, () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223 | 0;
    return state >>> 24;
  });
}

/** Text as an application sends it, the same for the same seed. */
export function json(size: number, seed: number): Uint8Array<ArrayBuffer> {
  const values = noise(Math.ceil(size / 30) + 1, seed);
  const text = Array.from(
    values,
    (value, id) => JSON.stringify({ id, user: `user-${value}`, ok: value > 99 }),
  );
  return new TextEncoder().encode(text.join(",")).slice(0, size);
}

/** Messages of all kinds: short and long, random, like JSON, and runs of one byte. */
export const messageBytes: fc.Arbitrary<Uint8Array<ArrayBuffer>> = fc.oneof(
  { arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => bytes.slice()), weight: 3 },
  {
    arbitrary: fc.tuple(fc.constantFrom(noise, json), sizes(300_000), fc.nat()).map(([make, size, seed]) =>
      make(size, seed)
    ),
    weight: 3,
  },
  {
    arbitrary: fc.tuple(sizes(300_000), fc.nat(255)).map(([size, byte]) => new Uint8Array(size).fill(byte)),
    weight: 1,
  },
);

/** Sizes up to a maximum, most of them small. */
function sizes(max: number): fc.Arbitrary<number> {
  return fc.oneof(
    { arbitrary: fc.nat(2_000), weight: 4 },
    { arbitrary: fc.nat(70_000), weight: 2 },
    { arbitrary: fc.nat(max), weight: 1 },
    { arbitrary: fc.constantFrom(0, 1, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537, max), weight: 2 },
  );
}
