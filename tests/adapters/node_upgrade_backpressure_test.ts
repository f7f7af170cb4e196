import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { upgrade, type WebSocketConnection } from "../../lib/adapters/node.ts";
import { connect } from "../support/sluice.ts";
import { within } from "../interop/within.ts";

const CHUNK = new Uint8Array(65_536);
/** More than what two kernels and the high-water marks hold. */
const MANY = 1_024;

/** Connects a client with what an `http.Server` has upgraded, and runs a test with both. */
async function connected(
  test: (client: WebSocketConnection, server: WebSocketConnection) => Promise<void>,
): Promise<void> {
  const http = createServer();
  const { promise, resolve } = Promise.withResolvers<WebSocketConnection>();
  http.on("upgrade", async (request, socket, head) => resolve(await upgrade(request, socket, head)));
  await once(http.listen(0, "127.0.0.1"), "listening");
  const client = await connect(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/`);
  const server = await promise;
  try {
    await test(client, server);
  } finally {
    client.abort();
    server.abort();
    http.close();
  }
}

/** Sends until a promise stays unsettled; returns how many messages that took, and that promise. */
async function sendUntilHeld(
  connection: WebSocketConnection,
): Promise<{ sent: number; last: Promise<void> }> {
  for (let sent = 1; sent <= MANY; sent++) {
    const last = connection.send(CHUNK);
    let timer;
    const late = new Promise<"held">((resolve) => timer = setTimeout(resolve, 500, "held"));
    const outcome = await Promise.race([last, late]);
    clearTimeout(timer);
    if (outcome === "held") return { sent, last };
  }
  throw new Error(`Nothing held back ${MANY} messages of ${CHUNK.length} bytes`);
}

/** Reads some messages, and leaves the rest. */
async function read(connection: WebSocketConnection, count: number): Promise<void> {
  let left = count;
  for await (const message of connection) {
    assertEquals(message.length, CHUNK.length);
    if (--left === 0) return;
  }
}

test("what an http.Server has upgraded waits in send() while the client does not read", () =>
  connected(async (client, server) => {
    const { sent, last } = await sendUntilHeld(server);
    assert(server.bufferedAmount > 0);
    await within("All messages", read(client, sent));
    await within("The end of the wait", last);
  }));

test("what an http.Server has upgraded holds the client back while nobody reads", () =>
  connected(async (client, server) => {
    const { sent, last } = await sendUntilHeld(client);
    await within("All messages", read(server, sent));
    await within("The end of the wait", last);
  }));

test("what an http.Server has upgraded tells when the client vanishes", () =>
  connected(async (client, server) => {
    client.abort();
    const outcome = await within("The end", server.closed.catch((error: { code: string }) => error.code));
    assertEquals(outcome, "connection-lost");
  }));
