/**
 * The flags that all benchmarks share.
 *
 * @module
 */

import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { type Runtime, runtimes } from "../../tests/support/runtimes.ts";

/** How long and on what to measure. */
export interface BenchOptions {
  /** How many rounds count. */
  readonly rounds: number;
  /** How long a round is, in milliseconds. */
  readonly time: number;
  readonly runtimes: readonly Runtime[];
  /** Whether to leave out what takes long: for a look, not for a verdict. */
  readonly quick: boolean;
}

/** The shared flags, for `parseArgs`. */
export interface SharedFlags extends ParseArgsOptionsConfig {
  readonly rounds: { readonly type: "string" };
  readonly time: { readonly type: "string" };
  readonly only: { readonly type: "string" };
  readonly quick: { readonly type: "boolean" };
  readonly json: { readonly type: "boolean" };
}

/** The shared flags: how many rounds, their seconds, the runtimes, whether in short, whether for machines. */
export const sharedFlags: SharedFlags = {
  rounds: { type: "string" },
  time: { type: "string" },
  only: { type: "string" },
  quick: { type: "boolean" },
  json: { type: "boolean" },
};

/** The values of the shared flags. */
export type SharedValues = ReturnType<typeof parseArgs<{ options: SharedFlags }>>["values"];

/** Halves the rounds: for parts that have many loads, and bounds that do not hang on a few percent. */
export function shorter(options: BenchOptions): BenchOptions {
  return { ...options, time: options.time / 2 };
}

/** The longest round that anybody wants, in seconds. */
const LONGEST = 60;

/** Reads the shared flags. Throws `RangeError` at what is no number, or no runtime. */
export function benchOptions(values: SharedValues): BenchOptions {
  const { quick = false } = values;
  const rounds = Number(values.rounds ?? (quick ? 1 : 5));
  const seconds = Number(values.time ?? (quick ? 0.4 : 1));
  if (!(rounds >= 1)) throw new RangeError(`Cannot measure ${values.rounds} rounds`);
  if (!(seconds > 0 && seconds <= LONGEST)) {
    throw new RangeError(`Cannot measure rounds of ${values.time} seconds: 0 to ${LONGEST} are possible`);
  }
  const only = (values.only ?? runtimes.join()).split(",");
  const unknown = only.find((name) => !runtimes.some((runtime) => runtime === name));
  if (unknown !== undefined) throw new RangeError(`Cannot measure ${unknown}: it is none of ${runtimes}`);
  return { rounds, time: seconds * 1_000, runtimes: runtimes.filter((name) => only.includes(name)), quick };
}
