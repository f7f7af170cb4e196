/**
 * Buffers that are used again and again, for frames on their way out and messages on their way in: fresh ones cost a page
 * fault for every 4 KiB and a collection later, and idle connections shall hold none.
 *
 * @module
 */

/** The smallest and the largest buffers that are kept, as powers of two: 1 KiB and 2 MiB. */
const MIN_BITS = 10;
const MAX_BITS = 21;

/** How many bytes of buffers of one size are kept, and how many buffers at least: 10 MiB in all. */
const MAX_KEPT = 524_288;
const MIN_COUNT = 2;

/** The buffers that nobody uses, by the exponent of their size. */
const free: Uint8Array[][] = Array.from({ length: MAX_BITS + 1 }, () => []);

/**
 * Lends a buffer; its content is arbitrary.
 *
 * @param size How many bytes it must have at least. Up to 2 MiB it has the next power of two.
 */
export function borrowBuffer(size: number): Uint8Array {
  if (size > 2 ** MAX_BITS) return new Uint8Array(size);
  const bits = size <= 2 ** MIN_BITS ? MIN_BITS : 32 - Math.clz32(size - 1);
  return free[bits]!.pop() ?? new Uint8Array(2 ** bits);
}

/** Takes a buffer back that {@linkcode borrowBuffer} lent and nobody uses any more. */
export function returnBuffer(buffer: Uint8Array): void {
  const bits = 31 - Math.clz32(buffer.length);
  const kept = free[bits];
  if (kept === undefined || buffer.length !== 2 ** bits) return;
  if (kept.length < Math.max(MIN_COUNT, MAX_KEPT / buffer.length)) kept.push(buffer);
}
