/**
 * Who is in which group, and under which name.
 *
 * @module
 */

import type { Member, MemberChange } from "./control.ts";
import type { GroupConnection } from "./group_connection.ts";
import type { TopicKind } from "./names.ts";
import { Topics } from "./topics.ts";

/** What changed, as far as others need to know. */
export interface MembershipEvents {
  /** A group or a name has its first connection here, or the process (`"all"`). */
  appeared(kind: TopicKind, name: string): void;
  /** It has lost its last one. */
  vanished(kind: TopicKind, name: string): void;
  /** A member that others see has come, changed or left. */
  changed(change: MemberChange): void;
  /** A connection is in no group any more. */
  left(connection: GroupConnection): void;
}

/** A connection's membership of a group. */
interface Membership {
  /** Tells the connection from all others of this process. */
  readonly id: number;
  /** What others see of it, if it has a name. */
  readonly member: Member | undefined;
}

/** Keeps groups and names in step, and lets a connection that closes leave them all. */
export class Memberships {
  readonly groups: Topics = new Topics();
  readonly members: Topics = new Topics();
  readonly #events: MembershipEvents;
  /** For each connection its groups. */
  readonly #joined = new Map<GroupConnection, Map<string, Membership>>();
  /** The number of each connection that has joined a group here, also when it is in none any more. */
  readonly #numbers = new WeakMap<GroupConnection, number>();
  #nextNumber = 0;
  /** Whose end is waited for: to wait anew each time one joins would pile up. */
  readonly #watched = new WeakSet<GroupConnection>();

  constructor(events: MembershipEvents) {
    this.#events = events;
  }

  /** All connections that are in a group. */
  everyone(): ReadonlySet<GroupConnection> {
    return new Set(this.#joined.keys());
  }

  /** What tells a connection from all others of this process, if it has ever joined a group. */
  numberOf(connection: GroupConnection): number | undefined {
    return this.#numbers.get(connection);
  }

  /** How many groups a connection is in. */
  count(connection: GroupConnection): number {
    return this.#joined.get(connection)?.size ?? 0;
  }

  /** Whether a connection is in a group. */
  has(group: string, connection: GroupConnection): boolean {
    return this.#joined.get(connection)?.has(group) ?? false;
  }

  /** The members of a group that others see, with their numbers. */
  *membersOf(group: string): Generator<[number: number, Member, GroupConnection]> {
    for (const connection of this.groups.get(group)) {
      const { id, member } = this.#joined.get(connection)!.get(group)!;
      if (member !== undefined) yield [id, member, connection];
    }
  }

  /** The members of all groups that others see. */
  *allMembers(): Generator<MemberChange> {
    for (const joined of this.#joined.values()) {
      for (const [group, { id, member }] of joined) if (member !== undefined) yield { group, id, member };
    }
  }

  /** Puts a connection into a group; if it is there already it only changes what others see of it. */
  join(group: string, connection: GroupConnection, member: Member | undefined): void {
    let joined = this.#joined.get(connection);
    const isFirst = this.#joined.size === 0;
    if (joined === undefined) this.#joined.set(connection, joined = new Map());
    const before = joined.get(group);
    const id = this.#number(connection);
    joined.set(group, { id, member });
    const as = member?.name;
    if (as !== undefined && this.members.add(as, connection)) this.#events.appeared("member", as);
    if (before?.member?.name !== as) this.#dropName(before?.member?.name, connection, joined);
    if (this.groups.add(group, connection)) this.#events.appeared("group", group);
    if (isFirst) this.#events.appeared("all", "");
    if (before?.member !== undefined || member !== undefined) this.#events.changed({ group, id, member });
    if (this.#watched.has(connection)) return;
    this.#watched.add(connection);
    const leave = () => this.leaveAll(connection);
    connection.closed.then(leave, leave);
  }

  /** Takes a connection out of a group, if it is in it. */
  leave(group: string, connection: GroupConnection): void {
    const joined = this.#joined.get(connection);
    if (joined === undefined || !joined.has(group)) return;
    const { id, member } = joined.get(group)!;
    joined.delete(group);
    this.#dropName(member?.name, connection, joined);
    if (this.groups.delete(group, connection)) this.#events.vanished("group", group);
    if (member !== undefined) this.#events.changed({ group, id, member: undefined });
    if (joined.size === 0) {
      this.#joined.delete(connection);
      this.#events.left(connection);
      if (this.#joined.size === 0) this.#events.vanished("all", "");
    }
  }

  /** Takes a connection out of a group, if it is in it under that name. */
  leaveAs(group: string, connection: GroupConnection, name: string): void {
    if (this.#joined.get(connection)?.get(group)?.member?.name === name) this.leave(group, connection);
  }

  /** Takes a connection out of all groups. */
  leaveAll(connection: GroupConnection): void {
    for (const group of [...this.#joined.get(connection)?.keys() ?? []]) this.leave(group, connection);
  }

  /** Takes everyone out of everything. */
  clear(): void {
    for (const connection of [...this.#joined.keys()]) this.leaveAll(connection);
  }

  #number(connection: GroupConnection): number {
    let number = this.#numbers.get(connection);
    if (number === undefined) this.#numbers.set(connection, number = this.#nextNumber++);
    return number;
  }

  /** Takes a name from a connection that has it in no other group. */
  #dropName(
    name: string | undefined,
    connection: GroupConnection,
    joined: ReadonlyMap<string, Membership>,
  ): void {
    if (name === undefined) return;
    for (const { member } of joined.values()) if (member?.name === name) return;
    if (this.members.delete(name, connection)) this.#events.vanished("member", name);
  }
}
