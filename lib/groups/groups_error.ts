/**
 * What can go wrong with a message to a group, told to `onError`.
 *
 * @module
 */

import type { GroupConnection } from "./group_connection.ts";

/** Names what went wrong, as a word that does not change between versions. */
export type GroupsErrorCode =
  | "slow-consumer"
  | "broker-full"
  | "broker-away"
  | "broker-timeout"
  | "broker-refused"
  | "interrupted"
  | "missed";

const MESSAGES: Readonly<Record<GroupsErrorCode, string>> = {
  "slow-consumer": "Cannot deliver message: too much waits to be sent to the member already",
  "broker-full": "Cannot publish message: too much waits for the broker already",
  "broker-away": "Cannot publish message: the broker cannot be reached",
  "broker-timeout": "Cannot reach the broker: it does not answer",
  "broker-refused": "Cannot use the broker: it refuses what it is asked for",
  "interrupted": "Cannot receive messages: the broker is away, and what others publish is lost",
  "missed": "Cannot receive messages: another process has published some that did not arrive",
};

/** What a {@linkcode GroupsError} tells besides its code. */
export interface GroupsErrorOptions extends ErrorOptions {
  /** What the broker was asked to do. */
  action?: string;
  /** How long it had, in milliseconds. */
  timeout?: number;
}

/** Tells what went wrong between a publisher, a broker and a member. */
export class GroupsError extends Error {
  /** `"GroupsError"`. */
  override readonly name: string = "GroupsError";
  /** What went wrong. */
  readonly code: GroupsErrorCode;

  /**
   * Makes an error.
   *
   * @param code What went wrong.
   * @param options `cause`: what led to it; `action`: what the broker was asked to do; for `broker-timeout` also
   *   `timeout`: how long it had, in milliseconds.
   */
  constructor(code: GroupsErrorCode, options: GroupsErrorOptions = {}) {
    const { action, timeout, ...rest } = options;
    super(action === undefined ? MESSAGES[code] : `Cannot ${action}: ${explain(timeout, rest.cause)}`, rest);
    this.code = code;
  }
}

function explain(timeout: number | undefined, cause: unknown): string {
  if (timeout !== undefined) return `the broker did not answer within ${timeout} ms`;
  return `the broker refuses it (${cause instanceof Error ? cause.message : cause})`;
}

/** Where an error came from. */
export interface GroupsErrorContext {
  /**
   * What failed: to encode a message, to deliver it to a member of this process, to publish it to others, to hear what
   * others publish, to tell or learn who is there, to read what the broker keeps, or to close it; or the user's own
   * `onStatus`.
   */
  readonly stage:
    | "encode"
    | "deliver"
    | "publish"
    | "subscribe"
    | "presence"
    | "history"
    | "close"
    | "status";
  /** The group it was about; neither this nor `member` if it was about what goes to everyone. */
  readonly group?: string;
  /** The name of the member it was about, if it was addressed by name. */
  readonly member?: string;
  /** The connection it was about. */
  readonly connection?: GroupConnection;
  /** How many messages did not arrive, if the error is `missed`. */
  readonly missed?: number;
}
