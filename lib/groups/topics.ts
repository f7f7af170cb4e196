/**
 * Who is to get what: sets of connections under names that match exactly.
 *
 * @module
 */

import type { GroupConnection } from "./group_connection.ts";

const NOBODY: ReadonlySet<GroupConnection> = new Set();

/** Named sets of connections; one that becomes empty vanishes. */
export class Topics {
  /** A `Map`, so that no name is special: `__proto__` is a name like any other. */
  readonly #sets = new Map<string, Set<GroupConnection>>();

  /** The connections under a name: a live view, as long as there are any. */
  get(name: string): ReadonlySet<GroupConnection> {
    return this.#sets.get(name) ?? NOBODY;
  }

  /** Puts a connection under a name; returns whether it is the first. */
  add(name: string, connection: GroupConnection): boolean {
    const set = this.#sets.get(name);
    if (set === undefined) this.#sets.set(name, new Set([connection]));
    else set.add(connection);
    return set === undefined;
  }

  /** Takes a connection away; returns whether it was the last. */
  delete(name: string, connection: GroupConnection): boolean {
    const set = this.#sets.get(name);
    if (set === undefined || !set.delete(connection) || set.size > 0) return false;
    return this.#sets.delete(name);
  }
}
