/**
 * Processes that are set up or fare differently, and belong together all the same.
 *
 * @module
 */

import { assert, assertEquals } from "#std/assert";
import { createClient } from "@redis/client";
import { test } from "node:test";
import { Groups } from "../../lib/groups/mod.ts";
import { redisBroker } from "../../lib/groups/brokers/redis.ts";
import { type ClientBroker, connectBroker } from "../support/broker_clients.ts";
import { type BrokerName, BrokerServer } from "../support/brokers.ts";
import { requires } from "../support/requires.ts";
import { sleep, until } from "../support/serving.ts";
import { Member } from "./member.ts";

/** Runs with a server, and ends what is connected to it. */
async function withServer(
  name: BrokerName,
  run: (server: BrokerServer, open: (client: ClientBroker, errors?: unknown[]) => Groups) => Promise<void>,
): Promise<void> {
  const server = await BrokerServer.start(name);
  const clients: ClientBroker[] = [];
  const all: Groups[] = [];
  try {
    await run(server, (client, errors = []) => {
      clients.push(client);
      const groups = new Groups({ broker: client.broker, onError: (error) => errors.push(error) });
      all.push(groups);
      return groups;
    });
  } finally {
    for (const groups of all) await groups.close();
    for (const { end } of clients) await end();
    await server.stop();
  }
}

async function untilPresent(groups: Groups, names: string): Promise<void> {
  for (let i = 0; (await groups.presence("room")).names.join() !== names; i++) {
    assert(i < 500, `${names} are not there`);
    await sleep(20);
  }
}

test(
  "processes with different databases of Redis hear and see each other",
  requires("redis-server"),
  () =>
    withServer("redis", async ({ url }, open) => {
      const [here, there] = [open(await connectBroker(`${url}/0`)), open(await connectBroker(`${url}/1`))];
      const member = new Member();
      await here.join("room", member, { as: "ann" });
      await there.join("room", new Member(), { as: "bob" });
      await there.publish("room", "hello");
      await until(() => member.received.length === 1);
      await untilPresent(here, "ann,bob");
      await untilPresent(there, "ann,bob");
    }),
);

test(
  "a process that expects others to die soon sees one that says so seldom",
  requires("redis-server"),
  () =>
    withServer("redis", async ({ url }, open) => {
      const hasty = open(await connectBroker(url, { ttl: 300 }));
      const calm = open(await connectBroker(url, { ttl: 30_000 }));
      await hasty.join("room", new Member(), { as: "ann" });
      await calm.join("room", new Member(), { as: "bob" });
      await untilPresent(hasty, "ann,bob");
      for (let i = 0; i < 20; i++) {
        await sleep(50); // far longer than the hasty one's time
        assertEquals((await hasty.presence("room")).names, ["ann", "bob"]);
      }
      await untilPresent(calm, "ann,bob");
    }),
);

test(
  "a client of Redis without a queue reports once that the server is away, however many channels there are",
  requires("redis-server"),
  () =>
    withServer("redis", async (server, open) => {
      const connect = async (): Promise<ClientBroker> => {
        const socket = { reconnectStrategy: 100 };
        const client = createClient({ url: server.url, disableOfflineQueue: true, socket });
        client.on("error", () => {});
        await client.connect();
        const broker = redisBroker(client, { presenceTtl: 60_000 });
        return { broker, end: () => Promise.resolve(client.destroy()) };
      };
      const errors: unknown[] = [];
      const [here, there] = [open(await connect()), open(await connect(), errors)];
      const members = Array.from({ length: 40 }, () => new Member());
      for (const [i, member] of members.slice(0, 20).entries()) await there.join(`room ${i}`, member);
      await server.kill();
      await until(() => errors.length > 0);
      for (const [i, member] of members.slice(20).entries()) await there.join(`room ${20 + i}`, member);
      await sleep(1_500);
      assertEquals(errors.map((error) => (error as { code?: unknown }).code), ["interrupted"]);
      await server.resume();
      const deaf = () => [...members.entries()].filter(([, { received }]) => received.length === 0);
      for (let attempt = 0; deaf().length > 0; attempt++) {
        assert(attempt < 200, `${deaf().length} hear nothing`);
        for (const [i] of deaf()) await here.publish(`room ${i}`, "hello");
        await sleep(50);
      }
    }),
);

test(
  "a process whose turns are long sees at once who is there",
  requires("nats-server"),
  () =>
    withServer("nats", async ({ url }, open) => {
      const names = Array.from({ length: 8 }, (_, i) => `member ${i}`);
      const here = open(await connectBroker(url));
      for (const as of names) await here.join("room", new Member(), { as });
      await untilPresent(open(await connectBroker(url)), names.join());
      const late = open(await connectBroker(url));
      const busy = setInterval(() => {
        for (const end = performance.now() + 300; performance.now() < end;);
      });
      try {
        assertEquals((await late.presence("room")).names, names);
      } finally {
        clearInterval(busy);
      }
    }),
);
