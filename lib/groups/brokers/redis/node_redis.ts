/**
 * The clients of node-redis: one server, a cluster, and whatever a sentinel says is the master.
 *
 * @module
 */

import { NodeBuffer, toNodeBuffer } from "../../../adapters/node_buffer.ts";
import { GroupsError } from "../../groups_error.ts";
import { keySlot } from "./key_slot.ts";
import type { DeliverPlain, RedisCommand, RedisLink } from "./link.ts";
import { type NodeConnection, NodeSubscriber } from "./node_subscriber.ts";
import { linkHome } from "./home_link.ts";

/** How commands are sent. */
export interface RedisCommandOptions {
  /** Which class stands for which type of the protocol. */
  readonly typeMapping?: object;
}

/** The part of a client of node-redis that is used here. */
export interface RedisClient {
  /** Whether it is connected, and commands are not put off. */
  readonly isReady: boolean;
  /** Sends a command. */
  sendCommand(args: readonly (string | Uint8Array)[], options?: RedisCommandOptions): Promise<unknown>;
  /** What it was made with. */
  readonly options?: { readonly socket?: object } | undefined;
  /** Makes a client with the same options but for those given, which is not connected. */
  duplicate(overrides: { socket: object }): RedisSubscriber;
  /** Is told when the connection comes and goes. */
  on(event: "ready", listener: () => void): unknown;
  /** Ends that. */
  off(event: "ready", listener: () => void): unknown;
}

/** The part of a client of node-redis that a connection for subscriptions needs. */
export interface RedisSubscriber {
  /** Whether it is connected, or is connecting. */
  readonly isOpen: boolean;
  /** Connects. */
  connect(): Promise<unknown>;
  /** Is told when the connection comes and goes. */
  on(event: string, listener: (event: unknown) => void): unknown;
  /** Subscribes to a channel. */
  subscribe(channel: string, listener: DeliverPlain, bufferMode: true): Promise<unknown>;
  /** Ends that. */
  unsubscribe(channel: string): Promise<unknown>;
  /** Closes the connection at once. */
  destroy(): unknown;
}

/** The part of a cluster of node-redis that is used here. */
export interface RedisCluster {
  /** Whether it is connected. */
  readonly isOpen: boolean;
  /** The nodes by their slots. */
  readonly slots: readonly { readonly master: RedisClusterNode }[];
  /** The client of a node. */
  nodeClient(node: never): unknown;
  /** Sends a command to the node that has a key. */
  sendCommand(
    key: string,
    isReadonly: boolean,
    args: (string | Uint8Array)[],
    options?: RedisCommandOptions,
  ): Promise<unknown>;
}

/** A node of a cluster of node-redis. */
export interface RedisClusterNode {
  /** Where it is. */
  readonly address: string;
  /** Its client, if there is one yet. */
  readonly client?: { readonly isReady: boolean };
}

/** The part of a sentinel of node-redis that is used here. */
export interface RedisSentinel {
  /** Sends a command to the master. */
  sendCommand(
    isReadonly: boolean,
    args: (string | Uint8Array)[],
    options?: RedisCommandOptions,
  ): Promise<unknown>;
  /** Makes a sentinel with the same options but for those given, which is not connected. */
  duplicate(overrides: { maxCommandRediscovers: number; reserveClient: boolean }): unknown;
  /** The sentinel that it asks. */
  getSentinelNode(): unknown;
}

/** Strings of Redis are bytes (`$` is their mark in its protocol). */
const BINARY: RedisCommandOptions = { typeMapping: { 36: NodeBuffer } };

/** Uses a client. */
export function linkClient(client: RedisClient): RedisLink {
  const subscriber = duplicate(client, {});
  let stopWatching = (): unknown => undefined;
  return {
    sharded: false,
    open: ({ ready, lost }) => {
      let subscribed = false;
      // Both come back by themselves, each in its own time.
      const tell = () => {
        if (subscribed && client.isReady) ready();
      };
      subscriber.on("error", (error) => {
        subscribed = false;
        lost(error);
      });
      // It has subscribed again by then.
      subscriber.on("ready", () => {
        subscribed = true;
        tell();
      });
      client.on("ready", tell);
      stopWatching = () => client.off("ready", tell);
      return subscriber.connect();
    },
    // The client would keep it until the server is back, without a bound.
    send: (_, command) => client.isReady ? client.sendCommand(toArguments(command), BINARY) : away(),
    subscribe: (channel, deliver) => subscriber.subscribe(channel, deliver, true),
    unsubscribe: (channel) => subscriber.unsubscribe(channel),
    close: () => {
      stopWatching();
      destroy(subscriber);
    },
  };
}

