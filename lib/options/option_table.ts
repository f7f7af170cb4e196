/**
 * Options as a table, one line for each, and what is given held to it: a wrong option fails where it is set, not at the
 * first client, and no unknown one passes in silence.
 *
 * @module
 */

import { nearestName } from "./nearest_name.ts";
import { wrongType } from "./wrong_type.ts";

/** Checks the value of an option, which is not `undefined`; throws a `TypeError` or `RangeError` with its name. */
export type Check = (value: unknown, name: string) => void;

/** Has a check for each option there is: to add an option to the type without one is a type error. */
export type OptionTable<T> = { readonly [Name in keyof T]-?: Check };

/**
 * Checks an object of options. `undefined` stands for an option that is not set.
 *
 * @param name What the object is called: `options`, or the option that it is the value of.
 * @param options What was given.
 * @param table What it may hold.
 * @param example What would do, for the error if it is no object at all.
 * @throws {TypeError} If it is not an object, or has an option that the table does not; what a check throws.
 */
export function checkOptions<T>(
  name: string,
  options: unknown,
  table: OptionTable<T>,
  example = "",
): asserts options is T {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw wrongType(name, `an object${example && `, such as ${example}`}`, options);
  }
  const path = name === "options" ? "" : `${name}.`;
  for (const key of Object.keys(options)) {
    if (Object.hasOwn(table, key)) continue;
    const nearest = nearestName(key, Object.keys(table));
    throw new TypeError(`Cannot set ${path}${key}: there is no such option, did you mean ${path}${nearest}?`);
  }
  // From the table and not from the object, which may have inherited its options.
  for (const [key, check] of Object.entries<Check>(table)) {
    const value = (options as Readonly<Record<string, unknown>>)[key];
    if (value !== undefined) check(value, path + key);
  }
}
