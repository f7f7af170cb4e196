/**
 * Several processes of Redis: a cluster of three, and a server with a sentinel.
 *
 * @module
 */

import { createClient } from "@redis/client";
import { BrokerServer } from "./brokers.ts";
import { freePort } from "./ports.ts";
import { sleep } from "./serving.ts";

/** Servers that belong together. */
export interface RedisServers {
  readonly servers: readonly BrokerServer[];
  /** The port that clients are told. */
  readonly port: number;
  stop(): Promise<unknown>;
}

const LAST_SLOT = 16_383;

/** Starts a cluster of three nodes that share the slots. */
export async function startCluster(): Promise<RedisServers> {
  const nodes = await Promise.all([0, 1, 2].map(async () => {
    const bus = await freePort();
    const more = ["--cluster-enabled", "yes", "--cluster-port", `${bus}`, "--cluster-node-timeout", "2000"];
    return { bus, server: await BrokerServer.start("redis", { more }) };
  }));
  const first = nodes[0]!;
  for (const [i, { server }] of nodes.entries()) {
    const from = Math.ceil((LAST_SLOT + 1) * i / nodes.length);
    const to = Math.ceil((LAST_SLOT + 1) * (i + 1) / nodes.length) - 1;
    await command(server.port, ["CLUSTER", "ADDSLOTSRANGE", `${from}`, `${to}`]);
    await command(server.port, ["CLUSTER", "SET-CONFIG-EPOCH", `${i + 1}`]);
    if (i > 0) {
      await command(server.port, ["CLUSTER", "MEET", "127.0.0.1", `${first.server.port}`, `${first.bus}`]);
    }
  }
  const servers = nodes.map(({ server }) => server);
  for (const { port } of servers) {
    await untilAnswers(port, ["CLUSTER", "INFO"], /cluster_state:ok[^]*cluster_known_nodes:3/);
  }
  return { servers, port: servers[0]!.port, stop: () => stopAll(servers) };
}

/** Starts one server. */
export async function startServer(): Promise<RedisServers> {
  const server = await BrokerServer.start("redis");
  return { servers: [server], port: server.port, stop: () => server.stop() };
}

/** Moves a slot that holds no keys to the next node of a cluster. */
export async function moveSlot({ servers }: RedisServers, slot: number): Promise<void> {
  const ids = await Promise.all(servers.map(({ port }) => command(port, ["CLUSTER", "MYID"])));
  const owner = servers.findIndex((_, i) => slot < Math.ceil((LAST_SLOT + 1) * (i + 1) / servers.length));
  const next = (owner + 1) % servers.length;
  await command(servers[next]!.port, ["CLUSTER", "SETSLOT", `${slot}`, "IMPORTING", ids[owner]!]);
  await command(servers[owner]!.port, ["CLUSTER", "SETSLOT", `${slot}`, "MIGRATING", ids[next]!]);
  for (const at of [next, owner]) {
    await command(servers[at]!.port, ["CLUSTER", "SETSLOT", `${slot}`, "NODE", ids[next]!]);
  }
}

/** Starts a master, its replicas, and a sentinel that watches them as `sluice`. */
export async function startSentinel({ replicas = 1 }: { replicas?: number } = {}): Promise<RedisServers> {
  const master = await BrokerServer.start("redis");
  const more = ["--replicaof", "127.0.0.1", `${master.port}`];
  const others = await Promise.all(
    Array.from({ length: replicas }, () => BrokerServer.start("redis", { more })),
  );
  const config = [
    `sentinel monitor sluice 127.0.0.1 ${master.port} 1`,
    "sentinel down-after-milliseconds sluice 500",
    "sentinel failover-timeout sluice 2000",
    "",
  ].join("\n");
  const sentinel = await BrokerServer.start("redis", { config, more: ["--sentinel"] });
  const servers = [master, ...others, sentinel];
  if (replicas > 0) await untilAnswers(master.port, ["INFO", "replication"], /state=online/);
  await untilAnswers(sentinel.port, ["SENTINEL", "master", "sluice"], new RegExp(`num-slaves,${replicas}`));
  return { servers, port: sentinel.port, stop: () => stopAll(servers) };
}

function stopAll(servers: readonly BrokerServer[]): Promise<unknown> {
  return Promise.all(servers.map((server) => server.stop()));
}

async function untilAnswers(port: number, args: string[], wanted: RegExp): Promise<void> {
  for (let attempt = 0; !wanted.test(await command(port, args)); attempt++) {
    if (attempt === 400) throw new Error(`${args.join(" ")} never answers ${wanted}`);
    await sleep(25);
  }
}

async function command(port: number, args: string[]): Promise<string> {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, RESP: 2, disableClientInfo: true });
  client.on("error", () => {});
  await client.connect();
  try {
    return `${await client.sendCommand(args)}`;
  } finally {
    client.destroy();
  }
}
