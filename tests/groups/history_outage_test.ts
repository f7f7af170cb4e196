/**
 * What a process gets back that was cut off from its broker.
 *
 * @module
 */

import { assert, assertEquals } from "#std/assert";
import { test } from "node:test";
import { Groups, type GroupsOptions, type GroupsStatus } from "../../lib/groups/mod.ts";
import { connectBroker } from "../support/broker_clients.ts";
import { type BrokerName, BrokerServer } from "../support/brokers.ts";
import { LONG } from "../support/long.ts";
import { requires } from "../support/requires.ts";
import { sleep, until } from "../support/serving.ts";
import { TcpGate } from "../support/tcp_gate.ts";
import { Member } from "./member.ts";

/** How many messages there are in the stream, and for how long one process is cut off in it, in milliseconds. */
const MESSAGES = LONG ? 10_000 : 1_000;
const CUT = LONG ? 5_000 : 500;

interface Cut {
  /** Two processes with a way of their own to the broker, and one that is cut off. */
  readonly groups: readonly [Groups, Groups, Groups];
  readonly members: readonly [Member, Member, Member];
  readonly states: GroupsStatus["state"][];
}

/** Runs a stream of numbered messages, in whose middle the third process is cut off. */
async function runStream(
  name: BrokerName,
  options: GroupsOptions,
  check: (cut: Cut) => Promise<void>,
): Promise<void> {
  const server = await BrokerServer.start(name);
  const gate = await TcpGate.open(server.port);
  const urls = [server.url, server.url, `${name}://127.0.0.1:${gate.port}`];
  const connections = await Promise.all(urls.map((url) => connectBroker(url)));
  const states: GroupsStatus["state"][] = [];
  const groups = connections.map(({ broker }, i) =>
    new Groups({ broker, ...options, ...i === 2 && { onStatus: ({ state }) => states.push(state) } })
  );
  const members = groups.map(() => new Member());
  try {
    for (const [i, each] of groups.entries()) await each.join("room", members[i]!, { as: `member ${i}` });
    const third = MESSAGES / 3;
    for (let i = 0; i < MESSAGES; i++) {
      if (i === Math.floor(third)) {
        await until(() => members[2]!.received.length === i);
        await gate.cut();
        await until(() => states.includes("interrupted"));
      }
      // Some of both processes, while the third has none of it.
      const cutOff = i >= third && i < 2 * third;
      groups[i % 2]!.publish("room", `${i % 2} ${i}`);
      if (i % 50 === 0) await sleep(cutOff ? CUT / (third / 50) : 1);
      if (i === Math.floor(2 * third)) {
        await gate.mend();
        await until(() => states.includes("restored"));
      }
    }
    await check({ groups, members, states } as unknown as Cut);
  } finally {
    for (const each of groups) await each.close();
    for (const { end } of connections) await end();
    await gate.cut();
    await server.stop();
  }
}

