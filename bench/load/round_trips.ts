/**
 * How long single messages took.
 *
 * @module
 */

/** How many are kept: when there are more, the later ones replace the earlier. */
const CAPACITY = 1 << 20;

/** Collects durations, and tells their percentiles. */
export class RoundTrips {
  readonly #times = new Float64Array(CAPACITY);
  #count = 0;

  /** Forgets all. */
  clear(): void {
    this.#count = 0;
  }

  /** Adds a duration, in milliseconds. */
  add(time: number): void {
    this.#times[this.#count++ & (CAPACITY - 1)] = time;
  }

  /** Tells percentiles, in microseconds. */
  percentiles(): { p50: number; p99: number } {
    const sorted = this.#times.slice(0, Math.min(this.#count, CAPACITY)).sort();
    const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? NaN) * 1_000;
    return { p50: at(0.5), p99: at(0.99) };
  }
}
