/**
 * How long the turns of the event loop are, by the processor time that each took: that does not depend on what else runs
 * on the machine.
 *
 * @module
 */

import process from "node:process";

/** What is known of the turns since the last time it was asked for, in milliseconds of processor. */
export interface Turns {
  /** How many took a millisecond at least. */
  readonly busy: number;
  /** Of those, what 99 of 100 did not exceed. */
  readonly p99: number;
  readonly longest: number;
}

/** Begins to watch; the process no longer sleeps. Returns what tells. */
export function watchTurns(): () => Turns {
  let turns: number[] = [];
  let last = process.cpuUsage();
  const tick = () => {
    const now = process.cpuUsage();
    const took = (now.user - last.user + now.system - last.system) / 1_000;
    if (took >= 1) turns.push(took);
    last = now;
    setImmediate(tick);
  };
  tick();
  return () => {
    const sorted = turns.sort((a, b) => a - b);
    turns = [];
    const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
    return { busy: sorted.length, p99, longest: sorted.at(-1) ?? 0 };
  };
}
