/**
 * Brokers over the clients that users have: node-redis and nats.js.
 *
 * @module
 */

import { connect } from "@nats-io/transport-node";
import { once } from "node:events";
import { createClient, createCluster, createSentinel } from "@redis/client";
import { Cluster, Redis } from "ioredis";
import type { Broker } from "../../lib/groups/mod.ts";
import { natsBroker } from "../../lib/groups/brokers/nats.ts";
import { redisBroker } from "../../lib/groups/brokers/redis.ts";

/** A broker, and the client that it is made of. */
export interface ClientBroker {
  readonly broker: Broker;
  /** Closes the client. */
  end(): Promise<unknown>;
}

/** How to connect. */
export interface ConnectBrokerOptions {
  /** How long a process that died is seen, in milliseconds. @default {2000} */
  readonly ttl?: number;
  /** The version of Redis's protocol. @default {3} */
  readonly resp?: 2 | 3;
  /** Whether NATS does not send back what the client published. @default false */
  readonly noEcho?: boolean;
}

/** The clients by the schemes of URLs; a cluster's URL is one node's, and a sentinel's the sentinel's. */
const CLIENTS: Readonly<
  Record<string, (url: string, options: ConnectBrokerOptions) => Promise<ClientBroker>>
> = {
  "redis:": connectRedis,
  "nats:": connectNats,
  "redis-cluster:": connectCluster,
  "redis-sentinel:": connectSentinel,
  "ioredis:": (url, options) => connectIoRedis(new Redis(Number(new URL(url).port), RECONNECT), options),
  "ioredis-sentinel:": (url, options) => {
    const sentinels = [{ host: "127.0.0.1", port: Number(new URL(url).port) }];
    const client = new Redis({ sentinels, name: "sluice", ...RECONNECT });
    return connectIoRedis(client, options);
  },
  "ioredis-cluster:": (url, options) =>
    connectIoRedis(new Cluster([{ host: "127.0.0.1", port: Number(new URL(url).port) }]), options),
};

const RECONNECT = { retryStrategy: () => 200 };

/** Connects to the broker at a URL: `redis://…`, `nats://…`, or one of the others. */
export function connectBroker(url: string, options: ConnectBrokerOptions = {}): Promise<ClientBroker> {
  return CLIENTS[new URL(url).protocol]!(url, options);
}

async function connectIoRedis(
  client: Redis | Cluster,
  { ttl = 2_000 }: ConnectBrokerOptions,
): Promise<ClientBroker> {
  client.on("error", () => {});
  if (client.status !== "ready") await once(client, "ready");
  return endBoth(redisBroker(client, { presenceTtl: ttl }), () => client.disconnect());
}

async function connectCluster(url: string, { ttl = 2_000 }: ConnectBrokerOptions): Promise<ClientBroker> {
  const rootNodes = [{ url: url.replace("redis-cluster:", "redis:") }];
  const client = createCluster({ rootNodes, defaults: { socket: { reconnectStrategy: 200 } } });
  client.on("error", () => {});
  await client.connect();
  return {
    broker: redisBroker(client, { presenceTtl: ttl }),
    end: () => Promise.resolve(client.destroy()),
  };
}

async function connectSentinel(url: string, { ttl = 2_000 }: ConnectBrokerOptions): Promise<ClientBroker> {
  const sentinelRootNodes = [{ host: "127.0.0.1", port: Number(new URL(url).port) }];
  const client = createSentinel({ name: "sluice", sentinelRootNodes, scanInterval: 500 });
  client.on("error", () => {});
  await client.connect();
  return endBoth(redisBroker(client, { presenceTtl: ttl }), () => client.destroy());
}

/** The connections that such a broker makes by the pattern of the client outlive it. */
function endBoth(broker: Broker, end: () => unknown): ClientBroker {
  return { broker, end: () => Promise.all([end(), broker.close()]) };
}

async function connectRedis(
  url: string,
  { ttl = 2_000, resp = 3 }: ConnectBrokerOptions,
): Promise<ClientBroker> {
  const client = createClient({ url, RESP: resp, socket: { reconnectStrategy: 200 } });
  client.on("error", () => {});
  await client.connect();
  return {
    broker: redisBroker(client, { presenceTtl: ttl }),
    end: () => Promise.resolve(client.destroy()),
  };
}

async function connectNats(
  url: string,
  { ttl = 2_000, noEcho = false }: ConnectBrokerOptions,
): Promise<ClientBroker> {
  const { host: servers, username: user, password: pass } = new URL(url);
  const login = user === "" ? {} : { user, pass };
  const client = await connect({
    servers,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    noEcho,
    ...login,
  });
  return { broker: natsBroker(client, { presenceTtl: ttl }), end: () => client.close() };
}
