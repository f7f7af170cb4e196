/**
 * Who gets no place: the server is full, or about to close.
 *
 * @module
 */

import { test } from "node:test";
import { assertEquals } from "#std/assert";
import type { UpgradeRequest, WebSocketConnection } from "../../mod.ts";
import { testOverTcpAndTls } from "../support/links.ts";
import { echo, type Serving, serving, sleep } from "../support/serving.ts";
import { clientClose, UPGRADE, Wire } from "../support/wire.ts";

/** Asks for an upgrade; returns the status. */
async function ask(port: number): Promise<string> {
  const wire = await Wire.open(port);
  wire.send(UPGRADE);
  const head = await wire.head();
  wire.destroy();
  return head.split(" ")[1]!;
}

test("an upgrade that is still decided on has its place", async () => {
  const gate = Promise.withResolvers<undefined>();
  await serving({ maxConnections: 1, authorize: () => gate.promise }, echo, async ({ port }) => {
    const first = ask(port);
    await sleep(50);
    assertEquals(await ask(port), "503");
    gate.resolve(undefined);
    assertEquals(await first, "101");
  });
});

testOverTcpAndTls("a server that waits for its handlers lets nobody in", async () => {
  const gate = Promise.withResolvers<void>();
  await serving({}, () => gate.promise, async ({ port, server, open }) => {
    await open();
    const closed = server.close({ timeout: 10_000 });
    assertEquals(await ask(port), "503");
    gate.resolve();
    await closed;
  });
});

const PAGE = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** What a client does before it stays, with nothing left to do for it. */
const stays: Readonly<Record<string, (port: number) => Promise<Wire>>> = {
  "that has closed its WebSocket": async (port) => {
    const wire = await Wire.upgrade(port);
    wire.send(clientClose(1000));
    assertEquals(await wire.closeCode(), 1000);
    return wire;
  },
  "whose WebSocket the server has closed": async (port) => {
    const wire = await Wire.upgrade(port, "/over");
    assertEquals(await wire.closeCode(), 1000);
    return wire;
  },
  "that has its page": async (port) => {
    const wire = await Wire.open(port);
    wire.send(PAGE);
    await wire.rest();
    return wire;
  },
  "that authorize has refused": async (port) => {
    const wire = await Wire.open(port);
    wire.send(UPGRADE.replace("/", "/refused"));
    await wire.rest();
    return wire;
  },
};

/** A server with so many places, on which the clients above find what they ask for. */
function servingStays(
  limits: { maxConnections: number; closeTimeout: number },
  run: (serving: Serving) => Promise<void>,
): Promise<void> {
  const fetch = () => new Response("page");
  const authorize = ({ url }: UpgradeRequest) => url.pathname !== "/refused" && undefined;
  const handler = async (socket: WebSocketConnection, { url }: UpgradeRequest) => {
    if (url.pathname !== "/over") await echo(socket);
  };
  return serving({ ...limits, fetch, authorize }, handler, run);
}

for (const [who, stay] of Object.entries(stays)) {
  testOverTcpAndTls(
    `a client ${who} and stays has its place until it leaves`,
    () =>
      servingStays({ maxConnections: 2, closeTimeout: 600_000 }, async ({ port }) => {
        const first = await stay(port);
        const second = await stay(port);
        assertEquals(await ask(port), "503");
        first.destroy();
        while (await ask(port) !== "101") await sleep(5);
        second.destroy();
      }),
  );

  test(`a client ${who} and stays has its place no longer than closeTimeout`, () =>
    servingStays({ maxConnections: 1, closeTimeout: 300 }, async ({ port }) => {
      const wire = await stay(port);
      while (await ask(port) !== "101") await sleep(20);
      wire.destroy();
    }));
}
