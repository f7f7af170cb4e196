/**
 * Holds work to time that grows with its size and no faster.
 *
 * @module
 */

import { assert } from "#std/assert";
import { cpuTimer } from "./patience.ts";

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
    single = Math.min(single, shortestTime(() => work(size), ROUNDS));
    double = Math.min(double, shortestTime(() => work(2 * size), ROUNDS));
  }
  assert(double <= RATIO * single, `twice the size takes ${double / single} times as long`);
}

/**
 * The shortest time that some rounds of a work take, in milliseconds: by the clock, or of processor, whichever is less.
 * The one also passes while others run, the other also counts what the runtime's own threads do.
 */
export function shortestTime(work: () => void, rounds: number): number {
  let time = Infinity;
  for (let i = 0; i < rounds; i++) {
    const [start, used] = [performance.now(), cpuTimer()];
    work();
    time = Math.min(time, performance.now() - start, used());
  }
  return time;
}
