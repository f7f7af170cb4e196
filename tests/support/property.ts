/**
 * Properties whose seed is the run's own, so that one number repeats a whole run on every runtime.
 *
 * @module
 */
import fc from "fast-check";
import process from "node:process";
import "./checked_pool.ts";

/**
 * Holds a property to random input, 100 times unless `numRuns` says otherwise.
 *
 * `SLUICE_SEED` sets the seed (fast-check prints it with a failure), `SLUICE_RUNS` multiplies the number of runs.
 */
export function check<Ts>(property: fc.IAsyncProperty<Ts>, options?: fc.Parameters<Ts>): Promise<void>;
export function check<Ts>(property: fc.IProperty<Ts>, options?: fc.Parameters<Ts>): void;
export function check<Ts>(property: fc.IRawProperty<Ts>, options?: fc.Parameters<Ts>): unknown {
  const { SLUICE_SEED: seed, SLUICE_RUNS: factor } = process.env;
  const numRuns = Math.ceil((options?.numRuns ?? 100) * Number(factor || 1));
  return fc.assert(property as fc.IAsyncProperty<Ts>, {
    ...(!seed ? {} : { seed: Number(seed) }),
    ...options,
    numRuns,
  });
}
