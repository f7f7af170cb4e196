/**
 * The error for an option of the wrong type.
 *
 * @module
 */

/**
 * Makes the error.
 *
 * @param name The option's name.
 * @param expected What it must be: `a number`.
 * @param value What was given.
 */
export function wrongType(name: string, expected: string, value: unknown): TypeError {
  return new TypeError(`Cannot set ${name}: it must be ${expected}, not ${describe(value)}`);
}

function describe(value: unknown): string {
  if (value === "") return "an empty string";
  if (Array.isArray(value)) return "an array";
  return value === null ? "null" : typeof value;
}
