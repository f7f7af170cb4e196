/**
 * What came of the cases on one runtime: they are played as fast as they can be, and each test waits for its own.
 *
 * @module
 */

import type { Case } from "./case.ts";
import { TooLateError } from "./harness.ts";

/** After so many cases that came to nothing in their time, the others get less of it, in milliseconds. */
const PATIENCE = 5;
const IMPATIENT_LIMIT = 500;

/** One promise for each case. */
export class Outcomes {
  readonly #cases: readonly PromiseWithResolvers<void>[];
  #late = 0;

  /** Makes room for `count` outcomes. */
  constructor(count: number) {
    this.#cases = Array.from({ length: count }, () => Promise.withResolvers<void>());
    // A test may look only after its case has failed.
    for (const { promise } of this.#cases) promise.catch(() => {});
  }

  /** Waits for a case; rejects with what was wrong. */
  of(index: number): Promise<void> {
    return this.#cases[index]!.promise;
  }

  /** How long a case may take, in milliseconds. */
  limitOf({ limit }: Case): number {
    return this.#late < PATIENCE ? limit : IMPATIENT_LIMIT;
  }

  /** Says what came of a case: what comes of its being played. */
  async settle(index: number, played: Promise<void>): Promise<void> {
    const outcome = this.#cases[index];
    if (outcome === undefined) throw new Error(`There is no case ${index}`);
    await played.then(outcome.resolve, (error) => {
      outcome.reject(error);
      if (error instanceof TooLateError) this.#late++;
    });
  }

  /** Gives up all cases that nothing has come of. */
  abandon(why: string): void {
    for (const { reject } of this.#cases) reject(new Error(why));
  }
}
