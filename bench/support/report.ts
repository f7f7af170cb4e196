/**
 * What a benchmark found: tables, charts, and whether it is what Sluice promises.
 *
 * @module
 */

/** A row of named cells; `null` where there is nothing to measure. */
export type Row = Readonly<Record<string, string | number | null>>;

/** Rows whose cells have the same names. */
export interface Table {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** A figure, and the bound that it must keep. */
export interface Check {
  readonly what: string;
  readonly value: number;
  readonly bound: "at least" | "at most";
  readonly limit: number;
}

/** Dots or lines over the same steps, in panels of the same scale. */
export interface Chart {
  readonly name: string;
  readonly title: string;
  /** Dots have the steps as rows and the values to the right; lines have the values upwards. */
  readonly kind: "dots" | "lines";
  /** What the values count; their axis is logarithmic. */
  readonly unit: string;
  readonly steps: readonly string[];
  readonly panels: readonly {
    readonly title: string;
    readonly series: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
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

/** Makes a check of a figure that has to be large. */
export function atLeast(limit: number, what: string, value: number): Check {
  return { what, value, bound: "at least", limit };
}

/** Makes a check of a figure that has to be small. */
export function atMost(limit: number, what: string, value: number): Check {
  return { what, value, bound: "at most", limit };
}
