/**
 * Names that at most one person has, in all processes that share a broker.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { WebSocketConnection } from "../../lib/adapters/node.ts";
import type { Groups } from "../../lib/groups/mod.ts";

/** The shortest key that proves anything, in characters. */
const MIN_KEY = 16;

/** A name, and whose it is. */
export interface Holder {
  readonly name: string;
  readonly owner: string;
}

/** Takes what cannot be seen out of a name: two names that look the same are the same. */
export function visibleName(text: string): string {
  return text.normalize("NFKC").replace(/\p{C}/gu, "").replace(/\s+/g, " ").trim();
}

/** Tells owners apart by a key that only each of them knows; whoever shows none is nobody else's equal. */
export function ownerOf(key: string): string {
  return key.length < MIN_KEY ? crypto.randomUUID() : createHash("sha256").update(key).digest("base64url");
}

/** The address of a holder in a group: nobody else can join under it, and what is sent to it reaches nobody else. */
export function addressOf(group: string, { name, owner }: Holder): string {
  return `${group}/${owner}/${name}`;
}

/** Lists who is in a group, in all processes. */
export async function holdersIn(groups: Groups, group: string): Promise<Holder[]> {
  const { names } = await groups.presence(group);
  return names.map((address) => {
    const [owner = "", ...name] = address.slice(group.length + 1).split("/");
    return { owner, name: name.join("/") };
  });
}

/** Gives out names. */
export class Names {
  readonly #groups: Groups;
  readonly #group: string;
  readonly #settle: number;

  /**
   * Starts with the names that others have given out already.
   *
   * @param groups The groups, of one process or of many.
   * @param group A group for the names alone: nothing is published to it.
   * @param settle How long it takes until other processes know who joined, in milliseconds.
   */
  constructor(groups: Groups, group: string, settle: number) {
    this.#groups = groups;
    this.#group = group;
    this.#settle = settle;
  }

  /**
   * Takes a name for a connection, for as long as it is open, and tells whether it was free.
   *
   * Of two that ask in different processes at the same moment, at least one sees the other and gives up. Both may, but
   * never do both get the name. One owner may have it over several connections.
   */
  async take(holder: Holder, socket: WebSocketConnection): Promise<boolean> {
    if (await this.isTaken(holder)) return false;
    await this.#groups.join(this.#group, socket, { as: addressOf(this.#group, holder) });
    if (this.#settle > 0) await pause(this.#settle);
    const free = !await this.isTaken(holder);
    if (!free) this.#groups.leave(this.#group, socket);
    return free;
  }

  /** Tells whether somebody else has a name. */
  async isTaken({ name, owner }: Holder): Promise<boolean> {
    const holders = await holdersIn(this.#groups, this.#group);
    return holders.some((holder) => holder.name === name && holder.owner !== owner);
  }
}
