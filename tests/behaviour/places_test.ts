/**
 * Who gets no place: the server is full, or about to close.
 *
 * @module
 */

import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { testOverTcpAndTls } from "../support/links.ts";
import { echo, serving, sleep } from "../support/serving.ts";
import { UPGRADE, Wire } from "../support/wire.ts";

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
