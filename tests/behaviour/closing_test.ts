import { test } from "node:test";
import { assertEquals, assertRejects } from "#std/assert";
import { WebSocketError } from "../../mod.ts";
import { Opcode } from "../../lib/protocol/frame.ts";
import { testOverTcpAndTls } from "../support/links.ts";
import { echo, receive, receiveAll, serving, settlesInTime, sleep, until } from "../support/serving.ts";
import { clientClose, clientFrame, Wire } from "../support/wire.ts";
import { assertTook } from "../support/patience.ts";

test("closed resolves on both sides with code and reason", async () => {
  const closed = Promise.withResolvers<unknown>();
  await serving({}, (socket) => socket.closed.then(closed.resolve), async ({ open }) => {
    const socket = await open();
    socket.close({ closeCode: 3000, reason: "früh" });
    assertEquals(await socket.closed, { closeCode: 3000, reason: "früh" });
    assertEquals(await closed.promise, { closeCode: 3000, reason: "früh" });
  });
});

test("a Close without a code is 1005, and is answered without one", async () => {
  const closed = Promise.withResolvers<unknown>();
  await serving({}, (socket) => socket.closed.then(closed.resolve), async ({ port }) => {
    const wire = await Wire.upgrade(port);
    wire.send(clientFrame(Opcode.Close));
    assertEquals(await wire.closeCode(), undefined);
    assertEquals(await wire.ended, "end");
    assertEquals(await closed.promise, { closeCode: 1005, reason: "" });
    wire.destroy();
  });
});

test("a reason is cut at 123 bytes, between two code points", () =>
  serving({}, echo, async ({ open }) => {
    const socket = await open();
    socket.close({ closeCode: 4000, reason: "ü".repeat(100) });
    assertEquals(await socket.closed, { closeCode: 4000, reason: "ü".repeat(61) });
  }));

test("a handler that resolves closes with 1000, also one that returns no promise", () =>
  serving({}, (() => {}) as () => Promise<void>, async ({ open }) => {
    assertEquals(await (await open()).closed, { closeCode: 1000, reason: "" });
  }));

test("a handler that rejects closes its own connection with 1011, and onError hears of it", async () => {
  const errors: unknown[] = [];
  const onError = (error: unknown, { stage }: { stage: string }) =>
    errors.push([(error as Error).message, stage]);
  await serving({ onError }, async (socket) => {
    for await (const message of socket) {
      if (message === "fail") throw new Error("on purpose");
      await socket.send(message);
    }
  }, async ({ open }) => {
    const [one, two] = [await open(), await open()];
    one.send("fail");
    assertEquals((await one.closed).closeCode, 1011);
    await two.send("still here");
    assertEquals(await receive(two), "still here");
    assertEquals(errors, [["on purpose", "handler"]]);
  });
});

test("a handler that throws is no different", async () => {
  const errors: unknown[] = [];
  await serving({ onError: (error) => errors.push(error) }, () => {
    throw new Error("on purpose");
  }, async ({ open }) => {
    assertEquals((await (await open()).closed).closeCode, 1011);
    assertEquals(errors.length, 1);
  });
});

test("a handler that fails because its peer vanished is not reported", async () => {
  const errors: unknown[] = [];
  const ended = Promise.withResolvers<void>();
  await serving({ onError: (error) => errors.push(error) }, ({ readable, writable }) => {
    const piped = readable.pipeTo(writable);
    piped.finally(ended.resolve).catch(() => {});
    return piped;
  }, async ({ open }) => {
    (await open()).abort();
    await ended.promise;
    await sleep(20);
    assertEquals(errors, []);
  });
});

test("abort cuts the stream: closed rejects with 1006 on both sides", async () => {
  const closed = Promise.withResolvers<WebSocketError>();
  await serving({}, (socket) => socket.closed.catch(closed.resolve), async ({ open }) => {
    const socket = await open();
    socket.abort(new Error("why"));
    const error = await assertRejects(() => socket.closed, WebSocketError);
    assertEquals([error.code, error.closeCode, (error.cause as Error).message], ["aborted", 1006, "why"]);
    const theirs = await closed.promise;
    assertEquals([theirs.code, theirs.closeCode], ["connection-lost", 1006]);
  });
});

test("messages received before the Close can be read after it; then the iterator ends", () =>
  serving({}, async (socket) => {
    for (const text of ["one", "two", "three"]) await socket.send(text);
  }, async ({ open }) => {
    const socket = await open();
    await socket.closed;
    assertEquals(await receiveAll(socket), ["one", "two", "three"]);
    assertEquals(await receiveAll(socket), []);
  }));

test("messages received before a failure can be read after it; then iterator and readable throw the error", async () => {
  const seen = Promise.withResolvers<unknown>();
  await serving({}, async (socket) => {
    const error = await socket.closed.catch((error) => error);
    const received: unknown[] = [];
    try {
      for await (const message of socket) received.push(message);
    } catch (thrown) {
      seen.resolve([received, thrown === error, error.code]);
    }
  }, async ({ port }) => {
    const wire = await Wire.upgrade(port);
    wire.send(clientFrame(Opcode.Text, "good"));
    wire.send(clientFrame(Opcode.Text, Uint8Array.of(0xff)));
    assertEquals(await wire.closeCode(), 1007);
    assertEquals(await seen.promise, [["good"], true, "invalid-utf8"]);
    wire.destroy();
  });
});

test("nothing is delivered and no ping answered after either Close", async () => {
  const received: unknown[] = [];
  await serving({}, async (socket) => {
    for await (const message of socket) received.push(message);
  }, async ({ port }) => {
    const wire = await Wire.upgrade(port);
    wire.send(clientClose(1000));
    wire.send(clientFrame(Opcode.Text, "late"));
    wire.send(clientFrame(Opcode.Ping, "late"));
    assertEquals(await wire.closeCode(), 1000);
    assertEquals(await wire.rest(), new Uint8Array(0));
    assertEquals(received, []);
    wire.destroy();
  });
});

