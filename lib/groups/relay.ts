/**
 * The way between groups and a broker.
 *
 * @module
 */

import { prepare } from "../connection/web_socket_connection.ts";
import type { PreparedMessage } from "../connection/web_socket_connection.ts";
import type { Addressed } from "./audience.ts";
import type { Broker } from "./broker.ts";
import type { Member, MemberChange } from "./control.ts";
import type { HistoryLimits, Position } from "./history_options.ts";
import {
  formatProcessId,
  isSameProcess,
  type Origin,
  type Outgoing,
  type ProcessId,
  seal,
  sealControl,
  unseal,
  type Unsealed,
} from "./envelope.ts";
import { GroupsError, type GroupsErrorContext } from "./groups_error.ts";
import { channelOf, describeTopic, type TopicKind } from "./names.ts";
import { Gaps, Numbering } from "./numbering.ts";
import type { GroupsStatus } from "./groups_options.ts";
import { type Order, readOrder } from "./order.ts";
import { PresenceTracker } from "./presence_tracker.ts";
import { Subscriptions } from "./subscriptions.ts";
import { TimeLimit } from "./time_limit.ts";

/** A message of the history of a group. */
export interface Received {
  readonly position: Position;
  /** How long ago it was published, in milliseconds. */
  readonly age: number;
  /** Its length in bytes. */
  readonly size: number;
  /** What it is, and whether it is from this process; `undefined` if it is no message. */
  readonly content:
    | Origin & {
      readonly data: string | Uint8Array;
      readonly own: boolean;
      readonly addressed: Addressed | undefined;
    }
    | undefined;
}

/** What a {@linkcode Relay} needs and tells. */
export interface RelayOptions {
  /** Names this process. */
  readonly id: ProcessId;
  readonly broker: Broker;
  /** How many bytes may be on their way to the broker. */
  readonly maxPending: number;
  /** How long the broker may take to answer, in milliseconds. */
  readonly timeout: number;
  /** The members here that others see. */
  readonly members: () => Iterable<MemberChange>;
  /** Called for each member of another process that comes, changes or leaves. */
  readonly onMember: (group: string, key: string, member: Member | undefined) => void;
  /** Does what another process asks for. */
  readonly onOrder: (name: string, order: Order) => void;
  /** Called when the broker is connected, is away, or is back. */
  readonly onStatus: (status: GroupsStatus) => void;
  /** Takes a message from another process. */
  readonly deliver: (
    kind: TopicKind,
    name: string,
    message: PreparedMessage,
    addressed: Addressed | undefined,
  ) => void;
  /** Called when the broker is back, before `onStatus`. */
  readonly onRestored?: (() => void) | undefined;
  /** Takes a message with its position, also one of this process. Absent if there is no history. */
  readonly onPlaced?: ((group: string, received: Received) => void) | undefined;
  /** Hears of a payload that is no message. */
  readonly onMalformed: () => void;
  /** Called when some messages of another process did not arrive. */
  readonly onMissed: (missed: number, kind: TopicKind, name: string) => void;
  /** Hears of a message that did not reach the broker. */
  readonly onLost: (error: unknown, kind: TopicKind, name: string) => void;
  /** Hears of anything else that went wrong. */
  readonly onError: (error: unknown, context: GroupsErrorContext) => void;
}

/** Publishes what members here are told, and delivers what members elsewhere were. */
export class Relay {
  /** Who is there. */
  readonly presence: PresenceTracker;
  readonly #options: RelayOptions;
  readonly #id: ProcessId;
  readonly #numbering = new Numbering();
  readonly #gaps = new Gaps();
  readonly #subscriptions: Subscriptions;
  readonly #limit: TimeLimit;
  /** Whether the broker is away. */
  #away = false;
  /** How many bytes are on their way. */
  #pending = 0;
  /** Why the history of a group could not be read the last time. */
  readonly #unreadable = new Map<string, string>();
  /** The messages whose fate is not known. */
  readonly #publishing = new Set<Promise<boolean>>();

  /** Takes a broker into use. */
  constructor(options: RelayOptions) {
    this.#options = options;
    const { id, broker, timeout, onError, onStatus } = options;
    this.#id = id;
    this.#limit = new TimeLimit(timeout);
    this.#subscriptions = new Subscriptions(broker);
    this.presence = this.#makePresence();
    broker.open({
      connected: () => onStatus({ state: "connected" }),
      interrupted: (cause) => {
        this.#away = true;
        this.#subscriptions.interrupt();
        onError(new GroupsError("interrupted", { cause }), { stage: "subscribe" });
        onStatus({ state: "interrupted", cause });
      },
      restored: () => {
        this.#away = false;
        this.#subscriptions.restore();
        this.presence.restart();
        this.#options.onRestored?.();
        onStatus({ state: "restored" });
      },
      refused: (channel) => this.#subscriptions.lose(channel),
    });
  }

