/**
 * Who does not get a message although it is in the group.
 *
 * @module
 */

import { wrongType } from "../options/wrong_type.ts";
import { Batches } from "./batches.ts";
import type { GroupConnection } from "./group_connection.ts";
import type { Memberships } from "./memberships.ts";
import { checkName } from "./names.ts";

/** Stands for a connection of any process: what `presence.members` lists has it. */
export interface MemberId {
  /** The id that `presence.members` and `idOf` tell. */
  readonly id: string;
}

/** Who does not get a message: a connection of this process, all that have a name, or one of any process by its id. */
export type Excepted = GroupConnection | string | MemberId;

/** Whether a connection does not get a message. */
export type Skip = (connection: GroupConnection) => boolean;

/** What goes with a message to other processes about whom it is for. */
export interface Address {
  /** Which publication it belongs to, if that goes to several groups: whoever is in some of them gets it once. */
  readonly batch?: number | undefined;
  /** The names whose connections do not get it. */
  readonly names?: readonly string[] | undefined;
  /** The ids of connections that do not get it. */
  readonly ids?: readonly string[] | undefined;
}

/** What is known of a message that has an address. */
export interface Addressed {
  /** The process that it is from, in hexadecimal digits. */
  readonly sender: string;
  readonly address: Address;
}

/** The option `except`, taken apart. */
export interface Exceptions {
  readonly connections: readonly GroupConnection[];
  readonly names: readonly string[];
  readonly ids: readonly string[];
}

/** Reads an address, which may be anything: `undefined` if it is none. */
export function readAddress(text: string): Address | undefined {
  let value: Record<string, unknown>;
  try {
    value = Object(JSON.parse(text));
  } catch {
    return undefined;
  }
  const { batch, names, ids } = value;
  if (batch !== undefined && !Number.isSafeInteger(batch)) return undefined;
  if (!isListOfStrings(names) || !isListOfStrings(ids)) return undefined;
  return { batch: batch as number | undefined, names, ids };
}

/**
 * Checks the option `except`.
 *
 * @throws {TypeError | RangeError} If it is wrong.
 */
export function checkExcept(value: unknown, name: string): void {
  for (const each of Array.isArray(value) ? value : [value]) {
    if (typeof each === "string") checkName("member", each);
    else if (!isConnection(each) && typeof Object(each).id !== "string") {
      throw wrongType(name, "a connection, a name, a member with its id, or an array of these", each);
    }
  }
}

/** Takes the option `except` apart; `undefined` if it excepts nobody. */
export function readExcept(
  except: Excepted | readonly Excepted[] | undefined,
): Exceptions | undefined {
  if (except === undefined) return undefined;
  const connections: GroupConnection[] = [];
  const names: string[] = [];
  const ids: string[] = [];
  for (const each of Array.isArray(except) ? except as readonly Excepted[] : [except as Excepted]) {
    if (typeof each === "string") names.push(each);
    else if (isConnection(each)) connections.push(each);
    else ids.push(each.id);
  }
  return { connections, names, ids };
}

/** Tells who of the connections here does not get a message. */
export class Audience {
  readonly #sender: string;
  readonly #memberships: Memberships;
  /** Who has had which message that went to several groups. */
  readonly #batches = new Batches();
  #lastBatch = 0;

  /**
   * Makes one.
   *
   * @param sender Names this process, as in {@linkcode Addressed}.
   * @param memberships Who is here.
   */
  constructor(sender: string, memberships: Memberships) {
    this.#sender = sender;
    this.#memberships = memberships;
  }

  /** The id of a connection that has joined a group here; others have none. */
  idOf(connection: GroupConnection): string | undefined {
    const number = this.#memberships.numberOf(connection);
    return number === undefined ? undefined : this.idAt(number);
  }

  /** The id of the connection here that has a number. */
  idAt(number: number): string {
    return `${this.#sender}.${number}`;
  }

  /** Who here does not get what is published with such exceptions: nobody, one, or those that a function tells. */
  excepted(exceptions: Exceptions | undefined): GroupConnection | Skip | undefined {
    if (exceptions === undefined) return undefined;
    const { connections, names, ids } = exceptions;
    if (connections.length === 1 && names.length === 0 && ids.length === 0) return connections[0];
    const all = new Set(connections);
    const listed = this.#listed({ names, ids });
    return (connection) => all.has(connection) || listed(connection);
  }

  /**
   * What other processes have to know of a publication; `undefined` if that is nothing.
   *
   * @param options `several`: it goes to several groups; `here`: it comes back to this process, too, which then has to know
   *   the connections of its own.
   */
  address(
    exceptions: Exceptions | undefined,
    options: { readonly several: boolean; readonly here: boolean },
  ): Address | undefined {
    const { connections, names, ids } = exceptions ?? NO_EXCEPTIONS;
    const all = [...ids];
    if (options.here) {
      for (const connection of connections) {
        const id = this.idOf(connection);
        if (id !== undefined) all.push(id);
      }
    }
    if (!options.several && names.length === 0 && all.length === 0) return undefined;
    return {
      ...options.several && { batch: ++this.#lastBatch },
      ...names.length > 0 && { names },
      ...all.length > 0 && { ids: all },
    };
  }

  /** Who here does not get a message with an address. It is asked once for each who would. */
  skipAddressed({ sender, address }: Addressed): Skip {
    const { batch } = address;
    const listed = this.#listed(address);
    if (batch === undefined) return listed;
    const key = `${sender}.${batch}`;
    return (connection) => listed(connection) || !this.#batches.claim(key, connection);
  }

  /** The address of a message of this process that does not leave it. */
  addressedHere(address: Address): Addressed {
    return { sender: this.#sender, address };
  }

  #listed({ names = [], ids = [] }: Address): Skip {
    const memberships = this.#memberships;
    const start = `${this.#sender}.`;
    const numbers = new Set(
      ids.filter((id) => id.startsWith(start)).map((id) => Number(id.slice(start.length))),
    );
    return (connection) =>
      (numbers.size > 0 && numbers.has(memberships.numberOf(connection) ?? NaN)) ||
      names.some((name) => memberships.members.get(name).has(connection));
  }
}

const NO_EXCEPTIONS: Exceptions = { connections: [], names: [], ids: [] };

function isConnection(value: unknown): value is GroupConnection {
  return typeof Object(value).send === "function";
}

function isListOfStrings(value: unknown): value is readonly string[] | undefined {
  return value === undefined || Array.isArray(value) && value.every((each) => typeof each === "string");
}
