/**
 * A guard of the library, and the library without it.
 *
 * @module
 */

/** One guard, and how to take it out. */
export interface Mutant {
  /** What the guard is for. */
  readonly name: string;
  /** Where it stands, from the root. */
  readonly file: string;
  /** Its text, which occurs once in the file. */
  readonly find: string;
  /** What stands there when it is out. */
  readonly replace: string;
  /** The test files of which at least one must go red, from the root. */
  readonly tests: readonly string[];
  /** Why no test can go red, if none can. */
  readonly survives?: string;
}

/** The guards of one file: name, text, text without the guard, and why that may survive. */
export function mutantsOf(
  file: string,
  tests: readonly string[],
  rows: readonly (readonly [name: string, find: string, replace: string, survives?: string])[],
): Mutant[] {
  return rows.map(([name, find, replace, survives]) => ({
    name,
    file,
    find,
    replace,
    tests,
    ...survives !== undefined && { survives },
  }));
}