/** Uses a cluster: it sends, and we subscribe at its nodes. */
export function linkCluster(cluster: RedisCluster): RedisLink {
  const masterOf = (channel: string) => cluster.slots[keySlot(channel)]?.master;
  // The client of a node that is away would keep commands until the node is back.
  const isReady = (channel: string) => cluster.isOpen && (masterOf(channel)?.client?.isReady ?? true);
  const send = (channel: string, command: RedisCommand) =>
    isReady(channel) ? cluster.sendCommand(channel, false, toArguments(command), BINARY) : away();
  const subscriber = new NodeSubscriber({
    nodeOf: (channel) => masterOf(channel)?.address,
    connectionTo: async (address) => {
      const node = cluster.slots.find(({ master }) => master.address === address)?.master;
      if (node === undefined) throw new Error("The node has left the cluster");
      return shardConnection((node.client ?? await cluster.nodeClient(node as never)) as RedisClient);
    },
    // It follows to where the key is, and remembers.
    locate: (channel) => send(channel, ["EXISTS", channel]),
    canSend: isReady,
  });
  return {
    sharded: true,
    open: (events) => subscriber.open(events),
    send,
    subscribe: (channel, deliver) => subscriber.subscribe(channel, deliver),
    unsubscribe: (channel) => subscriber.unsubscribe(channel),
    close: () => subscriber.close(),
  };
}

function away(): Promise<never> {
  return Promise.reject(new GroupsError("broker-away"));
}

/**
 * Uses a sentinel as a pattern for our own. It would send again what was under way when a connection broke, and forget
 * subscriptions if it cannot connect to the next master at once; so ours is replaced when its master is lost.
 */
export function linkSentinel(sentinel: RedisSentinel): RedisLink {
  return linkHome(() => {
    const own = sentinel.duplicate({
      maxCommandRediscovers: 0,
      // Else each command waits for a client of the pool, and they overtake each other.
      reserveClient: true,
    }) as RedisSubscriber & RedisSentinel;
    return {
      connect: (lost) => {
        own.on("error", () => {}); // connecting rejects, and what else there is comes with the others
        own.on("reconnecting", () => lost(new Error("The sentinel has another master")));
        own.on("client-error", (event) => {
          const { type, error } = event as { type?: unknown; error?: unknown };
          if (type === "MASTER") lost(error);
        });
        return own.connect();
      },
      subscribe: (channel, deliver) => own.subscribe(channel, deliver, true),
      unsubscribe: (channel) => own.unsubscribe(channel),
      send: (command) => own.sendCommand(false, toArguments(command), BINARY),
      destroy: () => destroy(own),
    };
  });
}

interface ShardSubscriber extends RedisSubscriber {
  sSubscribe: RedisSubscriber["subscribe"];
  sUnsubscribe: RedisSubscriber["unsubscribe"];
}

function shardConnection(client: RedisClient): NodeConnection {
  const own = duplicate(client, { reconnectStrategy: false }) as ShardSubscriber;
  return {
    connect: (lost) => {
      own.on("error", lost);
      own.on("end", () => lost(new Error("The connection to Redis is closed")));
      // The slot has another node now.
      own.on("sharded-channel-moved", (channel) => lost(new Error(`Channel ${channel} has moved`)));
      return own.connect();
    },
    subscribe: (channel, deliver) => own.sSubscribe(channel, deliver, true),
    unsubscribe: (channel) => own.sUnsubscribe(channel),
    destroy: () => destroy(own),
  };
}

function duplicate(client: RedisClient, more: object): RedisSubscriber {
  // A subscriber that hears nothing for a while is no fault; the client would take it for one, and give up for good.
  return client.duplicate({ socket: { ...client.options?.socket, ...more, socketTimeout: undefined } });
}

function destroy(subscriber: RedisSubscriber): void {
  // A sentinel's takes its time, and may fail.
  if (subscriber.isOpen) void Promise.resolve(subscriber.destroy()).catch(() => {});
}

function toArguments(command: RedisCommand): (string | Uint8Array)[] {
  return command.map((argument) => typeof argument === "string" ? argument : toNodeBuffer(argument));
}
