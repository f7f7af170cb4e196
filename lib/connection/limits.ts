/**
 * The limits of a connection: their names, units and defaults, and the check of what a user sets them to.
 *
 * @module
 */

/** The limits of one connection. All are on by default; `Infinity` removes one. Times are milliseconds. */
export interface Limits {
  /** The longest message that is received, in bytes; a longer one closes with 1009. @default {1048576} */
  maxMessageSize?: number;
  /** The largest head of a request or response, in bytes. @default {16384} */
  maxHeadSize?: number;
  /** How many header lines a head may have. @default {100} */
  maxHeaders?: number;
  /** How many empty fragments may come in a row; one more closes with 1008. @default {1024} */
  maxEmptyFragments?: number;
  /** How long the opening handshake may take in all. @default {10000} */
  handshakeTimeout?: number;
  /** How long the peer may take to answer a Close and to end the stream. @default {5000} */
  closeTimeout?: number;
  /** How many bytes are read unasked, and how many wait to be sent before `send` holds back. @default {65536} */
  highWaterMark?: number;
}

const DEFAULTS: Required<Limits> = {
  maxMessageSize: 1_048_576,
  maxHeadSize: 16_384,
  maxHeaders: 100,
  maxEmptyFragments: 1_024,
  handshakeTimeout: 10_000,
  closeTimeout: 5_000,
  highWaterMark: 65_536,
};

/** Timers of the platform hold their delay in 31 bits; what is longer fires at once. */
const MAX_TIME = 2 ** 31 - 1;

/**
 * Checks the limits that a user gave and fills in the others.
 *
 * @throws {TypeError} If one is no number.
 * @throws {RangeError} If one is negative, no integer, or a time of 2^31 ms or more that is not `Infinity`.
 */
export function readLimits(given: Limits): Required<Limits> {
  const limits = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as (keyof Limits)[]) {
    const value = given[name];
    if (value === undefined) continue;
    checkLimit(name, value);
    limits[name] = value;
  }
  return limits;
}

/**
 * Checks one limit: a whole number from 0 on, or `Infinity`.
 *
 * @throws {TypeError | RangeError} If it is not; the message has its name.
 */
export function checkLimit(name: string, value: number): void {
  if (typeof value !== "number") {
    throw new TypeError(`Cannot set ${name}: it must be a number, not ${typeof value}`);
  }
  if (value === Infinity) return;
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(
      `Cannot set ${name}: it must be a whole number from 0 on, or Infinity, not ${value}`,
    );
  }
  if (name.toLowerCase().endsWith("timeout") && value > MAX_TIME) {
    throw new RangeError(`Cannot set ${name}: it must be below 2^31 ms, or Infinity, not ${value}`);
  }
}

/**
 * Runs something after a time, or never if that is `Infinity`.
 *
 * @returns What `clearTimeout` takes.
 */
export function after(time: number, run: () => void): ReturnType<typeof setTimeout> | undefined {
  return time === Infinity ? undefined : setTimeout(run, time);
}
