/**
 * Names of groups and of members.
 *
 * @module
 */

/** The longest name, in UTF-16 units: escaped, it still fits into a subject of NATS. */
export const MAX_NAME_LENGTH = 512;

/**
 * Checks a name.
 *
 * @throws {TypeError} If it is no string.
 * @throws {RangeError} If it is over {@linkcode MAX_NAME_LENGTH} UTF-16 units long.
 */
export function checkName(what: "group" | "member", name: unknown): asserts name is string {
  if (typeof name !== "string") {
    throw new TypeError(`Cannot take name of ${what}: it must be a string, not ${typeof name}`);
  }
  if (name.length > MAX_NAME_LENGTH) {
    throw new RangeError(
      `Cannot take name of ${what}: it has ${name.length} UTF-16 units, more than ${MAX_NAME_LENGTH}`,
    );
  }
}
