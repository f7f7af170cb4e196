/**
 * Groups across machines through NATS: its subjects carry the messages.
 *
 * The client is [@nats-io/nats-core](https://www.npmjs.com/package/@nats-io/nats-core) over whichever transport, on
 * Node, Deno and Bun.
 *
 * @example A room that spans processes
 * ```ts ignore
 * import { connect } from "@nats-io/transport-node";
 * import { Groups } from "@sluice/websocket/groups";
 * import { natsBroker } from "@sluice/websocket/groups/nats";
 *
 * const client = await connect({ servers: "localhost:4222", maxReconnectAttempts: -1 });
 * const groups = new Groups({ broker: natsBroker(client) });
 * ```
 *
 * @module
 */

import { queueTask } from "../../connection/task.ts";
import type { Broker, BrokerEvents, Deliver } from "../broker.ts";
import { aString, checkNumber, checkShape } from "../../options/checks.ts";
import { checkOptions, type OptionTable } from "../../options/option_table.ts";
import { checkTtl } from "./options.ts";
import { GroupsError } from "../groups_error.ts";
import { NatsBarrier } from "./nats/barrier.ts";
import { NatsHistory, type NatsMessage, positionOf } from "./nats/history.ts";

export type { NatsHeaders, NatsMessage } from "./nats/history.ts";

/** The part of a connection to NATS that is used here. */
export interface NatsClient {
  /** The server that it is connected to, and the cluster that this is a node of. */
  readonly info?: { readonly server_id: string; readonly cluster?: string } | undefined;
  /** Publishes on a subject. */
  publish(subject: string, payload: Uint8Array): void;
  /** Subscribes to a subject; of those with the same queue one gets each message. */
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: NatsMessage) => void; queue?: string },
  ): NatsSubscription;
  /** Publishes on a subject, and resolves to the first answer. */
  request(subject: string, payload: Uint8Array, options: { timeout: number }): Promise<NatsMessage>;
  /** Resolves when the server has taken all that was sent. */
  flush(): Promise<void>;
  /** Tells of the connection's life. */
  status(): AsyncIterable<{ readonly type: string; readonly error?: Error }> & {
    /** Ends it. */
    stop?(): void;
  };
}

/** A subscription to a subject. */
export interface NatsSubscription {
  /** Ends it. */
  unsubscribe(): void;
}

/** The part of a bucket of the key-value store that is used here. */
export interface NatsBucket {
  /** Tells how it was made; `ttl` in milliseconds. */
  status(): Promise<{ readonly ttl: number }>;
}

/** How to use NATS. */
export interface NatsBrokerOptions {
  /** What all subjects begin with; groups meet where it is the same. @default {"sluice."} */
  prefix?: string;
  /** How long a process that died is still seen as present, in milliseconds. @default {15000} */
  presenceTtl?: number;
  /** A bucket whose `ttl` is taken in place of `presenceTtl`. Nothing is kept in it. @default none */
  presence?: NatsBucket;
  /** How many servers of a cluster have the history of a group, from 1 to 5. @default {1} */
  replicas?: number;
}

/** How long an answer is waited for before it is forgotten, in milliseconds; whoever asks has long been told. */
const FORGET = 60_000;

const natsTable: OptionTable<NatsBrokerOptions> = {
  prefix: aString,
  presenceTtl: (value, name) => checkTtl(name, value),
  presence: (value, name) => checkShape(value, name, "a bucket of the key-value store", ["status"]),
  replicas: (value, name) => checkNumber(value, name, { from: 1, to: 5 }),
};

/**
 * Makes a broker of a connection to NATS. Groups with a `history` keep it in JetStream, which the server must have then.
 *
 * The connection stays open in the end. It connects again as its own options say: `maxReconnectAttempts` is 10 unless
 * set, -1 is for ever.
 *
 * In a cluster, a subscription counts as made when one process at each other node has answered that messages from there
 * arrive, which takes one more round trip. A node that does not answer within 500 ms is not waited for.
 *
 * @param client Connected.
 * @param options The prefix, and how long a dead process is seen.
 * @throws {TypeError | RangeError} If an option is wrong.
 */
