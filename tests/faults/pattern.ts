/**
 * Messages whose bytes tell where they belong: one that is lost, doubled, moved or damaged changes the digest of all.
 *
 * @module
 */

/** How long the messages are, in bytes. */
export const MESSAGE_SIZE = 65_536;

const SPAN = 1 << 20;
const STEP = 4_099;
const pool = makePool();

/** The message at a place; a view, not to be written to. Those of 256 MiB all differ. */
export function messageAt(index: number): Uint8Array<ArrayBuffer> {
  const start = index * STEP % SPAN;
  return pool.subarray(start, start + MESSAGE_SIZE);
}

function makePool(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SPAN + MESSAGE_SIZE);
  let state = 0x9e3779b9;
  for (let i = 0; i < bytes.length; i++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5 | 0;
    bytes[i] = state >>> 11;
  }
  return bytes;
}
