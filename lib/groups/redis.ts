/**
 * Groups across machines through Redis: its channels carry the messages.
 *
 * The client is [node-redis](https://www.npmjs.com/package/@redis/client), with RESP2 or RESP3, on Node, Deno and Bun.
 *
 * @example A room that spans processes
 * ```ts ignore
 * import { createClient } from "@redis/client";
 * import { Groups } from "@sluice/websocket/groups";
 * import { redisBroker } from "@sluice/websocket/groups/redis";
 *
 * const client = createClient({ url: "redis://localhost:6379" });
 * client.on("error", (error) => console.error(error)); // it connects again by itself
 * await client.connect();
 *
 * const groups = new Groups({ broker: redisBroker(client) });
 * ```
 *
 * @module
 */

import { NodeBuffer, toNodeBuffer } from "../adapters/node_buffer.ts";
import type { Broker, BrokerEvents, Deliver } from "./broker.ts";
import { aString } from "../options/checks.ts";
import { checkOptions, type OptionTable } from "../options/option_table.ts";
import { checkTtl } from "./broker_options.ts";
import { GroupsError } from "./groups_error.ts";
import { RedisHistory, splitPayload } from "./redis_history.ts";

/** The part of a client of node-redis that is used here. */
export interface RedisClient {
  /** Whether it is connected, and commands are not put off. */
  readonly isReady: boolean;
  /** Sends a command. */
  sendCommand(args: readonly (string | Uint8Array)[], options?: { typeMapping?: object }): Promise<unknown>;
  /** What it was made with. */
  readonly options?: { readonly socket?: object } | undefined;
  /** Makes a client with the same options but for those given, which is not connected. */
  duplicate(overrides: { socket: object }): RedisSubscriber;
}

/** The part of a client of node-redis that a connection for subscriptions needs. */
export interface RedisSubscriber {
  /** Whether it is connected, or is connecting. */
  readonly isOpen: boolean;
  /** Connects. */
  connect(): Promise<unknown>;
  /** Hears of the connection's life. */
  on(event: "error" | "ready", listener: (error: unknown) => void): unknown;
  /** Subscribes to a channel. */
  subscribe(channel: string, listener: (message: Uint8Array) => void, bufferMode: true): Promise<unknown>;
  /** Ends that. */
  unsubscribe(channel: string): Promise<unknown>;
  /** Closes the connection at once. */
  destroy(): void;
}

/** How to use Redis. */
export interface RedisBrokerOptions {
  /** What all channels begin with; groups meet where it is the same, in whichever database. @default {"sluice:"} */
  prefix?: string;
  /** How long a process that died is still seen as present, in milliseconds. @default {15000} */
  presenceTtl?: number;
}

const redisTable: OptionTable<RedisBrokerOptions> = {
  prefix: aString,
  presenceTtl: (value, name) => checkTtl(name, value),
};

/**
 * Makes a broker of a client of Redis.
 *
 * It publishes through the client, and subscribes through a duplicate, which it closes in the end; the client stays
 * open. The duplicate connects again as the client's `reconnectStrategy` says.
 *
 * @param client Connected.
 * @param options The prefix, and how long a dead process is seen.
 * @throws {TypeError | RangeError} If an option is wrong.
 */
export function redisBroker(client: RedisClient, options: RedisBrokerOptions = {}): Broker {
  checkOptions("options", options, redisTable, "{ presenceTtl: 15_000 }");
  const { prefix = "sluice:", presenceTtl = 15_000 } = options;
  return new RedisBroker(client, prefix, presenceTtl);
}

/** Strings of Redis are bytes (`$` is their mark in its protocol). */
const BINARY = { typeMapping: { 36: NodeBuffer } };

class RedisBroker implements Broker {
  readonly presenceTtl: () => Promise<number>;
  readonly history: RedisHistory;
  readonly #client: RedisClient;
  readonly #prefix: string;
  #events: BrokerEvents | undefined;
  #subscriber: RedisSubscriber | undefined;
  #connected: Promise<unknown> | undefined;
  #ready = false;
  #away = false;

  constructor(client: RedisClient, prefix: string, presenceTtl: number) {
    this.#client = client;
    this.#prefix = prefix;
    this.presenceTtl = () => Promise.resolve(presenceTtl);
    this.history = new RedisHistory((args) => this.#send(args), prefix);
  }

  open(events: BrokerEvents): void {
    this.#events = events;
    // A subscriber that hears nothing for a while is no fault; the client would take it for one, and give up for good.
    const socket = { ...this.#client.options?.socket, socketTimeout: undefined };
    this.#subscriber = this.#client.duplicate({ socket });
    this.#subscriber.on("error", (error) => this.#lose(error));
    // It has subscribed anew by then.
    this.#subscriber.on("ready", () => this.#return());
    this.#connected = this.#subscriber.connect();
    this.#connected.catch((error) => this.#lose(error));
  }

  async publish(channel: string, payload: Uint8Array): Promise<void> {
    await this.#send(["PUBLISH", this.#prefix + channel, toNodeBuffer(payload)]);
  }

  async subscribe(channel: string, deliver: Deliver): Promise<void> {
    await this.#connected;
    await this.#subscriber!.subscribe(
      this.#prefix + channel,
      (message) => deliver(...splitPayload(message)),
      true,
    );
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.#subscriber!.unsubscribe(this.#prefix + channel);
  }

  close(): Promise<void> {
    this.#events = undefined;
    if (this.#subscriber?.isOpen) this.#subscriber.destroy();
    return Promise.resolve();
  }

  async #send(args: readonly (string | Uint8Array)[]): Promise<unknown> {
    // The client would keep it until the server is back, without a bound.
    if (!this.#client.isReady) throw new GroupsError("broker-away");
    return await this.#client.sendCommand(args, BINARY);
  }

  #lose(error: unknown): void {
    if (this.#away) return;
    this.#away = true;
    this.#events?.interrupted(error);
  }

  #return(): void {
    if (this.#away) this.#events?.restored();
    else if (!this.#ready) this.#events?.connected?.();
    this.#ready = true;
    this.#away = false;
  }
}
