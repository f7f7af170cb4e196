/**
 * Who is in which group, and under which name.
 *
 * @module
 */

import type { GroupConnection } from "./group_connection.ts";
import type { TopicKind } from "./names.ts";
import { Topics } from "./topics.ts";

/** What changed, as far as others need to know. */
export interface MembershipEvents {
  /** A group or a name has its first connection here. */
  appeared(kind: TopicKind, name: string): void;
  /** It has lost its last one. */
  vanished(kind: TopicKind, name: string): void;
  /** The names in a group have changed. */
  renamed(group: string): void;
  /** A connection is in no group any more. */
  left(connection: GroupConnection): void;
}

/** Keeps groups and names in step, and lets a connection that closes leave them all. */
export class Memberships {
  readonly groups: Topics = new Topics();
  readonly members: Topics = new Topics();
  readonly #events: MembershipEvents;
  /** For each connection its groups, and what it joined them as. */
  readonly #joined = new Map<GroupConnection, Map<string, string | undefined>>();
  /** Whose end is waited for: to wait anew each time one joins would pile up. */
  readonly #watched = new WeakSet<GroupConnection>();

  constructor(events: MembershipEvents) {
    this.#events = events;
  }

  /** How many groups a connection is in. */
  count(connection: GroupConnection): number {
    return this.#joined.get(connection)?.size ?? 0;
  }

  /** Whether a connection is in a group. */
  has(group: string, connection: GroupConnection): boolean {
    return this.#joined.get(connection)?.has(group) ?? false;
  }

  /** The names that the connections of a group joined as, and how many have each. */
  namesIn(group: string): Map<string, number> {
    const names = new Map<string, number>();
    for (const connection of this.groups.get(group)) {
      const name = this.#joined.get(connection)?.get(group);
      if (name !== undefined) names.set(name, (names.get(name) ?? 0) + 1);
    }
    return names;
  }

  /** Puts a connection into a group; if it is there already it only changes its name. */
  join(group: string, connection: GroupConnection, as: string | undefined): void {
    let joined = this.#joined.get(connection);
    if (joined === undefined) this.#joined.set(connection, joined = new Map());
    const before = joined.get(group);
    joined.set(group, as);
    if (as !== undefined && this.members.add(as, connection)) this.#events.appeared("member", as);
    if (before !== as) this.#dropName(before, connection, joined);
    if (this.groups.add(group, connection)) this.#events.appeared("group", group);
    if (before !== as) this.#events.renamed(group);
    if (this.#watched.has(connection)) return;
    this.#watched.add(connection);
    const leave = () => this.leaveAll(connection);
    connection.closed.then(leave, leave);
  }

  /** Takes a connection out of a group, if it is in it. */
  leave(group: string, connection: GroupConnection): void {
    const joined = this.#joined.get(connection);
    if (joined === undefined || !joined.has(group)) return;
    const as = joined.get(group);
    joined.delete(group);
    this.#dropName(as, connection, joined);
    if (this.groups.delete(group, connection)) this.#events.vanished("group", group);
    if (as !== undefined) this.#events.renamed(group);
    if (joined.size === 0) {
      this.#joined.delete(connection);
      this.#events.left(connection);
    }
  }

  /** Takes a connection out of all groups. */
  leaveAll(connection: GroupConnection): void {
    for (const group of [...this.#joined.get(connection)?.keys() ?? []]) this.leave(group, connection);
  }

  /** Takes everyone out of everything. */
  clear(): void {
    for (const connection of [...this.#joined.keys()]) this.leaveAll(connection);
  }

  /** Takes a name from a connection that has it in no other group. */
  #dropName(
    name: string | undefined,
    connection: GroupConnection,
    joined: ReadonlyMap<string, string | undefined>,
  ): void {
    if (name === undefined) return;
    for (const other of joined.values()) if (other === name) return;
    if (this.members.delete(name, connection)) this.#events.vanished("member", name);
  }
}
