/**
 * The clients of Redis that a broker can be made of, and those that it cannot.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "#std/assert";
import { createClient, createClientPool } from "@redis/client";
import process from "node:process";
import { test } from "node:test";
import { Groups, type GroupsOptions } from "../../lib/groups/mod.ts";
import { channelOf } from "../../lib/groups/names.ts";
import { redisBroker } from "../../lib/groups/brokers/redis.ts";
import { keySlot } from "../../lib/groups/brokers/redis/key_slot.ts";
import { connectBroker } from "../support/broker_clients.ts";
import {
  moveSlot,
  type RedisServers,
  startCluster,
  startSentinel,
  startServer,
} from "../support/redis_servers.ts";
import { requires } from "../support/requires.ts";
import { sleep, until } from "../support/serving.ts";
import { Member } from "./member.ts";

const LONG = process.env.SLUICE_LONG === "1";

/** The clients that can share these servers: whatever they are, they reach each other. */
const KINDS:
  readonly (readonly [name: string, start: () => Promise<RedisServers>, schemes: readonly string[]])[] = [
    ["a server", startServer, ["redis", "ioredis"]],
    ["a cluster", startCluster, ["redis-cluster", "ioredis-cluster"]],
    ["a sentinel's master", () => startSentinel({ replicas: 0 }), ["redis-sentinel", "ioredis-sentinel"]],
  ];

for (const [name, start, schemes] of KINDS) {
  test(
    `redis: ${
      schemes.join(" and ")
    } clients of ${name} reach each other, see who is there, and share histories`,
    requires("redis-server"),
    async () => {
      const servers = await start();
      try {
        await reachEachOther(servers, schemes);
        await shareHistories(servers, schemes);
      } finally {
        await servers.stop();
      }
    },
  );
}

async function reachEachOther(servers: RedisServers, schemes: readonly string[]): Promise<void> {
  await withGroups(servers, schemes, {}, async (groups) => {
    // Names of different slots: more than one node has a part.
    const rooms = Array.from({ length: 20 }, (_, i) => `room ${i}`);
    const members = groups.map((each, i) =>
      rooms.map((room) => {
        const member = new Member();
        const as = `${schemes[i]} ${i} in ${room}`;
        return { member, room, as, joined: each.join(room, member, { as }) };
      })
    );
    await Promise.all(members.flat().map(({ joined }) => joined));
    for (const [i, each] of groups.entries()) {
      for (const room of rooms) await each.publish(room, Uint8Array.of(i, 0xff, 0x0a));
      for (const { as } of members.flat()) await each.sendTo(as, `${i}`);
    }
    const complete = ({ member }: { member: Member }) => member.received.length >= 2 * groups.length;
    await until(() => members.flat().every(complete));
    await sleep(50);
    const wanted = groups.flatMap((_, i) => [`${i}`, `${i},255,10`]).sort();
    for (const { member } of members.flat()) {
      assertEquals(member.received.map((message) => `${message}`).sort(), wanted);
    }
    const names = schemes.map((scheme, i) => `${scheme} ${i} in room 7`).sort();
    for (const each of groups) {
      let seen: readonly string[] = [];
      for (let i = 0; i < 200 && seen.length < names.length; i++) {
        seen = (await each.presence("room 7")).names;
        await sleep(10);
      }
      assertEquals(seen, names);
    }
  });
}

async function shareHistories(servers: RedisServers, schemes: readonly string[]): Promise<void> {
  await withGroups(servers, schemes, { history: {} }, async (groups) => {
    const rooms = Array.from({ length: 9 }, (_, i) => `room ${i}`);
    const live = rooms.map((room) => ({ room, member: new Member() }));
    await Promise.all(live.map(({ room, member }, i) => groups[i % 2]!.join(room, member)));
    for (const { room, member } of live) {
      for (const [i, each] of groups.entries()) {
        await each.publish(room, `from ${i}`);
        await until(() => member.received.length > i);
      }
      assertEquals(member.received, ["from 0", "from 1"]);
    }
    for (const each of groups) {
      for (const room of rooms) {
        const member = new Member();
        const { recovered, position } = await each.join(room, member, { since: "oldest" });
        assertEquals([recovered, position?.offset, member.received], [true, 2, ["from 0", "from 1"]]);
      }
    }
  });
}

