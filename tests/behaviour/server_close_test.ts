import { test } from "node:test";
import { assertEquals, assertRejects } from "#std/assert";
import { receiveAll, serving, settles, sleep } from "../support/serving.ts";
import { connect, serve } from "../support/sluice.ts";
import { portOf, UPGRADE, Wire } from "../support/wire.ts";

test("a handler that sends and closes the server first thing: the client gets the message and 1001", async () => {
  let closed: Promise<void> | undefined;
  const server = await serve({ hostname: "127.0.0.1" }, async (socket) => {
    await socket.send("last words");
    closed = server.close();
    // To wait for it here would be to wait for itself, up to the timeout.
    await socket.closed;
  });
  const socket = await connect(`ws://127.0.0.1:${portOf(server)}/`);
  assertEquals(await receiveAll(socket), ["last words"]);
  assertEquals((await socket.closed).closeCode, 1001);
  await closed;
});

test("a handler that waits for the server to close is cut after the timeout, its client having got everything", async () => {
  const server = await serve({ hostname: "127.0.0.1" }, async (socket) => {
    await socket.send("last words");
    await server.close({ timeout: 300 });
  });
  const socket = await connect(`ws://127.0.0.1:${portOf(server)}/`);
  assertEquals(await receiveAll(socket), ["last words"]);
  assertEquals((await socket.closed).closeCode, 1001);
  await server.close();
});

test("a handler that closes the server at once, nothing sent: the client gets 1001", async () => {
  const server = await serve({ hostname: "127.0.0.1" }, (socket) => {
    server.close();
    return socket.closed;
  });
  const socket = await connect(`ws://127.0.0.1:${portOf(server)}/`);
  assertEquals((await socket.closed).closeCode, 1001);
  await server.close();
});

test("no handler starts once the server has closed, whatever its upgrade was waiting for", async () => {
  for (const steps of [0, 1, 2, 3, 4, 5, 6, 8, 12]) {
    let closedBefore = false;
    let startedAfter = 0;
    let running = 0;
    const server = await serve({
      hostname: "127.0.0.1",
      closeTimeout: 50,
      authorize: () => {
        // Closes it at some point between this and the start of the handler.
        let close = Promise.resolve();
        for (let i = 0; i < steps; i++) close = close.then(() => {});
        close.then(() => server.close()).then(() => closedBefore = true);
      },
    }, async (socket) => {
      running++;
      if (closedBefore) startedAfter++;
      await socket.closed.catch(() => {});
      await sleep(20);
      running--;
    });
    const wire = await Wire.open(portOf(server));
    wire.send(UPGRADE);
    await wire.rest();
    wire.destroy();
    await server.close();
    assertEquals([startedAfter, running], [0, 0], `${steps} steps`);
  }
});

test("a server that closes while authorize decides cuts that client, and waits for nobody", () =>
  serving({ authorize: () => new Promise<undefined>(() => {}) }, () => Promise.resolve(), async (serving) => {
    const opening = serving.open();
    opening.catch(() => {});
    await sleep(50);
    assertEquals(await settles(serving.server.close(), 5_000), true);
    await assertRejects(() => opening);
  }));
