import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects } from "#std/assert";
import { testOverTcpAndTls } from "../support/links.ts";
import { echo, receiveAll, serving, settles, settlesInTime, sleep } from "../support/serving.ts";
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

/** Far longer than it takes, so that nothing is left to the timeout. */
const AMPLE = { timeout: 60_000 };
const LATE = 20_000;

test("a handler that awaits server.close() goes on once its client is gone, and not at the timeout", async () => {
  const done = Promise.withResolvers<string>();
  const server = await serve({ hostname: "127.0.0.1" }, async (socket) => {
    for await (const message of socket) {
      await socket.send(`last words after ${message}`);
      await server.close(AMPLE);
      done.resolve((await socket.closed).reason);
    }
  });
  const socket = await connect(`ws://127.0.0.1:${portOf(server)}/`);
  await socket.send("quit");
  assertEquals(await receiveAll(socket), ["last words after quit"]);
  assertEquals((await socket.closed).closeCode, 1001);
  assert(await settlesInTime(done.promise, LATE), "the handler waits for itself");
  assert(await settlesInTime(server.close(), LATE), "the server waits for the handler");
});

test("two handlers that both await server.close() do not wait for each other, but for a third, as the caller outside does", async () => {
  const gate = Promise.withResolvers<void>();
  const order: string[] = [];
  const server = await serve({ hostname: "127.0.0.1" }, async (socket, { url }) => {
    for await (const _ of socket) break;
    if (url.pathname === "/slow") {
      await socket.closed;
      await gate.promise;
      order.push("slow");
      return;
    }
    await server.close(AMPLE);
    order.push("closer");
    await sleep(50);
    order.push("closer is over");
  });
  const sockets = await Promise.all(
    ["a", "b", "slow"].map((path) => connect(`ws://127.0.0.1:${portOf(server)}/${path}`)),
  );
  for (const socket of sockets) socket.send("go").catch(() => {});
  for (const socket of sockets) assertEquals((await socket.closed).closeCode, 1001);
  const closed = server.close().then(() => order.push("outside"));
  await sleep(50);
  assertEquals(order, []);
  gate.resolve();
  assert(await settlesInTime(closed, LATE), "they wait for each other");
  assertEquals(order, ["slow", "closer", "closer", "closer is over", "closer is over", "outside"]);
});

for (const steps of [0, 3]) {
  const when = steps === 0 ? "at once" : "after other awaits";
  const pause = async () => {
    for (let i = 0; i < steps; i++) await sleep(1);
  };

  testOverTcpAndTls(
    `fetch awaits server.close() ${when}: its answer goes out whole, and the server closes`,
    async () => {
      const page = "x".repeat(30_000);
      let closing: (() => Promise<void>) | undefined;
      await serving(
        {
          fetch: async () => {
            await pause();
            await closing!();
            return new Response(page);
          },
        },
        echo,
        async ({ server, port, open }) => {
          closing = () => server.close(AMPLE);
          const other = await open();
          const wire = await Wire.open(port);
          wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
          const answer = new TextDecoder().decode(await wire.rest());
          assertMatch(answer, /^HTTP\/1\.1 200 /);
          assertEquals(answer.split("\r\n\r\n")[1]?.length, page.length);
          assertEquals((await other.closed).closeCode, 1001);
          wire.destroy();
          assert(await settlesInTime(server.close(), LATE), "the server waits");
        },
      );
    },
  );

  test(`fetch awaits server.close() ${when}, then throws: the client gets 500`, async () => {
    let closing: (() => Promise<void>) | undefined;
    await serving(
      {
        onError: () => {},
        fetch: async () => {
          await pause();
          await closing!();
          throw new Error("on purpose");
        },
      },
      echo,
      async ({ server, port }) => {
        closing = () => server.close(AMPLE);
        const wire = await Wire.open(port);
        wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assertEquals((await wire.head()).split(" ")[1], "500");
        wire.destroy();
        assert(await settlesInTime(server.close(), LATE), "the server waits");
      },
    );
  });

  for (
    const [what, answer, status] of [
      ["refuses", () => new Response("Bye", { status: 418 }), "418"],
      ["accepts", () => undefined, "503"],
    ] as [string, () => undefined | Response, string][]
  ) {
    test(`authorize awaits server.close() ${when}, then ${what}: the client gets ${status}`, async () => {
      let closing: (() => Promise<void>) | undefined;
      await serving(
        {
          authorize: async () => {
            await pause();
            await closing!();
            return answer();
          },
        },
        echo,
        async ({ server, port }) => {
          closing = () => server.close(AMPLE);
          const wire = await Wire.open(port);
          wire.send(UPGRADE);
          assertEquals((await wire.head()).split(" ")[1], status);
          wire.destroy();
          assert(await settlesInTime(server.close(), LATE), "the server waits");
        },
      );
    });
  }
}

test("a handler that awaits server.close() waits no longer than the timeout for others", async () => {
  const server = await serve({ hostname: "127.0.0.1" }, async (_, { url }) => {
    await (url.pathname === "/stuck" ? new Promise(() => {}) : server.close({ timeout: 300 }));
  });
  const stuck = await connect(`ws://127.0.0.1:${portOf(server)}/stuck`);
  const socket = await connect(`ws://127.0.0.1:${portOf(server)}/`);
  assertEquals((await socket.closed).closeCode, 1001);
  assertEquals((await stuck.closed).closeCode, 1001);
  assert(await settlesInTime(server.close(), LATE), "it waits for ever");
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
