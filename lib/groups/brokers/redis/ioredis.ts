/**
 * The clients of ioredis: `Redis` (one server, or the master that sentinels name) and `Cluster`.
 *
 * They serve as patterns for clients of our own: theirs send again what was under way when a connection broke, and each
 * message would come twice.
 *
 * @module
 */

import { toNodeBuffer } from "../../../adapters/node_buffer.ts";
import { GroupsError } from "../../groups_error.ts";
import { linkHome } from "./home_link.ts";
import { keySlot } from "./key_slot.ts";
import type { DeliverPlain, RedisCommand, RedisLink } from "./link.ts";
import { type NodeConnection, NodeSubscriber } from "./node_subscriber.ts";

/** The part of a `Redis` of ioredis that is used here. */
export interface IoRedis {
  /** `"ready"`, or what it is about. */
  readonly status: string;
  /** Sends a command; the answer has bytes for strings. */
  callBuffer(command: string, ...args: (string | number | Uint8Array)[]): Promise<unknown>;
  /** Makes a client with the same options but for those given. */
  duplicate(overrides: object): unknown;
}

/** The part of a `Cluster` of ioredis that is used here. */
export interface IoRedisCluster {
  /** `"ready"`, or what it is about. */
  readonly status: string;
  /** Tells a cluster from a client. */
  readonly isCluster: boolean;
  /** Sends a command to the node that has its key; the answer has bytes for strings. */
  callBuffer(command: string, ...args: (string | number | Uint8Array)[]): Promise<unknown>;
  /** Makes a cluster with the same options but for those given. */
  duplicate(startupNodes: never[], overrides: object): unknown;
}

/** A client of our own. */
interface OwnClient extends IoRedis {
  readonly options: { readonly host?: string; readonly port?: number };
  connect(): Promise<unknown>;
  on(event: "error" | "close" | "moved" | "ready", listener: (error: unknown) => void): unknown;
  on(
    event: "messageBuffer" | "smessageBuffer",
    listener: (channel: { toString(): string }, message: Uint8Array) => void,
  ): unknown;
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  ssubscribe(channel: string): Promise<unknown>;
  sunsubscribe(channel: string): Promise<unknown>;
  disconnect(): void;
}

/** A cluster of our own. */
interface OwnCluster extends Pick<OwnClient, "status" | "callBuffer" | "connect" | "on" | "disconnect"> {
  /** The addresses of the nodes by their slots, masters first. */
  readonly slots: readonly (readonly string[] | undefined)[];
  nodes(): readonly IoRedis[];
}

const nothing = () => null;

/** A connection is used until it breaks. Prefixes of keys would be put in front of channels as well. */
const ONCE = {
  lazyConnect: true,
  retryStrategy: nothing,
  sentinelRetryStrategy: nothing,
  reconnectOnError: nothing,
  maxRetriesPerRequest: null,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  enableAutoPipelining: false,
  keyPrefix: "",
};

/** A subscriber that hears nothing for a while is no fault. */
const QUIET = { ...ONCE, socketTimeout: undefined, commandTimeout: undefined };

/** Uses a `Redis`. */
export function linkIoRedis(client: IoRedis): RedisLink {
  return linkHome(() => {
    const sender = client.duplicate(ONCE) as OwnClient;
    const subscriber = subscriberOf(client, {}, false);
    return {
      ...subscriber,
      connect: (lost) => {
        watch(sender, lost);
        return Promise.all([sender.connect(), subscriber.connect(lost)]);
      },
      send: (command) => send(sender, command),
      destroy: () => {
        sender.disconnect();
        subscriber.destroy();
      },
    };
  });
}

/** Uses a `Cluster`. */
export function linkIoRedisCluster(cluster: IoRedisCluster): RedisLink {
  const overrides = {
    lazyConnect: true,
    retryDelayOnFailover: 0,
    keyPrefix: "",
    redisOptions: { keyPrefix: "" },
  };
  const own = cluster.duplicate([], { ...overrides, scaleReads: "master" }) as OwnCluster;
  const tried = Promise.withResolvers<void>();
  const subscriber = new NodeSubscriber({
    nodeOf: (channel) => own.slots[keySlot(channel)]?.[0],
    connectionTo: (address) => {
      const [pattern] = own.nodes();
      if (pattern === undefined) throw new Error("The cluster has no nodes");
      const colon = address.lastIndexOf(":");
      const node = { host: address.substring(0, colon), port: Number(address.substring(colon + 1)) };
      return subscriberOf(pattern, node, true);
    },
    // It follows to where the key is, and remembers.
    locate: (channel) => own.callBuffer("EXISTS", channel),
  });
  return {
    sharded: true,
    open: (events) =>
      new Promise((resolve) => {
        own.on("error", events.lost);
        own.on("ready", () => {
          tried.resolve();
          resolve(subscriber.open(events));
        });
        own.connect().catch((error) => { // it tries again
          tried.resolve();
          events.lost(error);
        });
      }),
    send: async (_, command) => {
      // What is published while it connects for the first time waits for that.
      await tried.promise;
      if (own.status !== "ready") throw new GroupsError("broker-away");
      return await send(own, command);
    },
    subscribe: (channel, deliver) => subscriber.subscribe(channel, deliver),
    unsubscribe: (channel) => subscriber.unsubscribe(channel),
    close: () => {
      tried.resolve();
      subscriber.close();
      own.disconnect();
    },
  };
}

function send(client: Pick<IoRedis, "callBuffer">, [name, ...args]: RedisCommand): Promise<unknown> {
  return client.callBuffer(
    name,
    ...args.map((argument) => typeof argument === "string" ? argument : toNodeBuffer(argument)),
  );
}

function watch(client: OwnClient, lost: (error: unknown) => void): void {
  client.on("error", lost);
  client.on("close", () => lost(new Error("The connection to Redis is closed")));
}

function subscriberOf(pattern: IoRedis, more: object, sharded: boolean): NodeConnection {
  const own = pattern.duplicate({ ...QUIET, ...more }) as OwnClient;
  const delivers = new Map<string, DeliverPlain>();
  const [event, subscribe, unsubscribe] = sharded
    ? ["smessageBuffer", "ssubscribe", "sunsubscribe"] as const
    : ["messageBuffer", "subscribe", "unsubscribe"] as const;
  own.on(event, (channel, message) => delivers.get(channel.toString())?.(message));
  return {
    connect: (lost) => {
      watch(own, lost);
      own.on("moved", () => lost(new Error("A channel has moved")));
      return own.connect();
    },
    subscribe: async (channel, deliver) => {
      delivers.set(channel, deliver);
      try {
        await own[subscribe](channel);
      } catch (error) {
        delivers.delete(channel);
        throw error;
      }
    },
    unsubscribe: async (channel) => {
      await own[unsubscribe](channel);
      delivers.delete(channel);
    },
    destroy: () => own.disconnect(),
  };
}
