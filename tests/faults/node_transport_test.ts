/**
 * What a transport of Node says of writes that came to nothing, or not far.
 *
 * @module
 */

import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { NodeTransport } from "../../lib/adapters/node_transport.ts";
import { securedClient, securedServer, testOverTcpAndTls } from "../support/links.ts";
import { sleep, until } from "../support/serving.ts";

/** Runs something with the two ends of a connection. */
async function withPair(run: (ours: Socket, theirs: Socket) => Promise<void>): Promise<void> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const theirs = connect({ port: (server.address() as { port: number }).port, host: "127.0.0.1" });
  const [[ours]] = await Promise.all([once(server, "connection"), once(theirs, "connect")]) as [
    [Socket],
    unknown,
  ];
  theirs.on("error", () => {});
  const [mine, peers] = [securedServer(ours), await securedClient(theirs)];
  try {
    await run(mine, peers.on("error", () => {}));
  } finally {
    ours.destroy();
    theirs.destroy();
    server.close();
  }
}

function closed(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.on("close", resolve));
}

/** Notes what a transport tells. */
function listen(transport: NodeTransport): string[] {
  const told: string[] = [];
  const note = (what: string) => () => void told.push(what);
  transport.sink = {
    data: note("data"),
    drain: note("drain"),
    flush: note("flush"),
    goOn: note("goOn"),
    end: note("end"),
    progress: note("progress"),
    gone: note("gone"),
  };
  return told;
}

const BYTES = new Uint8Array(65_536);

test("a write to a peer that has reset is not done, nor is the next, and the end follows", () =>
  withPair(async (ours, theirs) => {
    const transport = new NodeTransport(ours, { fresh: false });
    const told = listen(transport);
    theirs.resetAndDestroy();
    // In the same turn: Node has yet to hear of it.
    assertEquals([transport.write(BYTES), transport.write(BYTES)], [false, false]);
    await closed(ours);
    assertEquals(told, ["gone"]);
  }));

test("a write to what we have destroyed is not done, and the end follows", () =>
  withPair(async (ours) => {
    const transport = new NodeTransport(ours, { fresh: false });
    const told = listen(transport);
    transport.destroy();
    assertEquals(transport.write(BYTES), false);
    await closed(ours);
    assertEquals(told, ["gone"]);
  }));

test("a write under way when we destroy is never done", () =>
  withPair(async (ours, theirs) => {
    theirs.pause();
    const transport = new NodeTransport(ours, { fresh: false });
    const told = listen(transport);
    for (let done = true; done;) done = transport.write(BYTES);
    transport.destroy();
    await closed(ours);
    assertEquals(told, ["gone"]);
  }));

testOverTcpAndTls(
  "whether a peer reads on is seen in the middle of a write",
  () =>
    withPair(async (ours, theirs) => {
      theirs.pause();
      const transport = new NodeTransport(ours, { fresh: false });
      const told = listen(transport);
      const looked = () => {
        transport.lookForProgress();
        return told.splice(0);
      };
      transport.write(new Uint8Array(32 * 1_048_576));
      await sleep(300);
      looked();
      await sleep(50);
      assertEquals(looked(), [], "nobody reads");
      let size = 0;
      theirs.on("data", (bytes: Uint8Array) => {
        size += bytes.length;
        if (size > 16 * 1_048_576) theirs.pause();
      });
      theirs.resume();
      await until(() => size > 16 * 1_048_576);
      await until(() => looked().length > 0);
    }),
);
