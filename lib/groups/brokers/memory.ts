/**
 * A broker without a network: groups of one process that are to behave as if they were in several.
 *
 * @module
 */

import type { Broker, BrokerEvents, Deliver } from "../broker.ts";
import { type BrokerHistory, MemoryHistory } from "../broker_history.ts";
import type { Position } from "../history_options.ts";

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
  readonly #history = new MemoryHistory();

  /** Makes a broker. */
  connect(): Broker {
    return new MemoryBroker(this.#channels, this.#history);
  }
}

class MemoryBroker implements Broker {
  readonly #channels: Map<string, Set<Deliver>>;
  readonly #subscribed = new Map<string, Deliver>();

  readonly history: BrokerHistory;

  constructor(channels: Map<string, Set<Deliver>>, history: MemoryHistory) {
    this.#channels = channels;
    this.history = {
      append: async (channel, payload, limits) => {
        await undefined;
        this.#deliver(channel, payload, history.append(channel, payload, limits));
      },
      read: (channel, limits, after) => Promise.resolve(history.read(channel, limits, after)),
    };
  }

  open(events: BrokerEvents): void {
    events.connected?.();
  }

  async publish(channel: string, payload: Uint8Array): Promise<void> {
    // As over a network, it comes when whoever published is done.
    await undefined;
    this.#deliver(channel, payload);
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

  #deliver(channel: string, payload: Uint8Array, position?: Position): void {
    for (const deliver of this.#channels.get(channel) ?? []) deliver(payload, position);
  }
}
