/**
 * Masking keys: fresh and unpredictable for each frame (RFC 6455 §5.3, §10.3).
 *
 * @module
 */

/** Random words, fetched 2,048 at a time: one call per frame would cost more than the frame. */
const pool = new Uint32Array(2_048);
let used = pool.length;

/**
 * Draws the key for one frame from the platform's strong source of randomness. No key is given out twice.
 *
 * @returns An integer of 32 bits, as {@linkcode mask} takes it.
 */
export function nextMaskingKey(): number {
  if (used === pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  return pool[used++]!;
}
