/**
 * Groups across machines through Redis: its channels carry the messages.
 *
 * The client is [node-redis](https://www.npmjs.com/package/@redis/client) or
 * [ioredis](https://www.npmjs.com/package/ioredis), for one server, a cluster or what sentinels name, on Node, Deno and
 * Bun.
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

import type { Broker, BrokerEvents, Deliver } from "../broker.ts";
import { aString } from "../../options/checks.ts";
import { checkOptions, type OptionTable } from "../../options/option_table.ts";
import { checkTtl } from "./options.ts";
import { RedisHistory, splitPayload } from "./redis/history.ts";
import type { RedisLink } from "./redis/link.ts";
import { type AnyRedisClient, linkRedis } from "./redis/shapes.ts";

export type { IoRedis, IoRedisCluster } from "./redis/ioredis.ts";
export type {
  RedisClient,
  RedisCluster,
  RedisClusterNode,
  RedisCommandOptions,
  RedisSentinel,
  RedisSubscriber,
} from "./redis/node_redis.ts";
export type { DeliverPlain } from "./redis/link.ts";
export type { AnyRedisClient } from "./redis/shapes.ts";

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
 * Makes a broker of a client of Redis, which stays open in the end. What the broker connects on its own it closes.
 *
 * - A client of node-redis publishes, and a duplicate subscribes, which connects again as `reconnectStrategy` says.
 * - A cluster of node-redis publishes, and duplicates of its nodes' clients subscribe: by sharded pub/sub, of Redis 7.
 * - A sentinel of node-redis and the clients of ioredis serve as patterns for connections of our own.
 *
 * @param client Connected: what `createClient`, `createCluster` or `createSentinel` of node-redis returns, or a `Redis`
 *   or `Cluster` of ioredis.
 * @param options The prefix, and how long a dead process is seen.
 * @throws {TypeError | RangeError} If an option is wrong, or the client is none of these.
 */
export function redisBroker(client: AnyRedisClient, options: RedisBrokerOptions = {}): Broker {
  checkOptions("options", options, redisTable, "{ presenceTtl: 15_000 }");
  const { prefix = "sluice:", presenceTtl = 15_000 } = options;
  return new RedisBroker(linkRedis(client), prefix, presenceTtl);
}

class RedisBroker implements Broker {
  readonly presenceTtl: () => Promise<number>;
  readonly history: RedisHistory;
  readonly #link: RedisLink;
  /** What channels are put between: braces make the slot of a cluster that of the history's keys. */
  readonly #prefix: string;
  readonly #suffix: string;
  readonly #command: "PUBLISH" | "SPUBLISH";
  #events: BrokerEvents | undefined;
  #connected: Promise<unknown> | undefined;
  #ready = false;
  #away = false;

  constructor(link: RedisLink, prefix: string, presenceTtl: number) {
    this.#link = link;
    [this.#prefix, this.#suffix, this.#command] = link.sharded
      ? [`${prefix}{`, "}", "SPUBLISH"]
      : [prefix, "", "PUBLISH"];
    this.presenceTtl = () => Promise.resolve(presenceTtl);
    this.history = new RedisHistory({
      send: (name, command) => link.send(name, command),
      nameOf: (channel) => this.#nameOf(channel),
      publish: this.#command,
      prefix,
    });
  }

  open(events: BrokerEvents): void {
    this.#events = events;
    this.#connected = this.#link.open({
      ready: () => this.#return(),
      lost: (error) => this.#lose(error),
      refused: (name) => {
        this.#events?.refused?.(name.substring(this.#prefix.length, name.length - this.#suffix.length));
      },
    });
    this.#connected.catch((error) => this.#lose(error));
  }

  async publish(channel: string, payload: Uint8Array): Promise<void> {
    const name = this.#nameOf(channel);
    await this.#link.send(name, [this.#command, name, payload]);
  }

  async subscribe(channel: string, deliver: Deliver): Promise<void> {
    await this.#connected;
    await this.#link.subscribe(this.#nameOf(channel), (message) => deliver(...splitPayload(message)));
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.#link.unsubscribe(this.#nameOf(channel));
  }

  close(): Promise<void> {
    this.#events = undefined;
    this.#link.close();
    return Promise.resolve();
  }

  #nameOf(channel: string): string {
    return this.#prefix + channel + this.#suffix;
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
