/**
 * What carries messages between groups: in memory, through Redis, through NATS.
 *
 * @module
 */

import {
  type Broker,
  Groups,
  type GroupsErrorContext,
  type GroupsOptions,
  MemoryHub,
} from "../../lib/groups/mod.ts";
import { broadcastChannelBroker } from "../../lib/groups/brokers/broadcast_channel.ts";
import { ipcBroker, IpcRelay } from "../../lib/groups/brokers/cluster_ipc.ts";
import process from "node:process";
import { type ClientBroker, connectBroker, type ConnectBrokerOptions } from "../support/broker_clients.ts";
import { BrokerServer } from "../support/brokers.ts";
import { startNatsCluster } from "../support/nats_servers.ts";
import { type RedisServers, startCluster, startSentinel, startServer } from "../support/redis_servers.ts";
import { requires } from "../support/requires.ts";
import { forkHere } from "./ipc_channel.ts";

/** How long a dead process is seen in these tests, in milliseconds. */
export const TTL = 1_000;

/** An error that groups reported. */
export interface Reported {
  readonly error: unknown;
  readonly context: GroupsErrorContext;
}

/** Groups that stand for a process. */
export interface Process {
  readonly groups: Groups;
  readonly reported: Reported[];
  readonly broker: Broker;
  /** Ends without a word, as a process that is killed. */
  die(): Promise<unknown>;
}

/** What a test of a layer gets. */
export interface Layer {
  /** Makes another process; all of them end with the test. */
  start(options?: GroupsOptions): Promise<Process>;
  /** The server behind it, if there is one. */
  readonly server: BrokerServer | undefined;
}

/** A layer to test. */
export interface LayerKind {
  readonly name: string;
  /** Whether it has a server, which can be killed. */
  readonly remote: boolean;
  /** Whether it keeps histories. */
  readonly history: boolean;
  readonly options: { skip: false | string };
  /** Runs a test with a layer of its own. */
  run(test: (layer: Layer) => Promise<void>): Promise<void>;
}

const LONG = process.env.SLUICE_LONG === "1";

/** Other clients of Redis, and several servers, in the long run only. */
const KINDS: readonly (readonly [name: string, scheme: string, start: () => Promise<RedisServers>])[] = [
  ["Redis, cluster of 3", "redis-cluster", startCluster],
  ["Redis, sentinel", "redis-sentinel", () => startSentinel({ replicas: 0 })],
  ["ioredis", "ioredis", startServer],
  ["ioredis, cluster of 3", "ioredis-cluster", startCluster],
  ["ioredis, sentinel", "ioredis-sentinel", () => startSentinel({ replicas: 0 })],
];

/** The layers that all fulfil the same contract. */
export const layers: readonly LayerKind[] = [
  {
    name: "memory",
    remote: false,
    history: true,
    options: { skip: false },
    run: (test) => {
      const hub = new MemoryHub();
      return runHere(() => hub.connect(), test);
    },
  },
  {
    name: "BroadcastChannel",
    remote: false,
    history: false,
    options: { skip: false },
    run: (test) => {
      const name = crypto.randomUUID();
      return runHere(() => broadcastChannelBroker({ name, presenceTtl: TTL }), test);
    },
  },
  {
    name: "IPC",
    remote: false,
    history: false,
    options: { skip: false },
    run: (test) => {
      const relay = new IpcRelay();
      return runHere(() => ipcBroker(forkHere(relay), { presenceTtl: TTL }), test);
    },
  },
  {
    name: "Redis, RESP2",
    remote: true,
    history: true,
    options: requires("redis-server"),
    run: (test) => runRemote("redis", 2, test),
  },
  {
    name: "Redis, RESP3",
    remote: true,
    history: true,
    options: requires("redis-server"),
    run: (test) => runRemote("redis", 3, test),
  },
  {
    name: "NATS",
    remote: true,
    history: true,
    options: requires("nats-server"),
    run: (test) => runRemote("nats", 3, test),
  },
  ...LONG ? [...KINDS.map(clientsOf), natsCluster(), natsWithoutEcho()] : [],
];

function natsCluster(): LayerKind {
  return {
    name: "NATS, cluster of 3",
    remote: false,
    history: true,
    options: requires("nats-server"),
    run: async (test) => {
      const nodes = await startNatsCluster(3);
      let turn = 0;
      const connect = (options: ConnectBrokerOptions) => connectBroker(nodes[turn++ % 3]!.url, options);
      await runOver(nodes[0]!, connect, test).finally(() => Promise.all(nodes.map((node) => node.stop())));
    },
  };
}

function natsWithoutEcho(): LayerKind {
  return {
    name: "NATS, noEcho",
    remote: true,
    history: true,
    options: requires("nats-server"),
    run: async (test) => {
      const server = await BrokerServer.start("nats");
      const connect = (options: ConnectBrokerOptions) =>
        connectBroker(server.url, { ...options, noEcho: true });
      await runOver(server, connect, test).finally(() => server.stop());
    },
  };
}

function clientsOf([name, scheme, startServers]: typeof KINDS[number]): LayerKind {
  return {
    name,
    // One of several servers that dies is another matter.
    remote: startServers === startServer,
    history: true,
    options: requires("redis-server"),
    run: async (test) => {
      const { servers, port, stop } = await startServers();
      const url = `${scheme}://127.0.0.1:${port}`;
      await runOver(servers[0]!, (options) => connectBroker(url, options), test).finally(stop);
    },
  };
}

async function runHere(connect: () => Broker, test: (layer: Layer) => Promise<void>): Promise<void> {
  const processes: Process[] = [];
  const start = (options: GroupsOptions = {}) => {
    const made = makeProcess(connect(), () => Promise.resolve(), options);
    processes.push(made);
    return Promise.resolve(made);
  };
  try {
    await test({ start, server: undefined });
  } finally {
    for (const { groups } of processes) await groups.close();
  }
}

async function runRemote(
  name: "redis" | "nats",
  resp: 2 | 3,
  test: (layer: Layer) => Promise<void>,
): Promise<void> {
  const server = await BrokerServer.start(name);
  const connect = (options: ConnectBrokerOptions) => connectBroker(server.url, { ...options, resp });
  await runOver(server, connect, test).finally(() => server.stop());
}

async function runOver(
  server: BrokerServer,
  connect: (options: ConnectBrokerOptions) => Promise<ClientBroker>,
  test: (layer: Layer) => Promise<void>,
): Promise<void> {
  const processes: Process[] = [];
  const start = async (options: GroupsOptions = {}) => {
    const { broker, end } = await connect({ ttl: TTL });
    let ended: Promise<unknown> | undefined;
    const made = makeProcess(broker, () => ended ??= end(), options);
    processes.push(made);
    return made;
  };
  try {
    await test({ start, server });
  } finally {
    for (const { groups } of processes) await groups.close();
    for (const { die } of processes) await die();
  }
}

function makeProcess(broker: Broker, die: () => Promise<unknown>, options: GroupsOptions): Process {
  const reported: Reported[] = [];
  const groups = new Groups({
    broker,
    onError: (error, context) => reported.push({ error, context }),
    ...options,
  });
  return { groups, reported, broker, die };
}
