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

import type { Broker, BrokerEvents, Deliver } from "./broker.ts";
import { aString, checkShape } from "../options/checks.ts";
import { checkOptions, type OptionTable } from "../options/option_table.ts";
import { checkTtl } from "./broker_options.ts";
import { GroupsError } from "./groups_error.ts";

/** The part of a connection to NATS that is used here. */
export interface NatsClient {
  /** Publishes on a subject. */
  publish(subject: string, payload: Uint8Array): void;
  /** Subscribes to a subject. */
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: { readonly data: Uint8Array }) => void },
  ): NatsSubscription;
  /** Resolves when the server has taken all that was sent. */
  flush(): Promise<void>;
  /** Tells of the connection's life. */
  status(): AsyncIterable<{ readonly type: string }> & {
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
}

const natsTable: OptionTable<NatsBrokerOptions> = {
  prefix: aString,
  presenceTtl: (value, name) => checkTtl(name, value),
  presence: (value, name) => checkShape(value, name, "a bucket of the key-value store", ["status"]),
};

/**
 * Makes a broker of a connection to NATS.
 *
 * The connection stays open in the end. It connects again as its own options say: `maxReconnectAttempts` is 10 unless
 * set, -1 is for ever.
 *
 * @param client Connected.
 * @param options The prefix, and how long a dead process is seen.
 * @throws {TypeError | RangeError} If an option is wrong.
 */
export function natsBroker(client: NatsClient, options: NatsBrokerOptions = {}): Broker {
  checkOptions("options", options, natsTable, '{ prefix: "chat." }');
  const { prefix = "sluice.", presenceTtl = 15_000, presence } = options;
  return new NatsBroker(
    client,
    prefix,
    () => presence === undefined ? Promise.resolve(presenceTtl) : ttlOf(presence),
  );
}

async function ttlOf(bucket: NatsBucket): Promise<number> {
  const { ttl } = await bucket.status();
  checkTtl("the bucket's ttl", ttl);
  return ttl;
}

class NatsBroker implements Broker {
  readonly presenceTtl: () => Promise<number>;
  readonly #client: NatsClient;
  readonly #prefix: string;
  readonly #subscriptions = new Map<string, NatsSubscription>();
  readonly #unconfirmed = new Set<(error: unknown) => void>();
  #events: BrokerEvents | undefined;
  #status: ReturnType<NatsClient["status"]> | undefined;
  #away = false;
  /** Settles when the server has taken all that was published before it was made. */
  #flushed: Promise<void> | undefined;

  constructor(client: NatsClient, prefix: string, presenceTtl: () => Promise<number>) {
    this.#client = client;
    this.#prefix = prefix;
    this.presenceTtl = presenceTtl;
  }

  open(events: BrokerEvents): void {
    this.#events = events;
    this.#status = this.#client.status();
    this.#watch();
    events.connected?.();
  }

  publish(channel: string, payload: Uint8Array): Promise<void> {
    // The client would keep it, and throw it away when it connects again, without a word.
    if (this.#away) return Promise.reject(new GroupsError("broker-away"));
    try {
      this.#client.publish(this.#prefix + channel, payload);
      return this.#flushed ??= this.#flush();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async subscribe(channel: string, deliver: Deliver): Promise<void> {
    const callback = (error: Error | null, message: { readonly data: Uint8Array }) => {
      if (error === null) deliver(message.data);
    };
    const subscription = this.#client.subscribe(this.#prefix + channel, { callback });
    this.#subscriptions.set(channel, subscription);
    // While it is away the client only records it, and subscribes when it is back.
    if (this.#away) return;
    try {
      await this.#confirm();
    } catch (error) {
      // The client would subscribe when it is back, and we are asked to subscribe again: each message would come twice.
      this.#drop(channel, subscription);
      throw error;
    }
  }

  unsubscribe(channel: string): Promise<void> {
    const subscription = this.#subscriptions.get(channel);
    if (subscription !== undefined) this.#drop(channel, subscription);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#events = undefined;
    this.#status?.stop?.();
    for (const subscription of this.#subscriptions.values()) subscription.unsubscribe();
    this.#subscriptions.clear();
    return Promise.resolve();
  }

  #drop(channel: string, subscription: NatsSubscription): void {
    subscription.unsubscribe();
    if (this.#subscriptions.get(channel) === subscription) this.#subscriptions.delete(channel);
  }

  /** Asks once for all that is published in this turn: a question for each message would be a packet for each. */
  async #flush(): Promise<void> {
    await undefined;
    this.#flushed = undefined;
    await this.#confirm();
  }

  /** Waits until the server has taken what was sent. What was under way when the connection broke may be lost. */
  async #confirm(): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    this.#unconfirmed.add(reject);
    try {
      await Promise.race([this.#client.flush(), promise]);
    } finally {
      this.#unconfirmed.delete(reject);
    }
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#status!) {
      if (type === "disconnect" || type === "close") this.#lose(new Error(`The connection to NATS: ${type}`));
      else if (type === "reconnect") this.#return();
    }
  }

  #lose(cause: unknown): void {
    if (this.#away) return;
    this.#away = true;
    // A client that is closed for good would never answer.
    for (const reject of this.#unconfirmed) reject(new GroupsError("broker-away", { cause }));
    this.#events?.interrupted(cause);
  }

  #return(): void {
    if (!this.#away) return;
    this.#away = false;
    this.#events?.restored();
  }
}
