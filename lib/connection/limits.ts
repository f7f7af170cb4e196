/**
 * The limits of a connection: their names, units, defaults, and what they may be set to.
 *
 * @module
 */

import { aNumber, aPositiveNumber, aPositiveTime, aTime } from "../options/checks.ts";
import { checkOptions, type OptionTable } from "../options/option_table.ts";
import { wrongType } from "../options/wrong_type.ts";

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

/** What keepalive options may be. */
const keepaliveTable: OptionTable<KeepaliveOptions> = {
  interval: aPositiveTime,
  timeout: aPositiveTime,
};

/** What limits may be. */
export const limitTable: OptionTable<Limits> = {
  maxMessageSize: aNumber,
  maxHeadSize: aPositiveNumber,
  maxHeaders: aPositiveNumber,
  maxEmptyFragments: aNumber,
  handshakeTimeout: aPositiveTime,
  closeTimeout: aTime,
  highWaterMark: aNumber,
  keepalive: (value, name) => {
    if (value === false) return;
    if (typeof value !== "object" || value === null) throw wrongType(name, "false or an object", value);
    checkOptions(name, value, keepaliveTable);
  },
};

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

/** Fills in the limits that a user did not set; those that are set were checked against {@linkcode limitTable}. */
export function readLimits(given: Limits): CheckedLimits {
  const { keepalive = {} } = given;
  return {
    ...withDefaults(DEFAULTS, given),
    keepalive: keepalive !== false && withDefaults(KEEPALIVE_DEFAULTS, keepalive),
  };
}

function withDefaults<T extends Record<string, number>>(
  defaults: T,
  given: Partial<Record<keyof T, number>>,
): T {
  const limits: Record<string, number> = { ...defaults };
  for (const name of Object.keys(defaults)) limits[name] = given[name] ?? defaults[name]!;
  return limits as T;
}
