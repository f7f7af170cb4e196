/**
 * Properties that are held to many inputs, and what they watch.
 *
 * @module
 */

import type fc from "fast-check";
import { test } from "node:test";
import process from "node:process";
import { check } from "../support/property.ts";
import { runtime } from "../support/sluice.ts";

const LONG = process.env.SLUICE_LONG === "1" || process.env.SLUICE_SOAK === "1";

/**
 * A test that holds a property to so many inputs.
 *
 * @param factors `long`: by how much `SLUICE_LONG=1` and `SLUICE_SOAK=1` multiply them; `others`: which part of a short run
 *   Deno and Bun have. Most code that they run is the same, and their runners take one file at a time.
 */
export function fuzz<Ts>(
  name: string,
  runs: number,
  property: fc.IProperty<Ts> | fc.IAsyncProperty<Ts>,
  { long = 12, others = 0.2 }: { long?: number; others?: number } = {},
): void {
  const factor = LONG ? long : runtime === "node" ? 1 : others;
  // To make the input of a failure smaller takes tens of gigabytes after so many runs: it is reported as it came.
  const options = { numRuns: Math.ceil(runs * factor), endOnFailure: LONG };
  test(
    name,
    { timeout: 300_000 * Math.max(1, factor) },
    () => check(property as fc.IAsyncProperty<Ts>, options),
  );
}

/** The size of the largest array of bytes that is made while something runs. */
export function largestAllocation(run: () => void): number {
  const { Uint8Array } = globalThis;
  let largest = 0;
  globalThis.Uint8Array = new Proxy(Uint8Array, {
    construct(target, args, newTarget) {
      if (typeof args[0] === "number") largest = Math.max(largest, args[0]);
      return Reflect.construct(target, args, newTarget);
    },
  });
  try {
    run();
  } finally {
    globalThis.Uint8Array = Uint8Array;
  }
  return largest;
}
