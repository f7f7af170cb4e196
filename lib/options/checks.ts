/**
 * The checks that tables of options are made of. They are functions and not made by functions, so that a bundler leaves
 * out the tables that nobody uses.
 *
 * @module
 */

import { wrongType } from "./wrong_type.ts";

/** Timers of the platform hold their delay in 31 bits; what is longer fires at once. */
const MAX_TIME = 2 ** 31 - 1;

/** Demands a function. */
export function aFunction(value: unknown, name: string): void {
  if (typeof value !== "function") throw wrongType(name, "a function", value);
}

/** Demands a boolean. */
export function aBoolean(value: unknown, name: string): void {
  if (typeof value !== "boolean") throw wrongType(name, "a boolean", value);
}

/** Demands a string; it may be empty. */
export function aString(value: unknown, name: string): void {
  if (typeof value !== "string") throw wrongType(name, "a string", value);
}

/** Demands a whole number from 0 on, or `Infinity`. */
export function aNumber(value: unknown, name: string): void {
  checkNumber(value, name, { from: 0 });
}

/** Demands a whole number from 1 on, or `Infinity`. */
export function aPositiveNumber(value: unknown, name: string): void {
  checkNumber(value, name, { from: 1 });
}

/** Demands a time in whole milliseconds that a timer can hold, or `Infinity`. */
export function aTime(value: unknown, name: string): void {
  checkNumber(value, name, { from: 0 });
  if (value === Infinity || (value as number) <= MAX_TIME) return;
  throw new RangeError(`Cannot set ${name}: it must be below 2^31 ms, or Infinity, not ${value}`);
}

/** Demands what {@linkcode aTime} does, and not 0. */
export function aPositiveTime(value: unknown, name: string): void {
  checkNumber(value, name, { from: 1 });
  aTime(value, name);
}

/** Demands an `AbortSignal`, by its shape: it may come from a polyfill or another realm. */
export function anAbortSignal(value: unknown, name: string): void {
  checkShape(value, name, "an AbortSignal", ["aborted", "addEventListener"]);
}

/** Demands the path of a unix socket. */
export function aSocketPath(value: unknown, name: string): void {
  if (typeof value === "string" && value !== "" && !value.includes("\0")) return;
  throw wrongType(name, "the path of a unix socket", value);
}

/** Demands `"server"` or `"client"`. */
export function aRole(value: unknown, name: string): void {
  checkChoice(value, name, ["server", "client"]);
}

/**
 * Checks a whole number.
 *
 * @param range `from`: the least; `to`: the greatest, unless it may be `Infinity`.
 * @throws {TypeError | RangeError} If it is not one, or out of range.
 */
export function checkNumber(
  value: unknown,
  name: string,
  { from, to = Infinity }: { from: number; to?: number },
): void {
  if (typeof value !== "number") throw wrongType(name, "a number", value);
  if ((value === Infinity || Number.isSafeInteger(value)) && value >= from && value <= to) return;
  const range = to === Infinity ? `${from} on, or Infinity` : `${from} to ${to}`;
  throw new RangeError(`Cannot set ${name}: it must be a whole number from ${range}, not ${value}`);
}

/**
 * Checks a string that is one of several.
 *
 * @throws {TypeError | RangeError} If it is not a string, or another one.
 */
export function checkChoice(value: unknown, name: string, choices: readonly string[]): void {
  const expected = `one of ${choices.map((choice) => JSON.stringify(choice)).join(", ")}`;
  if (typeof value !== "string") throw wrongType(name, expected, value);
  if (choices.includes(value)) return;
  throw new RangeError(`Cannot set ${name}: it must be ${expected}, not ${JSON.stringify(value)}`);
}

/**
 * Checks that a value is an object and has some members.
 *
 * @param expected What it must be, in words.
 * @throws {TypeError} If it is not or has not.
 */
export function checkShape(
  value: unknown,
  name: string,
  expected: string,
  members: readonly string[] = [],
): void {
  if (typeof value === "object" && value !== null && members.every((member) => member in value)) return;
  throw wrongType(name, expected, value);
}
