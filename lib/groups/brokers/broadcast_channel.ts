/**
 * Groups across the threads of one process: a `BroadcastChannel` carries the messages.
 *
 * Node, Deno, Bun and browsers have it. It reaches workers of the same process, and no other process. Deno 2.9.6 drops
 * messages without a word when several hundred come at once; what was missed is noticed and told to `onStatus`, and
 * `cluster_ipc` over the workers' own ports loses nothing.
 *
 * @example A room that spans worker threads
 * ```ts
 * import { Groups } from "@sluice/websocket/groups";
 * import { broadcastChannelBroker } from "@sluice/websocket/groups/broadcast_channel";
 *
 * const groups = new Groups({ broker: broadcastChannelBroker() }); // the same in each worker
 * ```
 *
 * @module
 */

import { aString } from "../../options/checks.ts";
import { checkOptions, type OptionTable } from "../../options/option_table.ts";
import type { Broker, BrokerEvents, Deliver } from "../broker.ts";
import { checkTtl } from "./options.ts";

/** How to use a `BroadcastChannel`. */
export interface BroadcastChannelBrokerOptions {
  /** The name of the `BroadcastChannel`; groups meet where it is the same. @default {"sluice"} */
  name?: string;
  /** How long a thread that died is still seen as present, in milliseconds. @default {15000} */
  presenceTtl?: number;
}

const broadcastChannelTable: OptionTable<BroadcastChannelBrokerOptions> = {
  name: aString,
  presenceTtl: (value, name) => checkTtl(name, value),
};

/**
 * Makes a broker of a `BroadcastChannel`. It is there at once, and away only for as long as it takes to notice that
 * messages were dropped.
 *
 * @param options The name, and how long a dead thread is seen.
 * @throws {TypeError | RangeError} If an option is wrong.
 */
export function broadcastChannelBroker(options: BroadcastChannelBrokerOptions = {}): Broker {
  checkOptions("options", options, broadcastChannelTable, '{ name: "chat" }');
  const { name = "sluice", presenceTtl = 15_000 } = options;
  return new BroadcastChannelBroker(new BroadcastChannel(name), presenceTtl);
}

/** Of how many other ends the latest number is kept. */
const MAX_ENDS = 1_024;

class BroadcastChannelBroker implements Broker {
  readonly presenceTtl: () => Promise<number>;
  readonly #port: BroadcastChannel;
  readonly #subscribed = new Map<string, Deliver>();
  /** Names this end; the number of what it sent last, and of what each other end sent last. */
  readonly #id: string = crypto.randomUUID();
  #sent = 0;
  readonly #heard = new Map<string, number>();
  #events: BrokerEvents | undefined;

  constructor(port: BroadcastChannel, presenceTtl: number) {
    this.#port = port;
    this.presenceTtl = () => Promise.resolve(presenceTtl);
  }

  open(events: BrokerEvents): void {
    this.#events = events;
    this.#port.onmessage = ({ data }) => {
      // Anyone may use a channel of this name; what is not a row of ours concerns others.
      if (!Array.isArray(data)) return;
      const [channel, payload, from, number] = data as unknown[];
      if (typeof channel !== "string" || !(payload instanceof Uint8Array)) return;
      if (typeof from !== "string" || typeof number !== "number") return;
      this.#noticeGap(from, number);
      this.#subscribed.get(channel)?.(payload);
    };
    events.connected?.();
  }

  publish(channel: string, payload: Uint8Array): Promise<void> {
    try {
      this.#port.postMessage([channel, payload, this.#id, ++this.#sent]);
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  subscribe(channel: string, deliver: Deliver): Promise<void> {
    this.#subscribed.set(channel, deliver);
    return Promise.resolve();
  }

  unsubscribe(channel: string): Promise<void> {
    this.#subscribed.delete(channel);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#port.close();
    this.#subscribed.clear();
    return Promise.resolve();
  }

  /** Tells that messages were dropped on the way, if the numbers of an end have a gap. */
  #noticeGap(from: string, number: number): void {
    const missed = number - (this.#heard.get(from) ?? number - 1) - 1;
    // The latest last: of threads that come and go only so many are known.
    this.#heard.delete(from);
    this.#heard.set(from, number);
    if (this.#heard.size > MAX_ENDS) this.#heard.delete(this.#heard.keys().next().value!);
    if (missed <= 0) return;
    this.#events?.interrupted(new Error(`The BroadcastChannel dropped ${missed} messages`));
    this.#events?.restored();
  }
}
