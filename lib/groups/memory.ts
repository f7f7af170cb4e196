/**
 * A broker without a network: groups of one process that are to behave as if they were in several.
 *
 * @module
 */

import type { Broker, BrokerEvents, Deliver, PresenceStore } from "./broker.ts";

/**
 * Connects brokers that share this process and nothing else: for tests, and for trying out what several processes do.
 *
 * @example Two groups that hear each other
 * ```ts
 * import { Groups, MemoryHub } from "@sluice/websocket/groups";
 *
 * const hub = new MemoryHub();
 * const [here, there] = [new Groups({ broker: hub.connect() }), new Groups({ broker: hub.connect() })];
 * await here.publish("lobby", "Hello"); // reaches the members that `there` has
 * await there.close();
 * ```
 */
export class MemoryHub {
  readonly #channels = new Map<string, Set<Deliver>>();
  readonly #entries = new Map<string, Map<string, string>>();

  /** Makes a broker. */
  connect(): Broker {
    return new MemoryBroker(this.#channels, new MemoryPresence(this.#entries));
  }
}

class MemoryBroker implements Broker {
  readonly presence: PresenceStore;
  readonly #channels: Map<string, Set<Deliver>>;
  readonly #subscribed = new Map<string, Deliver>();

  constructor(channels: Map<string, Set<Deliver>>, presence: PresenceStore) {
    this.#channels = channels;
    this.presence = presence;
  }

  open(_events: BrokerEvents): void {}

  async publish(channel: string, payload: Uint8Array): Promise<void> {
    // As over a network, it comes when whoever published is done.
    await undefined;
    for (const deliver of this.#channels.get(channel) ?? []) deliver(payload);
  }

  subscribe(channel: string, deliver: Deliver): Promise<void> {
    const delivers = this.#channels.get(channel) ?? new Set();
    this.#channels.set(channel, delivers.add(deliver));
    this.#subscribed.set(channel, deliver);
    return Promise.resolve();
  }

  unsubscribe(channel: string): Promise<void> {
    const delivers = this.#channels.get(channel);
    delivers?.delete(this.#subscribed.get(channel)!);
    if (delivers?.size === 0) this.#channels.delete(channel);
    this.#subscribed.delete(channel);
    return Promise.resolve();
  }

  async close(): Promise<void> {
    for (const channel of [...this.#subscribed.keys()]) await this.unsubscribe(channel);
  }
}

/** Entries that never expire: whoever put them is gone no sooner than they are. */
class MemoryPresence implements PresenceStore {
  readonly #entries: Map<string, Map<string, string>>;

  constructor(entries: Map<string, Map<string, string>>) {
    this.#entries = entries;
  }

  ttl(): Promise<number> {
    return Promise.resolve(60_000);
  }

  put(channel: string, owner: string, entry: string): Promise<void> {
    const entries = this.#entries.get(channel) ?? new Map();
    this.#entries.set(channel, entries.set(owner, entry));
    return Promise.resolve();
  }

  remove(channel: string, owner: string): Promise<void> {
    const entries = this.#entries.get(channel);
    entries?.delete(owner);
    if (entries?.size === 0) this.#entries.delete(channel);
    return Promise.resolve();
  }

  list(channel: string): Promise<ReadonlyMap<string, string>> {
    return Promise.resolve(new Map(this.#entries.get(channel)));
  }
}
