/**
 * Holds work to time that grows with its size and no faster.
 *
 * @module
 */

import { assert } from "#std/assert";

/** How much longer twice the work may take. */
const RATIO = 2.5;
const ROUNDS = 7;
/** How many times it is tried: the machine is shared, and only the shortest times tell of the work. */
const TRIES = 20;

/**
 * Checks that twice the size takes about twice the time.
 *
 * @param work Does the work for a size.
 * @param size The smaller size; large enough to take some tenths of a millisecond.
 */
export function assertLinear(work: (size: number) => void, size: number): void {
  work(size);
  work(2 * size);
  let [single, double] = [Infinity, Infinity];
  for (let i = 0; i === 0 || i < TRIES && double > RATIO * single; i++) {
    single = Math.min(single, shortest(work, size));
    double = Math.min(double, shortest(work, 2 * size));
  }
  assert(double <= RATIO * single, `twice the size takes ${double / single} times as long`);
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
