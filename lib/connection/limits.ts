/**
 * The limits of a connection: their names, units and defaults, and the check of what a user sets them to.
 *
 * @module
 */

import { wrongType } from "../protocol/wrong_type.ts";

/** How to find out that a peer is gone without a word (RFC 6455 §5.5.2). */
export interface KeepaliveOptions {
  /** How often to send a Ping, in milliseconds. @default {30000} */
  interval?: number;
  /** How long to wait for a byte, any byte, after each, in milliseconds. @default {10000} */
  timeout?: number;
}

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
  /** Whether and how to ping a peer; one that gives no sign of life is cut. @default {{ interval: 30000, timeout: 10000 }} */
  keepalive?: false | KeepaliveOptions;
}

/** Limits that are checked and complete. */
export interface CheckedLimits extends Required<Omit<Limits, "keepalive">> {
  /** How to ping the peer, if at all. */
  keepalive: false | Required<KeepaliveOptions>;
}

const DEFAULTS = {
  maxMessageSize: 1_048_576,
  maxHeadSize: 16_384,
  maxHeaders: 100,
  maxEmptyFragments: 1_024,
  handshakeTimeout: 10_000,
  closeTimeout: 5_000,
  highWaterMark: 65_536,
};

const KEEPALIVE_DEFAULTS = { interval: 30_000, timeout: 10_000 };

/** Timers of the platform hold their delay in 31 bits; what is longer fires at once. */
const MAX_TIME = 2 ** 31 - 1;
const TIMES = /timeout$|^interval$/i;

/**
 * Checks the limits that a user gave and fills in the others.
 *
 * @throws {TypeError} If one is no number.
 * @throws {RangeError} If one is negative, no integer, or a time of 2^31 ms or more that is not `Infinity`.
 */
export function readLimits(given: Limits): CheckedLimits {
  const { keepalive = {} } = given;
  if (typeof keepalive !== "object" && keepalive !== false) {
    throw wrongType("keepalive", "false or an object", keepalive);
  }
  return {
    ...withDefaults(DEFAULTS, given),
    keepalive: keepalive === false ? false : withDefaults(KEEPALIVE_DEFAULTS, keepalive),
  };
}

/** Checks the numbers of a group of limits and fills in those that are missing. */
function withDefaults<T extends Record<string, number>>(
  defaults: T,
  given: Partial<Record<keyof T, number>>,
): T {
  const limits: Record<string, number> = { ...defaults };
  for (const name of Object.keys(defaults)) {
    const value = given[name];
    if (value !== undefined) limits[name] = checkLimit(name, value);
  }
  return limits as T;
}

/**
 * Checks one limit: a whole number from 0 on, or `Infinity`.
 *
 * @returns The limit.
 * @throws {TypeError | RangeError} If it is not; the message has its name.
 */
export function checkLimit(name: string, value: number): number {
  if (typeof value !== "number") throw wrongType(name, "a number", value);
  if (value === Infinity) return value;
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(
      `Cannot set ${name}: it must be a whole number from 0 on, or Infinity, not ${value}`,
    );
  }
  if (TIMES.test(name) && value > MAX_TIME) {
    throw new RangeError(`Cannot set ${name}: it must be below 2^31 ms, or Infinity, not ${value}`);
  }
  return value;
}
