/**
 * A source of updates that ticks at random moments, the same ones in each run, so that runs can be compared.
 *
 * @module
 */

/** An update: its number, and when it was made, in milliseconds since 1970. */
export interface Update {
  readonly id: number;
  readonly made: number;
}

/** What was sent and received on behalf of a run. */
export interface Traffic {
  requests: number;
  bytes: number;
}

/** Makes updates, keeps them, and wakes who waits for the next. */
export class UpdateRun {
  readonly traffic: Traffic = { requests: 0, bytes: 0 };
  readonly #updates: Update[] = [];
  readonly #count: number;
  readonly #mean: number;
  readonly #waiting = new Set<() => void>();
  #random = 20_000_003;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Starts: `count` updates, `mean` milliseconds apart on average. */
  constructor(count: number, mean: number) {
    this.#count = count;
    this.#mean = mean;
    this.#tick();
  }

  /** The updates from number `first` on. */
  from(first: number): Update[] {
    return this.#updates.slice(first);
  }

  /** Settles with the next update, after a time, or when the signal says so. */
  next(time: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, time);
      this.#waiting.add(done);
      signal.addEventListener("abort", done);
      if (signal.aborted) done();
    });
  }

  /** Makes no more updates, and lets go of who waits. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#wake();
  }

  #tick(): void {
    if (this.#updates.length === this.#count) return;
    this.#random = this.#random * 16_807 % 2_147_483_647; // Lehmer's generator
    const gap = Math.min(-Math.log(this.#random / 2_147_483_647), 3) * this.#mean;
    this.#timer = setTimeout(() => {
      this.#updates.push({ id: this.#updates.length, made: now() });
      this.#wake();
      this.#tick();
    }, gap);
  }

  #wake(): void {
    for (const done of this.#waiting) done();
  }
}

/** The time of this process, in milliseconds since 1970, finer than a millisecond. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
