/**
 * One message to many connections, of which none waits for another.
 *
 * @module
 */

import type { PreparedMessage } from "../connection/web_socket_connection.ts";
import type { Skip } from "./audience.ts";
import type { GroupConnection } from "./group_connection.ts";

/**
 * What becomes of a message for a member whose bound it would exceed.
 *
 * - `"drop"`: that member does not get it.
 * - `"close"`: nor that; the member is closed with 1013 and leaves all groups at once.
 * - `"wait"`: what `publish` returns settles once every member has room again, so whoever awaits it never gets to the
 *   bound; who does not await it, or is in another process, is treated as under `"drop"`.
 */
export type SlowConsumerPolicy = "wait" | "drop" | "close";

/** How to fan out. */
export interface FanOutOptions {
  /** What is done about a member that is too slow. */
  readonly policy: SlowConsumerPolicy;
  /** How many bytes may wait to be sent to one member, headers included. */
  readonly maxBuffered: number;
  /** Hears that a member missed a message; `first` if the one before was still sent. Called behind the fan-out. */
  readonly onMissed: (connection: GroupConnection, first: boolean) => void;
}

interface Missed {
  readonly connection: GroupConnection;
  readonly first: boolean;
}

/** Sends messages to sets of connections. */
export class FanOut {
  readonly #options: FanOutOptions;
  /** Who missed the latest message. */
  readonly #behind = new Set<GroupConnection>();

  constructor(options: FanOutOptions) {
    this.#options = options;
  }

  /**
   * Sends a message to all members but one, or but those that a function tells. No code of the user's runs before it went to everyone, so whoever is a
   * member when this is called gets it, once.
   *
   * @returns What to wait for, if there is something: who awaits it waits for the slowest.
   */
  send(
    message: PreparedMessage,
    members: ReadonlySet<GroupConnection>,
    except: GroupConnection | Skip | undefined,
  ): Promise<void> | undefined {
    const { policy, maxBuffered } = this.#options;
    // A message that is over the bound all by itself goes to those for whom nothing waits.
    const size = message.byteLength + MAX_HEADER;
    const room = Math.max(0, maxBuffered - size);
    const mark = policy === "wait" ? Math.min(maxBuffered / 4, MAX_MARK) - size : Infinity;
    // Compared in the loop, one connection costs nothing; a call for each member does.
    const [one, skip] = typeof except === "function" ? [undefined, except] : [except, undefined];
    let missed: Missed[] | undefined;
    let waiting: Promise<void>[] | undefined;
    for (const connection of members) {
      if (connection === one || (skip !== undefined && skip(connection))) continue;
      const { bufferedAmount } = connection;
      if (bufferedAmount > room) {
        (missed ??= []).push({ connection, first: !this.#behind.has(connection) });
        this.#behind.add(connection);
        continue;
      }
      if (this.#behind.size > 0) this.#behind.delete(connection);
      const sent = connection.send(message);
      if (bufferedAmount > mark) (waiting ??= []).push(sent);
    }
    for (const { connection, first } of missed ?? []) this.#options.onMissed(connection, first);
    return waiting === undefined ? undefined : Promise.allSettled(waiting).then(ignore);
  }

  /** Forgets a connection. */
  forget(connection: GroupConnection): void {
    this.#behind.delete(connection);
  }
}

/** The longest header of a frame that a server or a client sends (RFC 6455 §5.2), in bytes. */
const MAX_HEADER = 14;

/** Up to here, in bytes, nobody is asked to wait: to collect a promise from each of 1,000 members has its cost. */
const MAX_MARK = 16_384;

function ignore(): void {}