/** Runs with groups over a client of each kind; none of them may report an error. */
async function withGroups(
  { port, servers }: RedisServers,
  schemes: readonly string[],
  options: GroupsOptions,
  run: (groups: readonly Groups[]) => Promise<void>,
): Promise<void> {
  const clients = await Promise.all(schemes.map((scheme, i) => {
    // A plain client has a server of its own, if there are several.
    const at = scheme === "redis" ? servers[i % servers.length]!.port : port;
    return connectBroker(`${scheme}://127.0.0.1:${at}`);
  }));
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  const groups = clients.map(({ broker }) => new Groups({ broker, onError, ...options }));
  try {
    await run(groups);
    assertEquals(errors, []);
  } finally {
    await Promise.all(groups.map((each) => each.close()));
    await Promise.all(clients.map(({ end }) => end()));
  }
}

const LOSSES: readonly (readonly [
  what: string,
  scheme: string,
  start: () => Promise<RedisServers>,
  strike: (servers: RedisServers) => Promise<void>,
])[] = [
  ["are whole again after a node was killed and restarted", "redis-cluster", startCluster, restart],
  ["are whole again after a node was killed and restarted", "ioredis-cluster", startCluster, restart],
  ["follow slots that move to another node", "redis-cluster", startCluster, moveSlots],
  ["follow slots that move to another node", "ioredis-cluster", startCluster, moveSlots],
  [
    "follow a sentinel to another master",
    "redis-sentinel",
    startSentinel,
    ({ servers }) => servers[0]!.kill(),
  ],
  [
    "follow a sentinel to another master",
    "ioredis-sentinel",
    startSentinel,
    ({ servers }) => servers[0]!.kill(),
  ],
];

async function restart({ servers }: RedisServers): Promise<void> {
  await servers[0]!.kill();
  await sleep(300);
  await servers[0]!.resume();
}

async function moveSlots(servers: RedisServers): Promise<void> {
  for (const i of [0, 1, 2]) await moveSlot(servers, keySlot(`{${channelOf("group", `room ${i}`)}}`));
}

if (LONG) {
  test(
    "redis: plain clients of two nodes of a cluster reach each other, and see who is there",
    requires("redis-server"),
    async () => {
      const servers = await startCluster();
      try {
        await reachEachOther(servers, ["redis", "redis"]);
      } finally {
        await servers.stop();
      }
    },
  );
}

for (const [what, scheme, start, strike] of LONG ? LOSSES : []) {
  test(`redis: groups over ${scheme} ${what}`, requires("redis-server"), async () => {
    const servers = await start();
    try {
      const states: string[] = [];
      const onStatus = ({ state }: { state: string }) => void states.push(state);
      const options = { timeout: 1_000, onStatus, onError: () => {} };
      await withGroups(servers, [scheme, scheme], options, async ([here, there]) => {
        const members = Array.from({ length: 12 }, () => new Member());
        await Promise.all(members.map((member, i) => there!.join(`room ${i}`, member)));
        await strike(servers);
        await hearAgain(here!, members);
        assert(states.includes("interrupted") && states.includes("restored"), states.join());
      });
    } finally {
      await servers.stop();
    }
  });
}

test("redis: a slot is computed as the server does", () => {
  // From the specification of the cluster, and CLUSTER KEYSLOT of Redis 7.
  const slots = {
    "123456789": 12739,
    "{user1000}.following": 3443,
    "user1000": 3443,
    "foo{}{bar}": 8363,
    "": 0,
  };
  for (const [key, slot] of Object.entries(slots)) assertEquals([key, keySlot(key)], [key, slot]);
});

test("redis: what a broker cannot be made of is refused, and the error names it", () => {
  const pool = createClientPool({ url: "redis://127.0.0.1:1" });
  const legacy = createClient({ url: "redis://127.0.0.1:1" }).legacy();
  for (
    const [client, name] of [
      [pool, "not a pool of clients"],
      [legacy, "not a RedisLegacyClient"],
      [undefined, "not undefined"],
      [null, "not null"],
      ["redis://localhost", "not string"],
      [{}, "not an object without its methods"],
      [new Map(), "not a Map"],
    ] as const
  ) {
    assertThrows(() => redisBroker(client as never), TypeError, name);
  }
});

/** Publishes until all hear, and then once: each must hear that once. */
async function hearAgain(groups: Groups, members: readonly Member[]): Promise<void> {
  for (const member of members) member.received.length = 0;
  for (let attempt = 0; members.some(({ received }) => received.length === 0); attempt++) {
    assert(attempt < 600, "they never hear anything again");
    for (const [i, { received }] of members.entries()) {
      if (received.length === 0) await groups.publish(`room ${i}`, "are you there?");
    }
    await sleep(50);
  }
  await sleep(200);
  for (const member of members) member.received.length = 0;
  for (const i of members.keys()) await groups.publish(`room ${i}`, "hello");
  await until(() => members.every(({ received }) => received.length > 0));
  await sleep(50);
  assertEquals(members.map(({ received }) => received), members.map(() => ["hello"]));
}
