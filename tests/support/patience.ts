/**
 * Limits of time that grow with the machine's load: what takes a second on an idle machine may take ten on one that
 * has ten times as much to do. They are for what must come to an end; what must be fast is measured in processor time.
 *
 * @module
 */

import { assert } from "#std/assert";
import { readFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import process from "node:process";

/** How long an answer about the load is good for, in milliseconds. */
const FRESH = 100;

let asked = -Infinity;
let answer = 1;

/** How many times longer things take now than on an idle machine: 1 or more. */
export function slowdown(): number {
  const now = performance.now();
  if (now - asked > FRESH) {
    asked = now;
    // The average of a minute, or what waits for a processor at this moment, if that is more.
    answer = Math.max(1, Math.max(loadavg()[0]!, runnable()) / availableParallelism());
  }
  return answer;
}

/** How many threads run or wait for a processor; 0 where that is not known. */
function runnable(): number {
  try {
    return Number(/ (\d+)\//.exec(readFileSync("/proc/loadavg", "utf8"))?.[1] ?? 0);
  } catch {
    return 0; // not Linux
  }
}

/** A limit of time that passes more slowly the more the machine has to do. */
export class Patience {
  readonly #limit: number;
  #spent = 0;
  #last = performance.now();

  /** @param limit How long it may take on an idle machine, in milliseconds. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether the limit is over. To be asked again and again: the load is that of the moment. */
  get isOver(): boolean {
    const now = performance.now();
    this.#spent += (now - this.#last) / slowdown();
    this.#last = now;
    return this.#spent > this.#limit;
  }
}

/**
 * Calls a function when a limit is over, unless it is called off before.
 *
 * @param limit How long it may take on an idle machine, in milliseconds.
 * @returns Calls it off.
 */
export function afterPatience(limit: number, call: () => void): () => void {
  const patience = new Patience(limit);
  const timer = setInterval(() => {
    if (!patience.isOver) return;
    clearInterval(timer);
    call();
  }, Math.min(limit, FRESH));
  return () => clearInterval(timer);
}

/**
 * Checks that something took as long as it must, and no longer: on a machine that has more to do, so much longer.
 *
 * @param took How long it took, in milliseconds.
 * @param bounds `least`, and `most` on an idle machine.
 */
export function assertTook(took: number, { least, most }: { least: number; most: number }): void {
  assert(took >= least, `It took only ${took} ms, not ${least}`);
  const allowed = most * slowdown();
  assert(took <= allowed, `It took ${took} ms, not ${allowed} at most`);
}

/**
 * By how much the times of a test must be multiplied so that they keep their distance from each other: what is late by
 * some milliseconds on an idle machine is later on one that is busy. 1 on an idle machine, 4 at most.
 */
export function pace(): number {
  return Math.min(4, Math.ceil(slowdown()));
}

/** Starts to measure the processor time of this process; returns what tells how much it was, in milliseconds. */
export function cpuTimer(): () => number {
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1_000;
  };
}