  /** Whether so much is on its way that whoever publishes should wait. */
  get congested(): boolean {
    return this.#pending > this.#options.maxPending / 4;
  }

  /** Subscribes to what others publish under a name. */
  watch(kind: TopicKind, name: string): void {
    const { onError } = this.#options;
    this.#subscriptions.add(channelOf(kind, name), {
      subscribed: () => {
        const subscription = {};
        const { onPlaced } = this.#options;
        return (payload, position) => {
          if (position === undefined || onPlaced === undefined) {
            this.#receive(kind, name, payload, subscription);
          } else onPlaced(name, this.#open(payload, position, 0));
        };
      },
      onError: (error) => onError(error, { stage: "subscribe", ...describeTopic(kind, name) }),
    });
  }

  /** Ends that. */
  unwatch(kind: TopicKind, name: string): void {
    if (kind === "group") this.#unreadable.delete(name);
    this.#subscriptions.delete(channelOf(kind, name));
  }

  /**
   * Resolves when the broker has answered to the latest {@linkcode Relay.watch}, to `true`; or has failed to, which is
   * reported, to `false`.
   */
  async watching(kind: TopicKind, name: string): Promise<boolean> {
    try {
      await this.#limit.wait(this.#subscriptions.answered(channelOf(kind, name)), `join ${kind}`);
      return true;
    } catch (error) {
      this.#options.onError(error, { stage: "subscribe", [kind]: name });
      return false;
    }
  }

  /**
   * Resolves when what others send to everyone arrives, or the broker has failed to see to that: which is reported once,
   * and not to each that joins.
   */
  async hearingAll(): Promise<void> {
    try {
      await this.#limit.wait(this.#subscriptions.answered(channelOf("all", "")), "hear what is for everyone");
    } catch (error) {
      const isLate = error instanceof GroupsError && error.code === "broker-timeout";
      if (isLate) this.#options.onError(error, { stage: "subscribe" });
    }
  }

  /**
   * Publishes a message to other processes.
   *
   * @returns Whether the broker took it; never rejects.
   */
  publish(kind: TopicKind, name: string, message: Outgoing): Promise<boolean> {
    const { broker } = this.#options;
    return this.#send(kind, name, message, (channel, envelope) => broker.publish(channel, envelope));
  }

  /**
   * Appends a message to the history of a group, and publishes it to all processes, this one included.
   *
   * @returns Whether the broker took it; never rejects.
   */
  append(group: string, message: Outgoing, limits: HistoryLimits): Promise<boolean> {
    const history = this.#options.broker.history!;
    return this.#send("group", group, message, (channel, envelope) => {
      return history.append(channel, envelope, limits);
    });
  }

  /** Reads the history of a group; resolves to `undefined` if that fails. */
  async read(
    group: string,
    limits: HistoryLimits,
    after: Position | undefined,
  ): Promise<{ readonly position: Position; readonly received: readonly Received[] } | undefined> {
    if (this.#away) return undefined;
    const { broker, onError } = this.#options;
    try {
      const reading = broker.history!.read(channelOf("group", group), limits, after);
      const { position, kept } = await this.#limit.wait(reading, "read history");
      const received = kept.map(({ offset, payload, age }) =>
        this.#open(payload, { epoch: position.epoch, offset }, age)
      );
      this.#unreadable.delete(group);
      return { position, received };
    } catch (error) {
      // That the broker is away has been told, and so has what is still the case.
      if (this.#away || this.#unreadable.get(group) === `${error}`) return undefined;
      this.#unreadable.set(group, `${error}`);
      onError(error, { stage: "history", group });
      return undefined;
    }
  }

  /** Counts what is missing before a message that is delivered. */
  countMissed(group: string, subscription: object, { from, number }: Origin): void {
    const missed = this.#gaps.take(subscription, from, number);
    if (missed > 0) this.#options.onMissed(missed, "group", group);
  }

  /** Waits until the fate of all messages is known, takes back what it told the broker, and closes it. */
  async close(): Promise<void> {
    try {
      await Promise.all(this.#publishing);
      this.#subscriptions.close();
      await this.presence.close();
      await this.#limit.wait(this.#options.broker.close(), "close");
    } catch (error) {
      this.#options.onError(error, { stage: "close" });
    }
  }

  /** Asks other processes to do something with the connections of a name; resolves to whether the broker took it. */
  order(name: string, order: Order): Promise<boolean> {
    const { onLost } = this.#options;
    return this.#tell(channelOf("member", name), JSON.stringify(order)).then(
      () => true,
      (error) => {
        onLost(error, "member", name);
        return false;
      },
    );
  }

  #makePresence(): PresenceTracker {
    const { broker, timeout, members, onMember, onError } = this.#options;
    return new PresenceTracker({
      id: formatProcessId(this.#id),
      ttl: broker.presenceTtl?.bind(broker),
      timeout,
      members,
      onChange: onMember,
      listen: (channel) => this.#listen(channel),
      tell: (channel, text) =>
        this.#tell(channel, text).catch((error) => {
          // That the broker is away has been told.
          if (!this.#away) onError(error, { stage: "presence" });
        }),
      onError: (error) => onError(error, { stage: "presence" }),
    });
  }

  /** Subscribes to what processes tell each other. */
  async #listen(channel: string): Promise<void> {
    const { onError, onMalformed } = this.#options;
    this.#subscriptions.add(channel, {
      subscribed: () => (payload) => {
        const content = unseal(payload, this.#id);
        if (content === "own") return;
        const known = content !== "malformed" && "control" in content &&
          this.presence.receive(formatProcessId(content.from), content.control);
        if (!known) onMalformed();
      },
      onError: (error) => onError(error, { stage: "presence" }),
    });
    try {
      await this.#limit.wait(this.#subscriptions.answered(channel), "ask who is present");
    } catch (error) {
      onError(error, { stage: "presence" });
    }
  }

  #tell(channel: string, text: string): Promise<void> {
    const published = this.#options.broker.publish(channel, sealControl(this.#id, text));
    return this.#limit.wait(published, "tell other processes");
  }

  /** Sends a message to the broker, unless too much is on its way there already. */
  #send(
    kind: TopicKind,
    name: string,
    message: Outgoing,
    send: (channel: string, envelope: Uint8Array) => Promise<void>,
  ): Promise<boolean> {
    const { maxPending, onLost } = this.#options;
    const { byteLength } = message;
    const channel = channelOf(kind, name);
    const number = this.#numbering.next(channel);
    if (this.#pending > 0 && this.#pending + byteLength > maxPending) {
      onLost(new GroupsError("broker-full"), kind, name);
      return NO;
    }
    this.#pending += byteLength;
    const taken = send(channel, seal({ from: this.#id, number }, message));
    // Not when we stop waiting for it: until then the client holds it.
    const settle = () => void (this.#pending -= byteLength);
    taken.then(settle, settle);
    const known = this.#limit.wait(taken, "publish message").then(() => {
      this.#publishing.delete(known);
      return true;
    }, (error) => {
      this.#publishing.delete(known);
      onLost(error, kind, name);
      return false;
    });
    this.#publishing.add(known);
    return known;
  }

  #open(payload: Uint8Array, position: Position, age: number): Received {
    const content = unseal(payload);
    const size = payload.length;
    if (typeof content === "object" && "data" in content) {
      const { from, number, data } = content;
      const own = isSameProcess(from, this.#id);
      return { position, age, size, content: { from, number, data, own, addressed: addressOf(content) } };
    }
    this.#options.onMalformed();
    return { position, age, size, content: undefined };
  }

  #receive(kind: TopicKind, name: string, payload: Uint8Array, subscription: object): void {
    const content = unseal(payload, this.#id);
    if (content === "own") return;
    if (content === "malformed") return this.#options.onMalformed();
    if ("data" in content) {
      const { from, number, data } = content;
      const missed = this.#gaps.take(subscription, from, number);
      this.#options.deliver(kind, name, prepare(data), addressOf(content));
      if (missed > 0) this.#options.onMissed(missed, kind, name);
      return;
    }
    const order = kind === "member" ? readOrder(content.control) : undefined;
    if (order === undefined) this.#options.onMalformed();
    else this.#options.onOrder(name, order);
  }
}

function addressOf({ from, address }: Extract<Unsealed, { data: unknown }>): Addressed | undefined {
  return address && { sender: formatProcessId(from), address };
}

const NO: Promise<boolean> = Promise.resolve(false);
