/**
 * The options of a history, and what is told about positions in it.
 *
 * @module
 */

import type { Bytes } from "../connection/web_socket_connection.ts";
import { aFunction, aString, checkNumber } from "../options/checks.ts";
import { checkOptions, type OptionTable } from "../options/option_table.ts";
import { wrongType } from "../options/wrong_type.ts";

/** A place in the history of a group. JSON keeps it as it is, so a client can hold it and bring it back. */
export interface Position {
  /** Names the run of offsets: another one begins when a history was lost, and nothing of the old one is comparable. */
  readonly epoch: string;
  /** The number of the message: the first of an epoch has 1, and each has one more than the message before. */
  readonly offset: number;
}

/** How many messages a history holds: whichever bound is reached first. */
export interface HistoryLimits {
  /** How many. @default {100} */
  readonly messages: number;
  /** For how long, in milliseconds. @default {300000} */
  readonly age: number;
  /** How many bytes of messages. @default {1048576} */
  readonly bytes: number;
}

/** How each group keeps its last messages. */
export interface HistoryOptions extends Partial<HistoryLimits> {
  /**
   * Called once for each message, in each process that has members of the group; what it returns is sent to them. This is
   * how clients learn where a message stands: `(data, position) => JSON.stringify({ position, data })`.
   * @default messages are sent as they were published
   */
  readonly wrap?: (data: string | Uint8Array, position: Position, group: string) => string | Bytes;
}

/** The options, checked, with their defaults. */
export interface HistorySettings extends HistoryLimits, Pick<HistoryOptions, "wrap"> {}

/** What `join` answers. */
export interface JoinResult {
  /**
   * Where the group stands: the member gets, or has got, everything after `since` up to here, and will get everything after
   * here. `undefined` without a history, or if the broker could not tell.
   */
  readonly position: Position | undefined;
  /** Whether the member got everything that it had missed; `true` if it did not ask. */
  readonly recovered: boolean;
  /** How many messages since `since` are not kept any more; `undefined` if nobody knows. */
  readonly missed: number | undefined;
}

const historyTable: OptionTable<HistoryOptions> = {
  messages: (value, name) => checkNumber(value, name, { from: 1, to: 1_000_000 }),
  age: (value, name) => checkNumber(value, name, { from: 1, to: 2 ** 31 - 1 }),
  bytes: (value, name) => checkNumber(value, name, { from: 1, to: Number.MAX_SAFE_INTEGER }),
  wrap: aFunction,
};

const positionTable: OptionTable<Position> = {
  epoch: aString,
  offset: (value, name) => checkNumber(value, name, { from: 0, to: Number.MAX_SAFE_INTEGER }),
};

/**
 * Checks where a member wants to go on: a position, which clients may have made up, or `"oldest"`.
 *
 * @throws {TypeError | RangeError} If it is neither.
 */
export function checkSince(since: unknown, name: string): void {
  if (since === "oldest") return;
  if (typeof since === "string") throw wrongType(name, 'a position or "oldest"', since);
  checkOptions(name, since, positionTable, '{ epoch: "…", offset: 7 }');
  const { epoch, offset } = since as Partial<Position>;
  if (epoch === undefined) throw wrongType(`${name}.epoch`, "a string", epoch);
  if (offset === undefined) throw wrongType(`${name}.offset`, "a number", offset);
}

/**
 * Checks the options, and fills in defaults.
 *
 * @throws {TypeError | RangeError} If one is wrong; the message has its name.
 */
export function readHistoryOptions(options: unknown, name: string): HistorySettings {
  checkOptions(name, options, historyTable, "{ messages: 100, age: 60_000 }");
  const { messages = 100, age = 300_000, bytes = 1_048_576, wrap } = options;
  return { messages, age, bytes, ...wrap && { wrap } };
}
