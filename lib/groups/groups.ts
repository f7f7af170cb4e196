/**
 * Groups of connections, by name.
 *
 * @module
 */

import { prepare } from "../connection/web_socket_connection.ts";
import type { Bytes, PreparedMessage } from "../connection/web_socket_connection.ts";
import { checkOptions } from "../options/option_table.ts";
import { Audience, type Exceptions, readExcept } from "./audience.ts";
import type { Broker } from "./broker.ts";
import { formatProcessId, makeProcessId } from "./envelope.ts";
import { FanOut } from "./fan_out.ts";
import type { GroupConnection } from "./group_connection.ts";
import { GroupsError, type GroupsErrorContext } from "./groups_error.ts";
import {
  type DisconnectOptions,
  disconnectTable,
  type GroupsCounts,
  type GroupsOptions,
  type GroupsSettings,
  type GroupsStatus,
  type JoinOptions,
  joinTable,
  type Presence,
  type PresenceQueries,
  type PresentMember,
  type PublishOptions,
  publishTable,
  readGroupsOptions,
  type SendToResult,
} from "./groups_options.ts";
import { History } from "./history.ts";
import type { HistorySettings, JoinResult } from "./history_options.ts";
import type { Member, MemberChange } from "./control.ts";
import { Memberships } from "./memberships.ts";
import { checkInfo, checkName, describeTopic, type TopicKind } from "./names.ts";
import type { Order } from "./order.ts";
import { type PresenceChange, PresenceWatch } from "./presence_watch.ts";
import { Relay } from "./relay.ts";

/** What a member that is too slow is closed with: "try again later". */
const TOO_SLOW = { closeCode: 1013, reason: "Too slow" };

/**
 * Sends messages to groups of connections, here and, through a broker, in other processes.
 *
 * Names match exactly; a group is there while it has a member. A connection that closes leaves by itself. A message is
 * encoded once and handed to everyone who is a member at that moment, once: no code of the user's runs before that is
 * done, so joining, leaving and closing from `onError` or behind `publish` concern the next message. For members that
 * are slow see `slowConsumer`: they never delay the others.
 *
 * @example Tell a room, and one of its members
 * ```ts
 * import { Groups } from "@sluice/websocket/groups";
 * import { serve } from "@sluice/websocket/node"; // or /deno, or /bun
 *
 * const groups = new Groups({ slowConsumer: "close" });
 * await serve({ port: 8080 }, async (socket, request) => {
 *   const user = request.url.searchParams.get("user") ?? "someone";
 *   groups.join("lobby", socket, { as: user });
 *   groups.publish("lobby", `${user} is here`, { except: socket });
 *   groups.sendTo(user, "Welcome");
 *   await socket.closed;
 * });
 * ```
 */
export class Groups<T extends GroupConnection = GroupConnection> implements AsyncDisposable {
  readonly #settings: GroupsSettings;
  readonly #memberships: Memberships;
  readonly #fanOut: FanOut;
  readonly #id = makeProcessId();
  readonly #audience: Audience;
  readonly #counts = { dropped: 0, closed: 0, lost: 0, missed: 0, malformed: 0 };
  readonly #relay: Relay | undefined;
  readonly #history: History | undefined;
  readonly #watch = new PresenceWatch();
  /** Resolves when all is closed; there once that has begun. */
  #closed: Promise<void> | undefined;

