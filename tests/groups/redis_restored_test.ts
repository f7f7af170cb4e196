import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { createClient } from "@redis/client";
import { Groups, type GroupsStatus } from "../../lib/groups/mod.ts";
import { redisBroker } from "../../lib/groups/brokers/redis.ts";
import { BrokerServer } from "../support/brokers.ts";
import { requires } from "../support/requires.ts";
import { sleep, until } from "../support/serving.ts";
import { Member } from "./member.ts";

test(
  "redis: restored is told when both connections are back, so what is published then arrives",
  requires("redis-server"),
  async () => {
    const server = await BrokerServer.start("redis");
    // The client takes its time to connect again; the connection for subscriptions does not.
    const client = createClient({ url: server.url, socket: { reconnectStrategy: () => 1_500 } });
    client.on("error", () => {});
    await client.connect();
    const duplicate = client.duplicate.bind(client);
    Object.assign(client, {
      duplicate: ({ socket }: { socket: object }) =>
        duplicate({ socket: { ...socket, reconnectStrategy: () => 10 } as never }),
    });
    const before = client.listenerCount("ready");
    const states: GroupsStatus["state"][] = [];
    const groups = new Groups({
      broker: redisBroker(client),
      history: {},
      onStatus: ({ state }) => {
        states.push(state);
        if (state === "restored") groups.publish("room", "now");
      },
    });
    try {
      const member = new Member();
      await groups.join("room", member);
      await server.kill();
      await until(() => states.includes("interrupted"));
      await server.resume();
      await until(() => states.includes("restored"));
      assert(client.isReady);
      await until(() => member.received.length > 0 || groups.counts.lost > 0);
      assertEquals([member.received, groups.counts.lost], [["now"], 0]);
      await sleep(50);
      assertEquals(states, ["connected", "interrupted", "restored"]);
    } finally {
      await groups.close();
      // The client is the user's, and as it was.
      assertEquals(client.listenerCount("ready"), before);
      client.destroy();
      await server.stop();
    }
  },
);
