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

/** The shortest times of a work, in milliseconds. */
interface Times {
  /** By the clock: it also counts others, who run meanwhile. */
  clock: number;
  /** Of processor: it also counts the runtime's own threads, and the kernel may be wrong about so short a time. */
  cpu: number;
}

/**
 * Checks that twice the size takes about twice the time, by the clock or of processor.
 *
 * @param work Does the work for a size.
 * @param size The smaller size; large enough to take some tenths of a millisecond.
 */
export function assertLinear(work: (size: number) => void, size: number): void {
  work(size);
  work(2 * size);
  const single: Times = { clock: Infinity, cpu: Infinity };
  const double: Times = { clock: Infinity, cpu: Infinity };
  const isLinear = () =>
    double.clock <= RATIO * single.clock || (single.cpu > 0 && double.cpu <= RATIO * single.cpu);
  for (let i = 0; i === 0 || i < TRIES && !isLinear(); i++) {
    measure(() => work(size), ROUNDS, single);
    measure(() => work(2 * size), ROUNDS, double);
  }
  assert(isLinear(), `twice the size takes ${double.clock / single.clock} times as long`);
}

/** The shortest time that some rounds of a work take, in milliseconds: by the clock, or of processor, whichever is less. */
export function shortestTime(work: () => void, rounds: number): number {
  const times: Times = { clock: Infinity, cpu: Infinity };
  measure(work, rounds, times);
  return Math.min(times.clock, times.cpu);
}

/** Puts the times of some rounds into the shortest so far. */
function measure(work: () => void, rounds: number, times: Times): void {
  for (let i = 0; i < rounds; i++) {
    const [start, used] = [performance.now(), cpuTimer()];
    work();
    times.clock = Math.min(times.clock, performance.now() - start);
    times.cpu = Math.min(times.cpu, used());
  }
}
