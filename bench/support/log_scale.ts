/**
 * A logarithmic axis.
 *
 * @module
 */

/** More powers of ten than this do not all get a label. */
const MOST_TICKS = 5;

/** Maps values to the share of an axis that lies before them. */
export class LogScale {
  readonly #low: number;
  readonly #high: number;

  /** Makes a scale that has room for all values, which are above 0. */
  constructor(values: readonly number[]) {
    const exponents = values.map(Math.log10);
    this.#low = Math.min(...exponents) - 0.15;
    this.#high = Math.max(...exponents) + 0.15;
  }

  /** Tells where a value is, between 0 and 1. */
  at(value: number): number {
    return (Math.log10(value) - this.#low) / (this.#high - this.#low);
  }

  /** Lists the values to label: powers of ten, or, where the scale has but one of them, halves and doubles too. */
  ticks(): number[] {
    const [first, last] = [Math.ceil(this.#low), Math.floor(this.#high)];
    if (last - first < 2) {
      const fine = [first - 1, first, last].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));
      return [...new Set(fine)].filter((value) => this.at(value) >= 0 && this.at(value) <= 1);
    }
    const step = Math.ceil((last - first + 1) / MOST_TICKS);
    return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => 10 ** (first + i * step));
  }
}
