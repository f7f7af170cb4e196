/**
 * What a benchmark found: tables, charts, and whether it is what Sluice promises.
 *
 * @module
 */

/** Rows of named cells; all rows of a table have the same names. */
export interface Table {
  readonly title: string;
  readonly rows: readonly Readonly<Record<string, string | number>>[];
}

/** A figure, and the bound that it must keep. */
export interface Check {
  readonly what: string;
  readonly value: number;
  readonly bound: "at least" | "at most";
  readonly limit: number;
}

/** Lines or bars over the same steps, in panels of the same scale. */
export interface Chart {
  readonly name: string;
  readonly title: string;
  readonly kind: "bars" | "lines";
  /** What the vertical axis counts, in words; it is logarithmic. */
  readonly unit: string;
  readonly steps: readonly string[];
  readonly panels: readonly {
    readonly title: string;
    readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
  }[];
}

/** All that a benchmark found. */
export interface Report {
  readonly part: string;
  readonly tables: readonly Table[];
  readonly checks: readonly Check[];
  readonly charts: readonly Chart[];
}

/** Whether a figure keeps its bound. */
export function isKept({ value, bound, limit }: Check): boolean {
  return bound === "at least" ? value >= limit : value <= limit;
}
