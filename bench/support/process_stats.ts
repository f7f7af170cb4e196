/**
 * What the kernel knows of a process.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";

/** Tells the CPU time that a process has used, in microseconds: the sum over its threads, exact to the nanosecond. */
export function cpuTime(pid: number): number {
  let total = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    total += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]);
  }
  return total / 1_000;
}

/** Tells the memory that a process holds for itself alone, in KiB. */
export function residentMemory(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
  return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)![1]);
}
