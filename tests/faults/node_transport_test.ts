/**
 * What a transport of Node says of writes that came to nothing.
 *
 * @module
 */

import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { NodeTransport } from "../../lib/adapters/node_transport.ts";

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
  try {
    await run(ours, theirs);
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
    room: () => undefined,
    drain: note("drain"),
    flush: note("flush"),
    goOn: note("goOn"),
    end: note("end"),
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