export function natsBroker(client: NatsClient, options: NatsBrokerOptions = {}): Broker {
  checkOptions("options", options, natsTable, '{ prefix: "chat." }');
  const { prefix = "sluice.", presenceTtl = 15_000, presence, replicas = 1 } = options;
  return new NatsBroker(client, {
    prefix,
    replicas,
    presenceTtl: () => presence === undefined ? Promise.resolve(presenceTtl) : ttlOf(presence),
  });
}

async function ttlOf(bucket: NatsBucket): Promise<number> {
  const { ttl } = await bucket.status();
  checkTtl("the bucket's ttl", ttl);
  return ttl;
}

interface NatsBrokerSettings {
  readonly prefix: string;
  readonly replicas: number;
  readonly presenceTtl: () => Promise<number>;
}

class NatsBroker implements Broker {
  readonly presenceTtl: () => Promise<number>;
  readonly history: NatsHistory;
  readonly #client: NatsClient;
  readonly #prefix: string;
  readonly #subscriptions = new Map<string, NatsSubscription>();
  readonly #unconfirmed = new Set<(error: unknown) => void>();
  /** Why the server refused what was published on a subject lately. */
  readonly #refused = new Map<string, Error>();
  /** How many subscriptions the server has yet to confirm, and how often it said that there are too many. */
  #subscribing = 0;
  #tooMany = 0;
  #tooManyError: Error | undefined;
  /** Settles when the latest subscription that is asked for on its own is answered. */
  #alone: Promise<unknown> = Promise.resolve();
  #events: BrokerEvents | undefined;
  #status: ReturnType<NatsClient["status"]> | undefined;
  #away = false;
  /** Settles when the server has taken all that was published before it was made. */
  #flushed: Promise<void> | undefined;
  /** How many of these questions are under way. */
  #flushing = 0;
  readonly #barrier: NatsBarrier;

  constructor(client: NatsClient, { prefix, replicas, presenceTtl }: NatsBrokerSettings) {
    this.#client = client;
    this.#prefix = prefix;
    this.presenceTtl = presenceTtl;
    this.history = new NatsHistory({
      ask: (subject, payload) => this.#request(subject, payload),
      prefix,
      replicas,
    });
    this.#barrier = new NatsBarrier(client, prefix);
  }

  open(events: BrokerEvents): void {
    this.#events = events;
    this.#status = this.#client.status();
    this.#watch();
    this.#barrier.start();
    events.connected?.();
  }