  /**
   * Makes groups without members.
   *
   * @param options The broker, bounds, and what is done about members that are too slow.
   * @throws {TypeError | RangeError} If an option is wrong.
   */
  constructor(options: GroupsOptions = {}) {
    const { broker, history, slowConsumer: policy, maxBuffered } = this.#settings = readGroupsOptions(
      options,
    );
    this.#memberships = new Memberships({
      appeared: (kind, name) => this.#relay?.watch(kind, name),
      vanished: (kind, name) => {
        this.#relay?.unwatch(kind, name);
        if (kind === "group") this.#history?.vanished(name);
      },
      changed: (change) => this.#changed(change),
      left: (connection) => this.#fanOut.forget(connection),
    });
    this.#audience = new Audience(formatProcessId(this.#id), this.#memberships);
    this.#fanOut = new FanOut({ policy, maxBuffered, onMissed: (...missed) => this.#missed(...missed) });
    if (broker !== undefined) this.#relay = this.#makeRelay(broker);
    if (history !== undefined) this.#history = this.#makeHistory(history);
  }

  /** Tells who is in a group, across processes: those who joined under a name. */
  readonly presence: PresenceQueries<T> = Object.assign((name: string) => this.#presence(name), {
    members: (name: string) => this.#present(name),
    watch: (name: string) => this.#watchGroup(name),
  });

  /** What was lost so far, counted. */
  get counts(): GroupsCounts {
    return { ...this.#counts };
  }

  /**
   * Puts a connection into a group. It is a member when this returns; one that is already only changes its name.
   *
   * @param name Any string of up to 512 UTF-16 units.
   * @param connection It leaves by itself when it closes.
   * @param options `as`: the name it can be addressed by; `info`: what others see of it besides; `since`: where it goes
   *   on, for a member that comes back.
   * @returns Resolves when it also gets what other processes publish from then on, and has been sent what it missed;
   *   while the broker is away, or if it does not answer within `timeout`, sooner. Never rejects: that goes to `onError`.
   * @throws {TypeError} If a name is not a string, an option is wrong, `info` is not JSON or comes without `as`, or
   *   `since` comes without a history.
   * @throws {RangeError} If a name or `info` is too long, or the connection is in `maxGroups` groups.
   */
  join(name: string, connection: T, options: JoinOptions = {}): Promise<JoinResult> {
    checkName("group", name);
    checkOptions("options", options, joinTable, '{ as: "Ada" }');
    const { as, info, since } = options;
    if (as !== undefined) checkName("member", as);
    const member = as === undefined ? undefined : { name: as, info: checkInfo(info) };
    if (info !== undefined && member === undefined) {
      throw new TypeError("Cannot join group: info needs a name to go with, as");
    }
    if (since !== undefined && this.#history === undefined) {
      throw new TypeError("Cannot join group: since needs groups with a history");
    }
    if (this.#closed !== undefined) return JOINED;
    const { maxGroups } = this.#settings;
    const isMember = this.#memberships.has(name, connection);
    if (!isMember && this.#memberships.count(connection) >= maxGroups) {
      throw new RangeError(`Cannot join group: the connection is in ${maxGroups} groups already`);
    }
    this.#memberships.join(name, connection, member);
    if (this.#history !== undefined) {
      const joined = isMember
        ? this.#history.joinAgain(name, since)
        : this.#history.join(name, connection, since);
      return this.#reachable(as, joined);
    }
    return this.#relay === undefined
      ? JOINED
      : this.#reachable(as, this.#relay.watching("group", name).then(() => JOINED));
  }

  /**
   * Takes a connection out of a group; out of one that it is not in, it does nothing.
   *
   * @param name The group's.
   * @param connection It stays open.
   */
  leave(name: string, connection: GroupConnection): void {
    this.#memberships.leave(name, connection);
  }

  /**
   * Sends a message to everyone in a group, or in any of several. A connection that is in several of them gets it once. What
   * goes wrong goes to `onError`.
   *
   * @param name The group's, or a list of names; one without members is no error.
   * @param data Text as a string, anything else as binary. The bytes are the caller's again when this returns.
   * @param options `except`: who does not get it.
   * @returns Resolves once there is room for more: on the way to the broker, and under `"wait"` for every member.
   *   Awaiting it is backpressure; it need not be awaited.
   * @throws {TypeError} If a name is not a string, or an option is wrong.
   * @throws {RangeError} If a name is too long.
   */
  publish(name: string | readonly string[], data: string | Bytes, options?: PublishOptions): Promise<void> {
    const groups = readNames(name);
    const exceptions = readPublishOptions(options);
    const [first] = groups;
    if (first === undefined) return DONE;
    const message = this.#prepare(data, groups.length === 1 ? { group: first } : {});
    if (message === undefined) return DONE;
    if (this.#history !== undefined) {
      const here = this.#settings.broker !== undefined || groups.length > 1;
      const address = this.#audience.address(exceptions, { several: groups.length > 1, here });
      return this.#history.publish(groups, { data, message, address })?.then(ignore) ?? DONE;
    }
    const sets = groups.map((group) => this.#memberships.groups.get(group));
    return this.#publish("group", groups, sets.length === 1 ? sets[0]! : unite(sets), {
      data,
      message,
      exceptions,
    });
  }

  /**
   * Sends a message to everyone who is in a group, whichever it is, in all processes. No history keeps it.
   *
   * @param data Text as a string, anything else as binary. The bytes are the caller's again when this returns.
   * @param options `except`: who does not get it.
   * @returns As for {@linkcode Groups.publish}.
   * @throws {TypeError | RangeError} If an option is wrong.
   */
  broadcast(data: string | Bytes, options?: PublishOptions): Promise<void> {
    const exceptions = readPublishOptions(options);
    const message = this.#prepare(data, {});
    if (message === undefined) return DONE;
    return this.#publish("all", EVERYONE, this.#memberships.everyone(), { data, message, exceptions });
  }

  /**
   * Sends a message to the connections that joined under a name, in whichever groups and processes.
   *
   * @param member The name.
   * @param data Text as a string, anything else as binary. The bytes are the caller's again when this returns.
   * @returns How many connections of this process have the name, and whether the message went to the broker. Rejects only
   *   if the name is not a string, or too long.
   */
  async sendTo(member: string, data: string | Bytes): Promise<SendToResult> {
    checkName("member", member);
    const message = this.#prepare(data, { member });
    if (message === undefined) return { local: 0, forwarded: false };
    const members = this.#memberships.members.get(member);
    const local = members.size;
    const relieved = this.#fanOut.send(message, members, undefined);
    const { byteLength } = message;
    const forwarded = await this.#relay?.publish("member", member, { data, byteLength }) ?? false;
    await relieved;
    return { local, forwarded };
  }

  /**
   * Tells the id of a connection that has joined a group here: other processes can except it by that, also if it has no
   * name.
   *
   * @returns The id, which lasts as long as the connection; `undefined` if it has not joined a group yet.
   */
  idOf(connection: GroupConnection): string | undefined {
    return this.#audience.idOf(connection);
  }

  /**
   * Shows the connections of this process that are in a group: a live view, as long as there are any.
   *
   * @param name The group's.
   */
  members(name: string): ReadonlySet<T> {
    return this.#memberships.groups.get(name) as ReadonlySet<T>;
  }

  /**
   * Closes the connections that joined under a name, in whichever groups and processes.
   *
   * @param member The name.
   * @param options What to close them with.
   * @returns As for {@linkcode Groups.sendTo}.
   * @throws {TypeError | RangeError} If the name is not a string, an option is wrong, or the code must not be sent.
   */
  disconnect(member: string, options: DisconnectOptions = {}): Promise<SendToResult> {
    checkName("member", member);
    checkOptions("options", options, disconnectTable, "{ closeCode: 4001 }");
    const { closeCode = 1000, reason = "" } = options;
    return this.#order(member, { type: "disconnect", closeCode, reason });
  }

  /**
   * Takes the connections that joined under a name out of a group, in whichever processes. They stay open.
   *
   * @param group The group's name.
   * @param member Theirs.
   * @returns As for {@linkcode Groups.sendTo}.
   * @throws {TypeError} If a name is not a string.
   */
  removeFrom(group: string, member: string): Promise<SendToResult> {
    checkName("group", group);
    checkName("member", member);
    return this.#order(member, { type: "remove", group });
  }

  /**
   * Empties all groups, waits until what was published before has left, and closes the broker. The connections stay
   * open. Idempotent; never rejects.
   *
   * From then on joining and publishing do nothing.
   */
  close(): Promise<void> {
    return this.#closed ??= this.#end();
  }

  /** Does what {@linkcode Groups.close} does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #presence(name: string): Promise<Presence> {
    const members = await this.#present(name);
    return { size: members.length, names: [...new Set(members.map(({ name }) => name))].sort() };
  }

  async #present(name: string): Promise<PresentMember<T>[]> {
    await this.#relay?.presence.catchUp();
    return [...this.#membersOf(name)].map(([id, { name, info }, connection]) => ({
      name,
      info,
      id,
      connection,
    }));
  }

  *#membersOf(group: string): Generator<[id: string, member: Member, connection: T | undefined]> {
    for (const [number, member, connection] of this.#memberships.membersOf(group)) {
      yield [this.#audience.idAt(number), member, connection as T];
    }
    if (this.#relay === undefined || this.#closed !== undefined) return;
    for (const [id, member] of this.#relay.presence.membersOf(group)) yield [id, member, undefined];
  }

  #watchGroup(name: string): AsyncIterableIterator<PresenceChange, undefined> {
    checkName("group", name);
    void this.#relay?.presence.sync();
    const changes = this.#watch.watch(name, () => this.#membersOf(name));
    if (this.#closed !== undefined) this.#watch.close();
    return changes;
  }

  #changed(change: MemberChange): void {
    this.#watch.change(change.group, this.#audience.idAt(change.id), change.member);
    this.#relay?.presence.change(change);
  }

  async #order(member: string, order: Order): Promise<SendToResult> {
    if (this.#closed !== undefined) return { local: 0, forwarded: false };
    const local = this.#obey(member, order);
    const forwarded = await this.#relay?.order(member, order) ?? false;
    return { local, forwarded };
  }

  /** Does what is asked for with the connections of this process; returns how many there are. */
  #obey(member: string, order: Order): number {
    const connections = [...this.#memberships.members.get(member)];
    for (const connection of connections) {
      if (order.type === "remove") this.#memberships.leaveAs(order.group, connection, member);
      else connection.close({ closeCode: order.closeCode, reason: order.reason });
    }
    return connections.length;
  }

  async #end(): Promise<void> {
    this.#memberships.clear();
    this.#watch.close();
    this.#history?.close();
    await this.#relay?.close();
  }

  #makeRelay(broker: Broker): Relay {
    const { maxPending, timeout } = this.#settings;
    return new Relay({
      id: this.#id,
      broker,
      maxPending,
      timeout,
      members: () => this.#memberships.allMembers(),
      onMember: (group, key, member) => this.#watch.change(group, key, member),
      onOrder: (name, order) => this.#obey(name, order),
      onStatus: (status) => this.#tellStatus(status),
      deliver: (kind, name, message, addressed) => {
        const skip = addressed && this.#audience.skipAddressed(addressed);
        this.#fanOut.send(message, this.#connectionsOf(kind, name), skip);
      },
      onPlaced: this.#settings.history && ((group, received) => this.#history!.arrive(group, received)),
      onRestored: () => void this.#history?.recover(),
      onMalformed: () => this.#counts.malformed++,
      onMissed: (missed, kind, name) => {
        this.#counts.missed += missed;
        this.#report(new GroupsError("missed"), { stage: "subscribe", ...describeTopic(kind, name), missed });
      },
      onLost: (error, kind, name) => {
        this.#counts.lost++;
        this.#report(error, { stage: "publish", ...describeTopic(kind, name) });
      },
      onError: (error, context) => this.#report(error, context),
    });
  }

  #connectionsOf(kind: TopicKind, name: string): ReadonlySet<GroupConnection> {
    if (kind === "all") return this.#memberships.everyone();
    return this.#memberships[kind === "group" ? "groups" : "members"].get(name);
  }

  #makeHistory(settings: HistorySettings): History {
    return new History({
      settings,
      relay: this.#relay,
      audience: this.#audience,
      maxAhead: this.#settings.maxBuffered / 4,
      members: (group) => this.#memberships.groups.get(group),
      send: (...sent) => this.#fanOut.send(...sent),
      onError: (error, context) => this.#report(error, context),
    });
  }

  /** Waits until what others send to a name and to everyone arrives, too. */
  async #reachable(as: string | undefined, joined: Promise<JoinResult>): Promise<JoinResult> {
    const named = as === undefined ? undefined : this.#relay?.watching("member", as);
    const [result] = await Promise.all([joined, named, this.#relay?.hearingAll()]);
    return result;
  }

  /** Publishes what no history keeps. */
  #publish(
    kind: TopicKind,
    names: readonly string[],
    members: ReadonlySet<GroupConnection>,
    { data, message, exceptions }: Publishing,
  ): Promise<void> {
    const relieved = this.#fanOut.send(message, members, this.#audience.excepted(exceptions));
    const relay = this.#relay;
    if (relay === undefined) return relieved ?? DONE;
    const address = this.#audience.address(exceptions, { several: names.length > 1, here: false });
    const outgoing = { data, byteLength: message.byteLength, address };
    const forwarded = names.map((name) => relay.publish(kind, name, outgoing));
    if (!relay.congested) return relieved ?? DONE;
    return Promise.all([relieved, ...forwarded]).then(ignore);
  }

  #prepare(data: string | Bytes, about: Omit<GroupsErrorContext, "stage">): PreparedMessage | undefined {
    if (this.#closed !== undefined) return undefined;
    try {
      return prepare(data);
    } catch (error) {
      this.#report(error, { stage: "encode", ...about });
      return undefined;
    }
  }

  /** Does what the policy says about a member that missed a message. */
  #missed(connection: GroupConnection, first: boolean): void {
    this.#counts.dropped++;
    if (this.#settings.slowConsumer === "close" && this.#memberships.count(connection) > 0) {
      this.#counts.closed++;
      this.#memberships.leaveAll(connection);
      connection.close(TOO_SLOW);
    }
    if (first) this.#report(new GroupsError("slow-consumer"), { stage: "deliver", connection });
  }

  #tellStatus(status: GroupsStatus): void {
    try {
      const told: unknown = this.#settings.onStatus?.(status);
      Promise.resolve(told).catch((error) => this.#report(error, { stage: "status" }));
    } catch (error) {
      this.#report(error, { stage: "status" });
    }
  }

  /** Tells the user of an error. There is nobody to tell if that fails. */
  #report(error: unknown, context: GroupsErrorContext): void {
    try {
      const told: unknown = this.#settings.onError?.(error, context);
      // It is the one place that errors go to.
      Promise.resolve(told).catch(ignore);
    } catch {
      // Likewise.
    }
  }
}

/** A message that is published, and who does not get it. */
interface Publishing {
  readonly data: string | Bytes;
  readonly message: PreparedMessage;
  readonly exceptions: Exceptions | undefined;
}

function readPublishOptions(options: PublishOptions | undefined): Exceptions | undefined {
  if (options === undefined) return undefined;
  checkOptions("options", options, publishTable, "{ except: socket }");
  return readExcept(options.except);
}

/** Checks the names of the groups that something is published to; each is there once. */
function readNames(names: string | readonly string[]): readonly string[] {
  const list = Array.isArray(names) ? [...new Set(names as readonly string[])] : [names as string];
  for (const name of list) checkName("group", name);
  return list;
}

function unite(sets: readonly ReadonlySet<GroupConnection>[]): ReadonlySet<GroupConnection> {
  const all = new Set<GroupConnection>();
  for (const set of sets) for (const connection of set) all.add(connection);
  return all;
}

/** What goes to everyone has no name. */
const EVERYONE: readonly string[] = [""];

/** One allocation for all calls that need not wait. */
const DONE: Promise<void> = Promise.resolve();

/** Likewise, for what has no history. */
const JOINED: Promise<JoinResult> = Promise.resolve({ position: undefined, recovered: true, missed: 0 });

function ignore(): void {}
