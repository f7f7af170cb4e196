/**
 * What an option of the wrong type is answered with.
 *
 * @module
 */

/**
 * Makes the error.
 *
 * @param name The option's name.
 * @param wanted What it must be: `a number`.
 * @param value What was given.
 */
export function wrongType(name: string, wanted: string, value: unknown): TypeError {
  const kind = value === null ? "null" : typeof value;
  return new TypeError(`Cannot set ${name}: it must be ${wanted}, not ${kind}`);
}
