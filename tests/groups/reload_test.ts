/**
 * Members that leave and come back at once, as a page does that is reloaded, with a broker that is some way off.
 *
 * @module
 */

import { assertEquals } from "#std/assert";
import { test } from "node:test";
import { Groups, type GroupsErrorContext } from "../../lib/groups/mod.ts";
import type { WebSocketConnection } from "../../mod.ts";
import { connectBroker } from "../support/broker_clients.ts";
import { BrokerServer } from "../support/brokers.ts";
import { LONG } from "../support/long.ts";
import { requires } from "../support/requires.ts";
import { serving, sleep, until } from "../support/serving.ts";
import { SlowProxy } from "../support/slow_proxy.ts";
import { connect } from "../support/sluice.ts";

/** How many users there are at once, and how often each reloads. */
const [USERS, RELOADS] = LONG ? [20, 50] as const : [10, 12] as const;

/** How much later the broker gets and answers everything, in milliseconds. */
const DELAY = 3;

for (const name of ["redis", "nats"] as const) {
  test(
    `${name}: a member that leaves and joins at once gets each message once, through a slow broker`,
    requires(`${name}-server`),
    async () => {
      const server = await BrokerServer.start(name);
      const proxy = await SlowProxy.start(server.port, DELAY);
      const near = await connectBroker(`${name}://127.0.0.1:${proxy.port}`);
      const far = await connectBroker(server.url);
      const reported: [unknown, GroupsErrorContext][] = [];
      const onError = (error: unknown, context: GroupsErrorContext) => void reported.push([error, context]);
      const here = new Groups({ broker: near.broker, onError });
      const there = new Groups({ broker: far.broker, onError });
      try {
        await serving({}, async (socket, { url }) => {
          const user = url.searchParams.get("user")!;
          await here.join(`room of ${user}`, socket, { as: user });
          await socket.send("joined");
          await socket.closed;
        }, async ({ url }) => {
          const users = Array.from({ length: USERS }, (_, i) => `user ${i}`);
          const results = await Promise.all(users.map((user) => reload(url, user, there)));
          for (const result of results) assertEquals(result, { lost: 0, doubled: 0 });
        });
        assertEquals([here.counts.lost, there.counts.lost, reported], [0, 0, []]);
      } finally {
        await here.close();
        await there.close();
        await near.end();
        await far.end();
        await proxy.stop();
        await server.stop();
      }
    },
  );
}

/** Reloads again and again; each time someone in another process writes to the user and to the room. */
async function reload(url: string, user: string, there: Groups) {
  const result = { lost: 0, doubled: 0 };
  let before: WebSocketConnection | undefined;
  for (let i = 0; i < RELOADS; i++) {
    void before?.close();
    const socket = await connect(`${url}?user=${encodeURIComponent(user)}`);
    before = socket;
    const received: unknown[] = [];
    void (async () => {
      for await (const message of socket) received.push(message);
    })();
    await until(() => received.length > 0);
    await there.publish(`room of ${user}`, `to the room ${i}`);
    await there.sendTo(user, `to the user ${i}`);
    // What is lost is not waited for at length: it would never come.
    for (let wait = 0; wait < 200 && received.length < 3; wait++) await sleep(10);
    await sleep(2 * DELAY);
    for (const wanted of ["joined", `to the room ${i}`, `to the user ${i}`]) {
      const times = received.filter((message) => message === wanted).length;
      if (times === 0) result.lost++;
      if (times > 1) result.doubled++;
    }
  }
  await before?.close();
  return result;
}