for (const name of ["redis", "nats"] as const) {
  test(
    `${name}: a process that was cut off: with a history each member ends up with all messages once, in order`,
    requires(`${name}-server`),
    () =>
      runStream(
        name,
        { history: { messages: 20_000, age: 600_000, bytes: 64_000_000 } },
        async ({ groups, members, states }) => {
          await until(() => members.every(({ received }) => received.length >= MESSAGES));
          await sleep(100);
          const [first, second, third] = members;
          assertEquals(first.received.length, MESSAGES);
          assertEquals(second.received, first.received);
          assertEquals(third.received, first.received);
          for (const from of [0, 1]) {
            const own = first.received.filter((message) => `${message}`.startsWith(`${from} `));
            assertEquals(own, Array.from({ length: MESSAGES / 2 }, (_, i) => `${from} ${2 * i + from}`));
          }
          assertEquals(groups.map(({ counts }) => [counts.lost, counts.missed]), [[0, 0], [0, 0], [0, 0]]);
          assertEquals(states, ["connected", "interrupted", "restored"]);
        },
      ),
  );

  test(
    `${name}: a process that was cut off: without a history it counts what it missed`,
    requires(`${name}-server`),
    () =>
      runStream(name, {}, async ({ groups, members: [first, , third] }) => {
        for (const each of groups.slice(0, 2)) await each.publish("room", "the last one");
        await until(() => third.received.filter((message) => message === "the last one").length === 2);
        await until(() => first.received.length === MESSAGES + 2);
        const missing = MESSAGES + 2 - third.received.length;
        assert(missing >= Math.floor(MESSAGES / 3), `${missing} are missing`);
        assertEquals(groups.map(({ counts }) => counts.missed), [0, 0, missing]);
      }),
  );

  test(
    `${name}: a process that was cut off: what it published is lost and counted, and others notice`,
    requires(`${name}-server`),
    async () => {
      const server = await BrokerServer.start(name);
      const gate = await TcpGate.open(server.port);
      const history = { messages: 100 };
      const near = await connectBroker(`${name}://127.0.0.1:${gate.port}`);
      const far = await connectBroker(server.url);
      const states: string[] = [];
      const here = new Groups({ broker: near.broker, history, onStatus: ({ state }) => states.push(state) });
      const there = new Groups({ broker: far.broker, history });
      const [a, b, late] = [new Member(), new Member(), new Member()];
      try {
        await here.join("room", a);
        await there.join("room", b);
        await here.publish("room", "before");
        await until(() => a.received.length === 1 && b.received.length === 1);
        await gate.cut();
        await until(() => states.includes("interrupted"));
        for (let i = 0; i < 5; i++) await here.publish("room", "lost");
        await there.publish("room", "meanwhile");
        // One that joins now hears nothing until the broker is back, and is told that nobody knows what it missed.
        const unknown = await here.join("other", late, { since: "oldest" });
        assertEquals(unknown, { position: undefined, recovered: false, missed: undefined });
        // What the process has kept itself it can give.
        const back = new Member();
        assertEquals((await here.join("room", back, { since: "oldest" })).recovered, true);
        assertEquals(back.received, ["before"]);
        await gate.mend();
        await until(() => states.includes("restored"));
        await until(() => a.received.length === 2);
        while (!late.received.includes("hello")) {
          await there.publish("other", "hello");
          await sleep(20);
        }
        await here.publish("room", "after");
        await until(() => [a, b, back].every(({ received }) => received.at(-1) === "after"));
        const all = ["before", "meanwhile", "after"];
        assertEquals([a.received, b.received, back.received], [all, all, all]);
        assertEquals([here.counts.lost, here.counts.missed, there.counts.missed], [5, 0, 5]);
      } finally {
        await here.close();
        await there.close();
        await near.end();
        await far.end();
        await gate.cut();
        await server.stop();
      }
    },
  );

  test(
    `${name}: a broker that comes back without what it kept: another epoch begins, and what is lost is counted`,
    requires(`${name}-server`),
    async () => {
      const server = await BrokerServer.start(name);
      const clients = [await connectBroker(server.url), await connectBroker(server.url)];
      const states: string[] = [];
      const [here, there] = clients.map(({ broker }) =>
        new Groups({ broker, history: {}, onStatus: ({ state }) => states.push(state) })
      ) as [Groups, Groups];
      const [a, b, back] = [new Member(), new Member(), new Member()];
      try {
        const { position } = await here.join("room", a);
        await there.join("room", b);
        for (let i = 0; i < 10; i++) here.publish("room", `${i}`);
        await until(() => a.received.length === 10 && b.received.length === 10);
        await server.kill();
        server.forget();
        await until(() => states.filter((state) => state === "interrupted").length === 2);
        await server.resume();
        await until(() => states.filter((state) => state === "restored").length === 2);
        while (b.received.length === 10) {
          await here.publish("room", "10");
          await sleep(20);
        }
        await until(() => a.received.length > 10);
        const result = await there.join("room", back, { since: position! });
        assertEquals([result.recovered, result.missed], [false, undefined]);
        assert(result.position!.epoch !== position!.epoch);
        assertEquals(there.counts.missed, here.counts.lost);
        assertEquals(back.received.every((message) => message === "10"), true);
      } finally {
        await here.close();
        await there.close();
        for (const { end } of clients) await end();
        await server.stop();
      }
    },
  );
}

test(
  "nats: a broker that comes back with what it kept goes on where it was",
  requires("nats-server"),
  async () => {
    const server = await BrokerServer.start("nats");
    const clients = [await connectBroker(server.url), await connectBroker(server.url)];
    const states: string[] = [];
    const [here, there] = clients.map(({ broker }) =>
      new Groups({ broker, history: {}, onStatus: ({ state }) => states.push(state) })
    ) as [Groups, Groups];
    const [a, back] = [new Member(), new Member()];
    try {
      const { position } = await here.join("room", a);
      for (let i = 0; i < 10; i++) here.publish("room", `${i}`);
      await until(() => a.received.length === 10);
      await server.kill();
      await until(() => states.filter((state) => state === "interrupted").length === 2);
      await server.resume();
      await until(() => states.filter((state) => state === "restored").length === 2);
      while (a.received.length === 10) {
        await here.publish("room", "10");
        await sleep(20);
      }
      const result = await there.join("room", back, { since: position! });
      assertEquals([result.recovered, result.missed, result.position!.epoch], [true, 0, position!.epoch]);
      assertEquals(back.received.slice(0, 10), a.received.slice(0, 10));
      assertEquals(here.counts.missed, 0);
    } finally {
      await here.close();
      await there.close();
      for (const { end } of clients) await end();
      await server.stop();
    }
  },
);
