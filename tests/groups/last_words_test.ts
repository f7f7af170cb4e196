/**
 * Subscribers of Redis that hear nothing for long, or never connect, and what is said just before the end.
 *
 * @module
 */

import { assertEquals } from "#std/assert";
import { createClient } from "@redis/client";
import { test } from "node:test";
import { Groups } from "../../lib/groups/mod.ts";
import { redisBroker } from "../../lib/groups/brokers/redis.ts";
import { connectBroker } from "../support/broker_clients.ts";
import { BrokerServer } from "../support/brokers.ts";
import { requires } from "../support/requires.ts";
import { sleep, until } from "../support/serving.ts";
import { Member } from "./member.ts";

const redis = requires("redis-server");

test("redis: a client with a socketTimeout still hears others after a quiet time", redis, async () => {
  const server = await BrokerServer.start("redis");
  const client = createClient({ url: server.url, socket: { socketTimeout: 150, reconnectStrategy: 20 } });
  client.on("error", () => {}); // the client's own connection is cut when it is quiet, and comes back
  await client.connect();
  const other = await connectBroker(server.url);
  const errors: unknown[] = [];
  const here = new Groups({ broker: redisBroker(client), onError: (error) => errors.push(error) });
  const there = new Groups({ broker: other.broker });
  try {
    const member = new Member();
    await here.join("room", member);
    await sleep(600);
    await there.publish("room", "are you there?");
    await until(() => member.received.length === 1);
    const late = new Member();
    await here.join("late", late);
    await there.publish("late", "and you?");
    await until(() => late.received.length === 1);
    assertEquals(errors, []);
  } finally {
    await here.close();
    await there.close();
    client.destroy();
    await other.end();
    await server.stop();
  }
});

test("redis: groups close although the subscriber never connected", redis, async () => {
  const server = await BrokerServer.start("redis", { config: "maxclients 1" });
  const client = createClient({ url: server.url, socket: { reconnectStrategy: 50 } });
  client.on("error", () => {});
  await client.connect(); // the only one that the server takes
  const errors: unknown[] = [];
  const groups = new Groups({ broker: redisBroker(client), onError: (error) => errors.push(error) });
  try {
    const member = new Member();
    await until(() => errors.length > 0);
    await groups.join("room", member, { as: "ann" });
    await groups.publish("room", "for those who are here");
    assertEquals(member.received, ["for those who are here"]);
    await groups.close();
    assertEquals(groups.counts.lost, 0);
  } finally {
    await groups.close();
    client.destroy();
    await server.stop();
  }
});

for (const name of ["redis", "nats"] as const) {
  test(`${name}: what is published just before the end arrives`, requires(`${name}-server`), async () => {
    const server = await BrokerServer.start(name);
    const other = await connectBroker(server.url);
    const there = new Groups({ broker: other.broker });
    const member = new Member();
    try {
      await there.join("room", member);
      for (let i = 0; i < 20; i++) {
        const { broker, end } = await connectBroker(server.url);
        const here = new Groups({ broker });
        for (let j = 0; j < 10; j++) here.publish("room", `${i} ${j}`);
        await here.close();
        assertEquals(here.counts.lost, 0);
        await end();
      }
      await until(() => member.received.length >= 200);
      await sleep(50);
      const words = Array.from({ length: 200 }, (_, n) => `${Math.floor(n / 10)} ${n % 10}`);
      assertEquals(member.received.toSorted(), words.sort());
    } finally {
      await there.close();
      await other.end();
      await server.stop();
    }
  });
}
