/**
 * Upgrades that a client sends behind requests that are not answered yet.
 *
 * @module
 */

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { attach, refuseUpgrade, upgrade } from "../../lib/adapters/node.ts";
import { HandshakeError } from "../../mod.ts";
import { echo, serving, sleep, until } from "../support/serving.ts";
import { runtime } from "../support/sluice.ts";
import { clientFrame, UPGRADE, Wire } from "../support/wire.ts";
import { latin1 } from "../vectors/splits.ts";

const REQUESTS = ["/1", "/2"].map((path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join("");

/** What takes the upgrades of a server. */
const takers: Readonly<Record<string, (server: Server) => void>> = {
  attach: (server) => void attach(server, {}, echo),
  upgrade: (server) =>
    server.on("upgrade", async (request, socket, head) => {
      await upgrade(request, socket, head).then(echo).catch(() => {});
    }),
  refuseUpgrade: (server) => server.on("upgrade", (_, socket) => refuseUpgrade(socket)),
};

/** Runs a test with a client that has sent two requests and an upgrade; the pages wait for `answer`. */
async function pipelining(
  take: (server: Server) => void,
  run: (wire: Wire, answer: () => void) => Promise<void>,
): Promise<void> {
  const gate = Promise.withResolvers<void>();
  let asked = 0;
  const server = createServer(async ({ url }, response) => {
    asked++;
    await gate.promise;
    // The second one is ready first.
    if (url === "/1") await sleep(20);
    response.end(`page ${url}`);
  });
  take(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const wire = await Wire.open((server.address() as AddressInfo).port);
  try {
    wire.send(REQUESTS + UPGRADE);
    await until(() => asked >= 2);
    await sleep(50);
    await run(wire, gate.resolve);
  } finally {
    gate.resolve();
    wire.destroy();
    server.close();
    server.closeAllConnections();
  }
}

/** Takes a page with its head off the front. */
async function pageOf(wire: Wire): Promise<string> {
  const length = /^content-length: (\d+)\r$/im.exec(await wire.head())?.[1];
  return new TextDecoder().decode(await wire.take(Number(length)));
}

for (const [name, take] of Object.entries(takers)) {
  test(`${name}: an upgrade behind requests that are not answered yet is answered after them`, () =>
    pipelining(take, async (wire, answer) => {
      answer();
      for (const path of ["/1", "/2"]) assertEquals(await pageOf(wire), `page ${path}`);
      // To Bun it is a plain request.
      if (runtime === "bun") return;
      const status = (await wire.head()).split(" ")[1];
      assertEquals(status, name === "refuseUpgrade" ? "403" : "101");
      if (status !== "101") return;
      wire.send(clientFrame(1, "nothing between"));
      assertEquals(await wire.frame(), { opcode: 1, payload: latin1("nothing between") });
    }));
}

test("upgrade: a client that leaves before the answers that are due has left", async () => {
  const ended = Promise.withResolvers<unknown>();
  const take = (server: Server) =>
    void server.on("upgrade", (request, socket, head) => {
      upgrade(request, socket, head).catch(ended.resolve);
    });
  await pipelining(take, async (wire) => {
    wire.reset();
    // To Bun it is a plain request.
    if (runtime === "bun") return;
    const error = await ended.promise;
    assert(error instanceof HandshakeError && error.code === "ended", `${error}`);
  });
});

test("serve: an upgrade behind a plain request is not answered: the stream ends after the page", async () => {
  const fetch = async () => {
    await sleep(50);
    return new Response("page");
  };
  await serving({ fetch }, echo, async ({ port }) => {
    const wire = await Wire.open(port);
    wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + UPGRADE);
    const answer = new TextDecoder().decode(await wire.rest());
    assert(answer.startsWith("HTTP/1.1 200 ") && answer.endsWith("\r\n\r\npage"), answer);
    wire.destroy();
  });
});
