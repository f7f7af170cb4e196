import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "#std/assert";
import { Opcode } from "../../lib/protocol/frame.ts";
import type { WebSocketError } from "../../mod.ts";
import { testOverTcpAndTls } from "../support/links.ts";
import { echo, receive, serving, settles, settlesInTime, sleep } from "../support/serving.ts";
import { serve } from "../support/sluice.ts";
import { clientFrame, Wire } from "../support/wire.ts";
import { assertTook, pace } from "../support/patience.ts";

const PACE = pace();
const keepalive = { interval: 100 * PACE, timeout: 100 * PACE };

testOverTcpAndTls(
  "a peer that gives no sign of life is cut within interval and timeout, and onError hears of it",
  async () => {
    const stages: string[] = [];
    const closed = Promise.withResolvers<[string, number]>();
    await serving({ keepalive, onError: (_, { stage }) => stages.push(stage) }, (socket) => {
      const start = performance.now();
      return socket.closed.catch((error: WebSocketError) =>
        closed.resolve([error.code, performance.now() - start])
      );
    }, async ({ port }) => {
      const wire = await Wire.upgrade(port);
      const [code, time] = await closed.promise;
      assertEquals(code, "keepalive-timeout");
      assertTook(time, { least: 150 * PACE, most: 1_200 * PACE });
      await wire.ended;
      assertEquals(stages, ["keepalive"]);
      wire.destroy();
    });
  },
);

testOverTcpAndTls(
  "a peer that answers, also late, is kept, and its round trip is known",
  () =>
    serving({ keepalive }, (socket) => socket.closed, async ({ server, port }) => {
      const wire = await Wire.upgrade(port);
      for (let i = 0; i < 5; i++) {
        const { opcode, payload } = await wire.frame();
        assertEquals(opcode, Opcode.Ping);
        await sleep(80 * PACE);
        wire.send(clientFrame(Opcode.Pong, payload));
      }
      await sleep(10);
      const [socket] = server.connections;
      assert(socket !== undefined, "it was cut");
      assertTook(socket.roundTrip!, { least: 75 * PACE, most: 1_000 * PACE });
      wire.destroy();
    }),
);

testOverTcpAndTls("a reader that is paused does not make its peer look dead", async () => {
  const gate = Promise.withResolvers<void>();
  await serving({ keepalive, highWaterMark: 1_000 }, async (socket) => {
    await gate.promise;
    await echo(socket);
  }, async ({ open }) => {
    const socket = await open();
    for (let i = 0; i < 20; i++) await socket.send("x".repeat(1_000));
    assertEquals(await settles(socket.closed, 700 * PACE), false);
    gate.resolve();
    for (let i = 0; i < 20; i++) assertEquals((await receive(socket)).length, 1_000);
  });
});

testOverTcpAndTls(
  "a peer that vanishes while our reader is paused is noticed by the next keepalive",
  async () => {
    const closed = Promise.withResolvers<string>();
    await serving(
      { keepalive, highWaterMark: 1_000 },
      (socket) => socket.closed.catch((error: WebSocketError) => closed.resolve(error.code)),
      async ({ open }) => {
        const socket = await open();
        for (let i = 0; i < 20; i++) await socket.send("x".repeat(1_000));
        await sleep(50);
        socket.abort();
        assert(await settlesInTime(closed.promise, 1_500 * PACE), "nobody noticed");
      },
    );
  },
);

testOverTcpAndTls(
  "keepalive false sends no Ping; without an answer from us a client's own keepalive ends the connection",
  async () => {
    await serving({ keepalive: false }, echo, async ({ port }) => {
      const wire = await Wire.upgrade(port);
      assertEquals(await settles(wire.frame(), 300), false);
      wire.destroy();
    });
  },
);

test("wrong keepalive options are refused at once", async () => {
  await assertRejects(() => serve({ keepalive: true as unknown as false }, echo), TypeError, "keepalive");
  await assertRejects(() => serve({ keepalive: { interval: -1 } }, echo), RangeError, "interval");
  await assertRejects(() => serve({ keepalive: { timeout: 2 ** 31 } }, echo), RangeError, "timeout");
});
