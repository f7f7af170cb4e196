import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { type NodeConnection, NodeSubscriber } from "../../lib/groups/brokers/redis/node_subscriber.ts";
import { sleep, until } from "../support/serving.ts";

test("a subscriber of a cluster is ready again when what sends can reach every node that it needs", async () => {
  const lost: ((error: unknown) => void)[] = [];
  let canSend = true;
  let ready = 0;
  const connection = (): NodeConnection => ({
    connect: (onLost) => Promise.resolve(lost.push(onLost)),
    subscribe: () => Promise.resolve(),
    unsubscribe: () => Promise.resolve(),
    destroy: () => {},
  });
  const subscriber = new NodeSubscriber({
    nodeOf: () => "a node",
    connectionTo: connection,
    canSend: () => canSend,
  });
  try {
    await subscriber.open({ ready: () => ready++, lost: () => {}, refused: () => {} });
    await subscriber.subscribe("room", () => {});
    assertEquals([ready, lost.length], [1, 1]);
    canSend = false;
    lost[0]!(new Error("it broke"));
    // It has subscribed again, and waits for the client that sends.
    await until(() => lost.length === 2);
    await sleep(200);
    assertEquals(ready, 1);
    canSend = true;
    await until(() => ready === 2);
  } finally {
    subscriber.close();
  }
});
