/**
 * Who has had a message that goes to several groups at once: each of them has a copy of it.
 *
 * @module
 */

import type { GroupConnection } from "./group_connection.ts";

/** How many messages, and how many deliveries of them, are remembered at least. */
const MAX_BATCHES = 10_000;
const MAX_CLAIMS = 100_000;

/** Lets each connection have one copy of each message. What is long past is forgotten. */
export class Batches {
  /** Two generations: when the young one is full it takes the place of the old one, which is forgotten. */
  #young = new Map<string, WeakSet<GroupConnection>>();
  #old: ReadonlyMap<string, WeakSet<GroupConnection>> = new Map();
  /** How many deliveries the young ones have. */
  #claims = 0;

  /** Records that a connection gets a message; returns whether it had not had it before. */
  claim(message: string, connection: GroupConnection): boolean {
    const had = this.#young.get(message) ?? this.#old.get(message) ?? this.#begin(message);
    if (had.has(connection)) return false;
    had.add(connection);
    this.#claims++;
    return true;
  }

  #begin(message: string): WeakSet<GroupConnection> {
    if (this.#young.size >= MAX_BATCHES || this.#claims >= MAX_CLAIMS) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#claims = 0;
    }
    const had = new WeakSet<GroupConnection>();
    this.#young.set(message, had);
    return had;
  }
}
