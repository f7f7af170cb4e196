/**
 * Tells the clients of Redis apart, by what they can do.
 *
 * @module
 */

import { type IoRedis, type IoRedisCluster, linkIoRedis, linkIoRedisCluster } from "./ioredis.ts";
import type { RedisLink } from "./link.ts";
import {
  linkClient,
  linkCluster,
  linkSentinel,
  type RedisClient,
  type RedisCluster,
  type RedisSentinel,
} from "./node_redis.ts";

/** What a broker is made of. */
export type AnyRedisClient = RedisClient | RedisCluster | RedisSentinel | IoRedis | IoRedisCluster;

const SUPPORTED = "what createClient, createCluster or createSentinel of node-redis returns, or a Redis or " +
  "Cluster of ioredis";

/**
 * Makes of a client what the broker needs.
 *
 * @throws {TypeError} If it is none that is known.
 */
export function linkRedis(client: unknown): RedisLink {
  const shape = Object(client) as Readonly<Record<string, unknown>>;
  const can = (...names: string[]) => names.every((name) => typeof shape[name] === "function");
  if (can("nodeClient", "sendCommand") && Array.isArray(shape.slots)) {
    return linkCluster(client as RedisCluster);
  }
  if (can("getSentinelNode", "sendCommand", "duplicate")) return linkSentinel(client as RedisSentinel);
  if (typeof shape.status === "string" && can("callBuffer", "duplicate")) {
    return shape.isCluster === true
      ? linkIoRedisCluster(client as IoRedisCluster)
      : linkIoRedis(client as IoRedis);
  }
  const isPool = typeof shape.totalClients === "number";
  if (!isPool && typeof shape.isReady === "boolean" && can("sendCommand", "duplicate")) {
    return linkClient(client as RedisClient);
  }
  const found = isPool ? "a pool of clients, which cannot subscribe" : describe(client);
  throw new TypeError(`Cannot make broker: client must be ${SUPPORTED}, not ${found}`);
}

function describe(value: unknown): string {
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "Object" && name !== ""
    ? `a ${name}`
    : "an object without its methods";
}
