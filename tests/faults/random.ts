/**
 * Random moments that one number repeats.
 *
 * @module
 */

import process from "node:process";

/** The seed of this run: `SLUICE_SEED`, if it is set. */
export const SEED: number = Number(process.env.SLUICE_SEED || 1);

/** Numbers from 0 to 1 that look random (mulberry32). */
export function makeRandom(seed: number = SEED): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
