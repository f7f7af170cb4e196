/**
 * Peers that read late: what the kernel was given for them arrives, also if the connection has been cut by then.
 *
 * @module
 */

import { assert, assertEquals } from "#std/assert";
import { testOverTcpAndTls } from "../support/links.ts";
import { answer, scripted } from "../support/scripted_server.ts";
import { echo, serving, settlesInTime, sleep, trusted, until } from "../support/serving.ts";
import { connect } from "../support/sluice.ts";
import { Wire } from "../support/wire.ts";
import type { WebSocketConnection } from "../../mod.ts";

const SIZE = 1_048_576;
/** A message of that size, and a Close without a reason. */
const FROM_SERVER = 10 + SIZE + 4;
const FROM_CLIENT = 14 + SIZE + 8;
const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Accept: {accept}\r\n\r\n";
/** Far longer than any test waits. */
const NEVER = 600_000;

/** Sends a message, and waits until the kernel has all of it. */
async function sendWhole(socket: WebSocketConnection): Promise<void> {
  await socket.send(new Uint8Array(SIZE));
  await until(() => socket.bufferedAmount === 0);
}

/** Reads what is left, and checks that it is whole and ends well. */
async function readLate(wire: Wire, size: number): Promise<void> {
  // Not until the other side has let go of the socket.
  await sleep(100);
  wire.resume();
  assertEquals(await wire.ended, "end");
  assertEquals((await wire.rest()).length, size);
  wire.destroy();
}

testOverTcpAndTls("a peer that reads after closeTimeout gets what was sent to it", async () => {
  const code = Promise.withResolvers<string>();
  const handler = async (socket: WebSocketConnection) => {
    socket.closed.catch((error) => code.resolve(error.code));
    await sendWhole(socket);
  };
  await serving({ closeTimeout: 200 }, handler, async ({ port, server }) => {
    const wire = await Wire.upgrade(port);
    wire.pause();
    assertEquals(await code.promise, "close-timeout");
    await readLate(wire, FROM_SERVER);
    assert(await settlesInTime(server.close({ timeout: NEVER }), 5_000), "the server holds the socket");
  });
});

testOverTcpAndTls("a peer that reads after server.close({ timeout }) gets what was sent to it", async () => {
  let sent = false;
  const handler = async (socket: WebSocketConnection) => {
    await sendWhole(socket);
    sent = true;
    await socket.closed.catch(() => {});
  };
  await serving({ closeTimeout: NEVER }, handler, async ({ port, server }) => {
    const wire = await Wire.upgrade(port);
    wire.pause();
    await until(() => sent);
    assert(await settlesInTime(server.close({ timeout: 200 }), 5_000), "it waits for the peer");
    await readLate(wire, FROM_SERVER);
  });
});

testOverTcpAndTls("a client that reads a page after closeTimeout gets all of it", async () => {
  const page = new Uint8Array(SIZE);
  const fetch = () => new Response(page, { headers: { "Content-Length": String(SIZE) } });
  await serving({ closeTimeout: 200, fetch }, echo, async ({ port, server }) => {
    const wire = await Wire.open(port);
    wire.pause();
    wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await sleep(600);
    assert(await settlesInTime(server.close({ timeout: NEVER }), 5_000), "the server waits for the client");
    wire.resume();
    await wire.head();
    await readLate(wire, SIZE);
  });
});

testOverTcpAndTls(
  "a server that reads after the client's closeTimeout gets what was sent to it",
  async () => {
    const late = Promise.withResolvers<Wire>();
    await scripted(async (wire) => {
      await answer(SWITCHING)(wire);
      wire.pause();
      late.resolve(wire);
    }, async (url) => {
      const socket = await connect(url, { ...trusted(), closeTimeout: 200 });
      const wire = await late.promise;
      await sendWhole(socket);
      socket.close();
      assertEquals(await socket.closed.catch((error) => error.code), "close-timeout");
      await readLate(wire, FROM_CLIENT);
    });
  },
);

testOverTcpAndTls(
  "a peer that stops in the middle of a download and reads on after the cut sees a clean end",
  async () => {
    const handler = async (socket: WebSocketConnection) => {
      for (;;) await socket.send(new Uint8Array(262_144));
    };
    await serving({ closeTimeout: NEVER }, handler, async ({ port, server }) => {
      const wire = await Wire.upgrade(port);
      await wire.take(2 * SIZE);
      wire.pause();
      const [socket] = server.connections;
      // The kernel takes no more.
      for (let before = -1; before !== socket!.bufferedAmount; await sleep(100)) {
        before = socket!.bufferedAmount;
      }
      assert(await settlesInTime(server.close({ timeout: 200 }), 5_000), "it waits for the peer");
      await sleep(100);
      wire.resume();
      assertEquals(await wire.ended, "end");
      wire.destroy();
    });
  },
);
