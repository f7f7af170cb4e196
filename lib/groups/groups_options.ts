/**
 * The options of groups, and what is told about them.
 *
 * @module
 */

import {
  aFunction,
  aPositiveNumber,
  aPositiveTime,
  aString,
  checkChoice,
  checkShape,
} from "../options/checks.ts";
import { checkOptions, type OptionTable } from "../options/option_table.ts";
import { checkExcept, type Excepted } from "./audience.ts";
import type { Broker } from "./broker.ts";
import type { SlowConsumerPolicy } from "./fan_out.ts";
import type { GroupConnection } from "./group_connection.ts";
import type { GroupsErrorContext } from "./groups_error.ts";
import {
  checkSince,
  type HistoryOptions,
  type HistorySettings,
  type Position,
  readHistoryOptions,
} from "./history_options.ts";
import { isCloseCode } from "./order.ts";
import type { PresenceChange } from "./presence_watch.ts";

/** How groups behave. */
export interface GroupsOptions {
  /** Carries messages to other processes; without one the groups are this process's own. It is closed with the groups. */
  broker?: Broker;
  /** What becomes of a message for a member that is too slow. @default {"drop"} */
  slowConsumer?: SlowConsumerPolicy;
  /**
   * How many bytes may wait to be sent to one member before it is too slow, headers included. Under `"wait"`, to lose
   * nothing it must hold the connection's `highWaterMark` and a message. @default {2097152}
   */
  maxBuffered?: number;
  /** How many bytes may be on their way to the broker; what would be more is lost, and reported. @default {4194304} */
  maxPending?: number;
  /** How many groups one connection may be in. @default {1024} */
  maxGroups?: number;
  /**
   * How long the broker may take to answer a call, in milliseconds, before the call is given up and reported; `Infinity`
   * for no limit. @default {5000}
   */
  timeout?: number;
  /**
   * Keeps the last messages of each group, so that members who come back get what they missed: in this process, or at the
   * broker if it can. It must be the same in all processes. @default none are kept
   */
  history?: HistoryOptions;
  /** Hears of errors, behind the call that led to them. @default nobody does, and they are counted all the same */
  onError?: (error: unknown, context: GroupsErrorContext) => unknown;
  /** Called when the broker is connected, goes away, or is back. @default nobody is told */
  onStatus?: (status: GroupsStatus) => unknown;
}

/** Where the connection to the broker stands. */
export interface GroupsStatus {
  /**
   * `"connected"`: for the first time; `"interrupted"`: what others publish is lost from now on; `"restored"`: the broker
   * is back, and every subscription with it.
   */
  readonly state: "connected" | "interrupted" | "restored";
  /** Why it was interrupted. */
  readonly cause?: unknown;
}

/** How to join. */
export interface JoinOptions {
  /**
   * The name that the member can be addressed by, and that others see it under; several may share one. @default none
   */
  as?: string;
  /**
   * What others see of the member besides its name, as JSON: at most 1,024 UTF-16 units of it. Only with `as`.
   * @default none
   */
  info?: unknown;
  /**
   * Where the member goes on: it is first sent what the history has after that position, or all that it has (`"oldest"`).
   * Only for a member that is new in the group, and with `history`. @default it begins with what is published from now on
   */
  since?: Position | "oldest";
}

/** How to publish. */
export interface PublishOptions {
  /**
   * Who does not get it: a connection of this process, usually the one whose message it is; a name, for all connections
   * that joined under it, in whichever process; one connection of any process by its id, as `presence.members` lists it;
   * or several of these.
   */
  except?: Excepted | readonly Excepted[];
}

/** What became of a message to a member. */
export interface SendToResult {
  /** How many connections of this process have the name. */
  readonly local: number;
  /** Whether the broker took the message, for those of other processes: not whether anyone there has the name. */
  readonly forwarded: boolean;
}

/** Who is in a group, across processes: those who joined under a name. */
export interface Presence {
  /** How many connections are in it under a name. */
  readonly size: number;
  /** Their names, each once, in the order of their UTF-16 units. */
  readonly names: readonly string[];
}

/** A member of a group, in whichever process. */
export interface PresentMember<T extends GroupConnection = GroupConnection> {
  /** The name it joined under. */
  readonly name: string;
  /** Tells its connection from all others, in all processes. */
  readonly id: string;
  /** The connection, if it is one of this process. */
  readonly connection: T | undefined;
  /** What it joined with; `undefined` if nothing. */
  readonly info: unknown;
}

