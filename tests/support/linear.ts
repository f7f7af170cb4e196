/**
 * Holds work to time that grows with its size and no faster.
 *
 * @module
 */

import { assert } from "#std/assert";

/** How much longer twice the work may take. */
const RATIO = 2.5;
const ROUNDS = 7;
/** How many times it is tried: the machine is shared, and what holds once holds. */
const TRIES = 5;

/**
 * Checks that twice the size takes about twice the time.
 *
 * @param work Does the work for a size.
 * @param size The smaller size; large enough to take some tenths of a millisecond.
 */
export function assertLinear(work: (size: number) => void, size: number): void {
  work(size);
  work(2 * size);
  let ratio = Infinity;
  for (let i = 0; i < TRIES && ratio > RATIO; i++) ratio = shortest(work, 2 * size) / shortest(work, size);
  assert(ratio <= RATIO, `twice the size takes ${ratio} times as long`);
}

function shortest(work: (size: number) => void, size: number): number {
  let time = Infinity;
  for (let i = 0; i < ROUNDS; i++) {
    const start = performance.now();
    work(size);
    time = Math.min(time, performance.now() - start);
  }
  return time;
}
