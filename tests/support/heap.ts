/**
 * What a process holds when nothing is left to collect. Node and Deno are to be started with {@linkcode COLLECTING}.
 *
 * @module
 */

import process from "node:process";

const scope: { Bun?: { gc(synchronous: boolean): void }; gc?: (() => void) | undefined } = globalThis;

/** The environment that gives Node and Deno a `gc`; Bun has one. */
export const COLLECTING: Readonly<Record<string, string>> = {
  NODE_OPTIONS: "--expose-gc",
  DENO_V8_FLAGS: "--expose-gc",
};

/** Collects garbage, also what finalizers and the next turns leave; returns how many bytes of heap are in use. */
export async function heapUsed(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    if (scope.Bun !== undefined) scope.Bun.gc(true);
    else scope.gc!();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
