/**
 * Brokers over the clients that users have: node-redis and nats.js.
 *
 * @module
 */

import { connect } from "@nats-io/transport-node";
import { createClient } from "@redis/client";
import type { Broker } from "../../lib/groups/mod.ts";
import { natsBroker } from "../../lib/groups/nats.ts";
import { redisBroker } from "../../lib/groups/redis.ts";

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
}

/** Connects to the broker at a URL: `redis://…` or `nats://…`. */
export function connectBroker(url: string, options: ConnectBrokerOptions = {}): Promise<ClientBroker> {
  return url.startsWith("nats:") ? connectNats(url, options) : connectRedis(url, options);
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

async function connectNats(url: string, { ttl = 2_000 }: ConnectBrokerOptions): Promise<ClientBroker> {
  const { host: servers, username: user, password: pass } = new URL(url);
  const login = user === "" ? {} : { user, pass };
  const client = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 200, ...login });
  return { broker: natsBroker(client, { presenceTtl: ttl }), end: () => client.close() };
}