/** What can be asked about who is in a group. */
export interface PresenceQueries<T extends GroupConnection = GroupConnection> {
  /**
   * Asks who is in a group, across processes. Never rejects.
   *
   * What others tell is as old as their latest word, and that of a process that died lasts for the broker's
   * `presenceTtl`.
   *
   * @param name The group's.
   */
  (name: string): Promise<Presence>;
  /** Lists the members themselves, one for each connection, those of this process first. Never rejects. */
  members(name: string): Promise<PresentMember<T>[]>;
  /**
   * Watches a group: first `came` for each name in it, then each change, across processes. Changes of one name that
   * nobody has asked for yet are put together, so a slow reader holds at most one for each name.
   *
   * @param name The group's.
   * @returns It ends when the groups are closed; leaving the loop ends it, too.
   *
   * @example Who comes and goes
   * ```ts ignore
   * for await (const { type, name } of groups.presence.watch("lobby")) console.log(name, type);
   * ```
   */
  watch(name: string): AsyncIterableIterator<PresenceChange, undefined>;
}

/** How to disconnect members. */
export interface DisconnectOptions {
  /** The code of the Close: 1000, 1001, 1003, 1007 to 1014, or 3000 to 4999. @default {1000} */
  closeCode?: number;
  /** Why. @default {""} */
  reason?: string;
}

/** What was lost so far. */
export interface GroupsCounts {
  /** Messages that a member of this process missed because it was too slow: one for each member. */
  readonly dropped: number;
  /** Members that were closed because they were too slow. */
  readonly closed: number;
  /** Messages that did not reach the broker, as far as is known. */
  readonly lost: number;
  /**
   * Messages of other processes that did not arrive here although a member of their group, or of their name, is here. Each
   * process numbers what it publishes, and a gap is noticed with the next message of that process.
   */
  readonly missed: number;
  /** Payloads from the broker that are no message. */
  readonly malformed: number;
}

/** The options, checked, with their defaults. */
export type GroupsSettings =
  & Required<Omit<GroupsOptions, "broker" | "history" | "onError" | "onStatus">>
  & Pick<GroupsOptions, "broker" | "onError" | "onStatus">
  & { history?: HistorySettings };

const POLICIES: readonly SlowConsumerPolicy[] = ["wait", "drop", "close"];

const groupsTable: OptionTable<GroupsOptions> = {
  broker: (value, name) =>
    checkShape(value, name, "a broker", ["open", "publish", "subscribe", "unsubscribe", "close"]),
  slowConsumer: (value, name) => checkChoice(value, name, POLICIES),
  maxBuffered: aPositiveNumber,
  maxPending: aPositiveNumber,
  maxGroups: aPositiveNumber,
  timeout: aPositiveTime,
  history: (value, name) => void readHistoryOptions(value, name),
  onError: aFunction,
  onStatus: aFunction,
};

/** What the options of `join` may be. */
export const joinTable: OptionTable<JoinOptions> = { as: aString, info: () => {}, since: checkSince };

/** What the options of `disconnect` may be. */
export const disconnectTable: OptionTable<DisconnectOptions> = {
  closeCode: (value, name) => {
    if (isCloseCode(value)) return;
    throw new RangeError(`Cannot set ${name}: it must be a close code that may be sent, not ${value}`);
  },
  reason: aString,
};

/** What the options of `publish` may be. */
export const publishTable: OptionTable<PublishOptions> = {
  except: checkExcept,
};

/**
 * Checks the options, and fills in defaults.
 *
 * @throws {TypeError | RangeError} If one is wrong; the message has its name.
 */
export function readGroupsOptions(options: GroupsOptions): GroupsSettings {
  checkOptions("options", options, groupsTable, '{ slowConsumer: "close" }');
  const {
    slowConsumer = "drop",
    maxBuffered = 2_097_152,
    maxPending = 4_194_304,
    maxGroups = 1_024,
    timeout = 5_000,
    broker,
    history,
    onError,
    onStatus,
  } = options;
  if (history !== undefined && broker !== undefined && broker.history === undefined) {
    throw new TypeError("Cannot set history: this broker keeps none; redisBroker and natsBroker do");
  }
  return {
    slowConsumer,
    maxBuffered,
    maxPending,
    maxGroups,
    timeout,
    ...broker && { broker },
    ...history && { history: readHistoryOptions(history, "history") },
    ...onError && { onError },
    ...onStatus && { onStatus },
  };
}