  publish(channel: string, payload: Uint8Array): Promise<void> {
    // The client would keep it, and throw it away when it connects again, without a word.
    if (this.#away) return Promise.reject(new GroupsError("broker-away"));
    const subject = this.#prefix + channel;
    try {
      this.#client.publish(subject, payload);
      return (this.#flushed ??= this.#flush()).then(() => {
        const cause = this.#refused.get(subject);
        if (cause !== undefined) {
          throw new GroupsError("broker-refused", { action: "publish message", cause });
        }
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async subscribe(channel: string, deliver: Deliver): Promise<void> {
    const before = this.#tooMany;
    await this.#ask(channel, deliver);
    if (this.#tooMany === before) return await this.#pass();
    // The server does not say which was one too many: each that it may be is asked for again on its own.
    const alone = this.#alone.then(() => this.#askAgain(channel, deliver));
    this.#alone = alone.catch(ignore);
    await alone;
    await this.#pass();
  }

  unsubscribe(channel: string): Promise<void> {
    const subscription = this.#subscriptions.get(channel);
    if (subscription !== undefined) this.#drop(channel, subscription);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#events = undefined;
    this.#status?.stop?.();
    this.#barrier.stop();
    for (const subscription of this.#subscriptions.values()) subscription.unsubscribe();
    this.#subscriptions.clear();
    return Promise.resolve();
  }

  async #ask(channel: string, deliver: Deliver): Promise<void> {
    let refused: Error | undefined;
    let settled = false;
    const callback = (error: Error | null, message: NatsMessage) => {
      if (error === null) return deliver(message.data, positionOf(message.headers));
      // It is over, in the client and at the server.
      refused = error;
      if (settled) this.#lost(channel, subscription);
    };
    const subscription = this.#client.subscribe(this.#prefix + channel, { callback });
    this.#subscriptions.set(channel, subscription);
    this.#subscribing++;
    try {
      // While it is away the client only records it, and subscribes when it is back.
      if (!this.#away) await this.#confirm();
    } catch (error) {
      // The client would subscribe when it is back, and we are asked to subscribe again: each message would come twice.
      this.#drop(channel, subscription);
      throw error;
    } finally {
      settled = true;
      this.#subscribing--;
    }
    if (refused === undefined) return;
    this.#drop(channel, subscription);
    throw new GroupsError("broker-refused", { action: "subscribe", cause: refused });
  }

  /** Waits until other nodes know, too. */
  #pass(): Promise<void> | undefined {
    return this.#away ? undefined : this.#barrier.pass();
  }

  async #askAgain(channel: string, deliver: Deliver): Promise<void> {
    const subscription = this.#subscriptions.get(channel);
    if (subscription === undefined) return; // closed in the meantime
    this.#drop(channel, subscription);
    const before = this.#tooMany;
    await this.#ask(channel, deliver);
    if (this.#tooMany === before) return;
    const again = this.#subscriptions.get(channel);
    if (again !== undefined) this.#drop(channel, again);
    throw new GroupsError("broker-refused", { action: "subscribe", cause: this.#tooManyError });
  }

  #lost(channel: string, subscription: NatsSubscription): void {
    this.#drop(channel, subscription);
    this.#events?.refused?.(channel);
  }

  #drop(channel: string, subscription: NatsSubscription): void {
    subscription.unsubscribe();
    if (this.#subscriptions.get(channel) === subscription) this.#subscriptions.delete(channel);
  }

  /** Asks once for all that is published in this turn: a question for each message would be a packet for each. */
  async #flush(): Promise<void> {
    await undefined;
    this.#flushed = undefined;
    this.#flushing++;
    try {
      await this.#confirm();
    } finally {
      // Whoever waits for this looks up what was refused before it is forgotten.
      if (--this.#flushing === 0) queueTask(() => this.#forgetRefused());
    }
  }

  #forgetRefused(): void {
    if (this.#flushing === 0) this.#refused.clear();
  }

  /**
   * Waits until the server has taken or refused what was sent. What was under way when the connection broke may be lost.
   */
  async #confirm(): Promise<void> {
    await this.#unlessLost(this.#client.flush());
    // What the server refused it said before; the client tells that by and by.
    await new Promise<void>(queueTask);
  }

  /** Sends a request. What was under way when the connection broke may have arrived or not. */
  #request(subject: string, payload: Uint8Array): Promise<NatsMessage> {
    if (this.#away) return Promise.reject(new GroupsError("broker-away"));
    return this.#unlessLost(this.#client.request(subject, payload, { timeout: FORGET }));
  }

  /** Waits for an answer, and not longer than the connection lasts. */
  async #unlessLost<T>(answer: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    this.#unconfirmed.add(reject);
    try {
      return await Promise.race([answer, promise]);
    } finally {
      this.#unconfirmed.delete(reject);
    }
  }

  async #watch(): Promise<void> {
    for await (const { type, error } of this.#status!) {
      if (type === "disconnect" || type === "close") this.#lose(new Error(`The connection to NATS: ${type}`));
      else if (type === "reconnect") this.#return();
      else if (type === "error" && error !== undefined) this.#noteRefusal(error);
    }
  }

  #noteRefusal(error: Error & { readonly operation?: unknown; readonly subject?: unknown }): void {
    const { operation, subject } = error;
    if (operation === "publish" && typeof subject === "string") {
      if (this.#flushing > 0) this.#refused.set(subject, error);
      return;
    }
    if (!/maximum subscriptions/i.test(error.message)) return;
    this.#tooMany++;
    this.#tooManyError = error;
    if (this.#subscribing > 0) return;
    // Those that it had are asked for when it connects again, and it may be any of them.
    for (const [channel, subscription] of [...this.#subscriptions]) this.#lost(channel, subscription);
  }

  #lose(cause: unknown): void {
    if (this.#away) return;
    this.#away = true;
    // A client that is closed for good would never answer.
    for (const reject of this.#unconfirmed) reject(new GroupsError("broker-away", { cause }));
    this.#barrier.stop();
    this.#events?.interrupted(cause);
  }

  #return(): void {
    if (!this.#away) return;
    this.#away = false;
    this.#barrier.start();
    this.#events?.restored();
  }
}

function ignore(): void {}