test("send on a connection that is closing or closed rejects, and may be ignored", () =>
  serving({}, echo, async ({ open }) => {
    const socket = await open();
    socket.close();
    socket.send("ignored");
    const error = await assertRejects(() => socket.send("late"), WebSocketError);
    assertEquals(error.code, "not-open");
    await socket.closed;
    await assertRejects(() => socket.send("later"), WebSocketError);
    await assertRejects(() => socket.writable.getWriter().write("latest"), WebSocketError);
  }));

test("close may be called again, also on a closed connection", () =>
  serving({}, echo, async ({ open }) => {
    const socket = await open();
    socket.close({ closeCode: 4001 });
    socket.close({ closeCode: 4002 });
    assertEquals((await socket.closed).closeCode, 4001);
    socket.close({ closeCode: 4003 });
  }));

testOverTcpAndTls(
  "the server ends the stream first, after the Close frames",
  () =>
    serving({}, echo, async ({ port }) => {
      const wire = await Wire.upgrade(port);
      wire.send(clientClose(1001, "going"));
      assertEquals(await wire.frame(), {
        opcode: Opcode.Close,
        payload: Uint8Array.of(3, 233, ...[..."going"].map((c) => c.charCodeAt(0))),
      });
      assertEquals(await wire.ended, "end");
      wire.destroy();
    }),
);

testOverTcpAndTls(
  "a failed connection sends its Close although the peer keeps writing, and is not reset before that",
  () =>
    serving({}, echo, async ({ port }) => {
      const wire = await Wire.upgrade(port);
      wire.send(Uint8Array.of(0x81, 0x05, 1, 2, 3, 4, 5)); // not masked
      for (let i = 0; i < 50; i++) wire.send(new Uint8Array(10_000));
      assertEquals(await wire.closeCode(), 1002);
      assertEquals(await wire.ended, "end");
      wire.destroy();
    }),
);

testOverTcpAndTls("a peer that never answers the Close is cut after closeTimeout", async () => {
  const closed = Promise.withResolvers<[unknown, number]>();
  await serving({ closeTimeout: 200 }, async (socket) => {
    const start = performance.now();
    socket.close();
    const error = await socket.closed.catch((error) => error);
    closed.resolve([error.code, performance.now() - start]);
  }, async ({ port }) => {
    const wire = await Wire.upgrade(port);
    const [code, time] = await closed.promise;
    assertEquals(code, "close-timeout");
    assertTook(time, { least: 190, most: 700 });
    await wire.ended;
    wire.destroy();
  });
});

testOverTcpAndTls("a stream that ends without a Close is 1006", async () => {
  const closed = Promise.withResolvers<WebSocketError>();
  await serving({}, (socket) => socket.closed.catch(closed.resolve), async ({ port }) => {
    const wire = await Wire.upgrade(port);
    wire.socket.end();
    assertEquals((await closed.promise).code, "connection-lost");
    assertEquals(await wire.ended, "end");
    wire.destroy();
  });
});

test("cancelling readable, and closing writable, close with 1000; aborting writable cuts", () =>
  serving({}, (socket) => socket.closed, async ({ open }) => {
    const one = await open();
    await one.readable.cancel();
    assertEquals((await one.closed).closeCode, 1000);
    const two = await open();
    await two.writable.close();
    assertEquals((await two.closed).closeCode, 1000);
    const three = await open();
    await three.writable.abort(new Error("why"));
    assertEquals((await assertRejects(() => three.closed, WebSocketError)).code, "aborted");
  }));

test("disposing of a connection closes it, waits for the end, and never throws", () =>
  serving({}, (socket) => socket.closed, async ({ open }) => {
    const socket = await open();
    await socket[Symbol.asyncDispose]();
    assertEquals((await socket.closed).closeCode, 1000);
    const lost = await open();
    lost.abort();
    await lost[Symbol.asyncDispose]();
  }));

testOverTcpAndTls(
  "server.close sends 1001 to open connections, cuts idle sockets, and is idempotent",
  async () => {
    await serving({}, echo, async ({ server, open, port }) => {
      const socket = await open();
      const idle = await Wire.open(port);
      await until(() => server.connections.size === 1);
      const first = server.close({ reason: "restart" });
      const second = server.close();
      assertEquals(await socket.closed, { closeCode: 1001, reason: "restart" });
      await Promise.all([first, second]);
      assertEquals(server.connections.size, 0);
      await idle.ended;
      idle.destroy();
      await assertRejects(() => Wire.open(port));
    });
  },
);

testOverTcpAndTls("server.close cuts what does not end within its timeout", async () => {
  await serving({}, () => new Promise(() => {}), async ({ server, port }) => {
    const wire = await Wire.upgrade(port);
    const start = performance.now();
    await server.close({ timeout: 200 });
    const time = performance.now() - start;
    assertTook(time, { least: 190, most: 700 });
    assertEquals(await settlesInTime(wire.ended, 500), true);
    wire.destroy();
  });
});

testOverTcpAndTls(
  "the stream ends at once when the peer answers our Close, not after closeTimeout",
  () =>
    serving({}, (socket) => socket.closed, async ({ server, port }) => {
      const wire = await Wire.upgrade(port);
      await until(() => server.connections.size === 1);
      for (const connection of server.connections) connection.close({ closeCode: 4000 });
      assertEquals(await wire.closeCode(), 4000);
      wire.send(clientClose(4000));
      assertEquals(await settlesInTime(wire.ended, 1_000), true);
      wire.destroy();
    }),
);
