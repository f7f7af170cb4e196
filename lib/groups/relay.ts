/**
 * The way between groups and a broker.
 *
 * @module
 */

import { prepare } from "../connection/web_socket_connection.ts";
import type { Bytes, PreparedMessage } from "../connection/web_socket_connection.ts";
import type { Broker } from "./broker.ts";
import { formatProcessId, makeProcessId, type ProcessId, seal, unseal } from "./envelope.ts";
import { GroupsError, type GroupsErrorContext } from "./groups_error.ts";
import { channelOf, type TopicKind } from "./names.ts";
import { PresenceKeeper } from "./presence_keeper.ts";
import { Subscriptions } from "./subscriptions.ts";
import { TimeLimit } from "./time_limit.ts";

/** What a {@linkcode Relay} needs and tells. */
export interface RelayOptions {
  readonly broker: Broker;
  /** How many bytes may be on their way to the broker. */
  readonly maxPending: number;
  /** How long the broker may take to answer, in milliseconds. */
  readonly timeout: number;
  /** The names that the members of a group have here, and how many have each. */
  readonly namesIn: (group: string) => ReadonlyMap<string, number>;
  /** Takes a message from another process. */
  readonly deliver: (kind: TopicKind, name: string, message: PreparedMessage) => void;
  /** Hears of a payload that is no message. */
  readonly onMalformed: () => void;
  /** Hears of a message that did not reach the broker. */
  readonly onLost: (error: unknown, kind: TopicKind, name: string) => void;
  /** Hears of anything else that went wrong. */
  readonly onError: (error: unknown, context: GroupsErrorContext) => void;
}

/** Publishes what members here are told, and delivers what members elsewhere were. */
export class Relay {
  /** Who is there. */
  readonly presence: PresenceKeeper | undefined;
  readonly #options: RelayOptions;
  readonly #id: ProcessId = makeProcessId();
  readonly #subscriptions: Subscriptions;
  readonly #limit: TimeLimit;
  /** How many bytes are on their way. */
  #pending = 0;
  /** The messages whose fate is not known. */
  readonly #publishing = new Set<Promise<boolean>>();

  /** Takes a broker into use. */
  constructor(options: RelayOptions) {
    this.#options = options;
    const { broker, timeout, namesIn, onError } = options;
    this.#limit = new TimeLimit(timeout);
    this.#subscriptions = new Subscriptions(broker);
    if (broker.presence !== undefined) {
      this.presence = new PresenceKeeper({
        store: broker.presence,
        limit: this.#limit,
        owner: formatProcessId(this.#id),
        namesIn,
        onError: (error, group) => onError(error, { stage: "presence", ...group !== undefined && { group } }),
      });
    }
    broker.open({
      interrupted: (cause) => {
        this.#subscriptions.interrupt();
        onError(new GroupsError("interrupted", { cause }), { stage: "subscribe" });
      },
      restored: () => {
        this.#subscriptions.restore();
        this.presence?.tellAll();
      },
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
      deliver: (payload) => this.#receive(kind, name, payload),
      onError: (error) => onError(error, { stage: "subscribe", [kind]: name }),
    });
  }

  /** Ends that. */
  unwatch(kind: TopicKind, name: string): void {
    this.#subscriptions.delete(channelOf(kind, name));
  }

  /** Resolves when the broker has answered to the latest {@linkcode Relay.watch}, or has taken too long. */
  async watching(kind: TopicKind, name: string): Promise<void> {
    try {
      await this.#limit.wait(this.#subscriptions.answered(channelOf(kind, name)), `join ${kind}`);
    } catch (error) {
      this.#options.onError(error, { stage: "subscribe", [kind]: name });
    }
  }

  /**
   * Publishes a message to other processes.
   *
   * @returns Whether the broker took it; never rejects.
   */
  publish(kind: TopicKind, name: string, data: string | Bytes, byteLength: number): Promise<boolean> {
    const { broker, maxPending, onLost } = this.#options;
    if (this.#pending > 0 && this.#pending + byteLength > maxPending) {
      onLost(new GroupsError("broker-full"), kind, name);
      return NO;
    }
    this.#pending += byteLength;
    const taken = broker.publish(channelOf(kind, name), seal(this.#id, data, byteLength)).finally(() => {
      // Not when we stop waiting for it: until then the client holds it.
      this.#pending -= byteLength;
    });
    const known = this.#limit.wait(taken, "publish message").then(() => true, (error) => {
      onLost(error, kind, name);
      return false;
    }).finally(() => this.#publishing.delete(known));
    this.#publishing.add(known);
    return known;
  }

  /** Waits until the fate of all messages is known, takes back what it told the broker, and closes it. */
  async close(): Promise<void> {
    try {
      await Promise.all(this.#publishing);
      this.#subscriptions.close();
      await this.presence?.close();
      await this.#limit.wait(this.#options.broker.close(), "close");
    } catch (error) {
      this.#options.onError(error, { stage: "close" });
    }
  }

  #receive(kind: TopicKind, name: string, payload: Uint8Array): void {
    const content = unseal(payload, this.#id);
    if (content === "malformed") this.#options.onMalformed();
    else if (content !== "own") this.#options.deliver(kind, name, prepare(content.data));
  }
}

const NO: Promise<boolean> = Promise.resolve(false);
