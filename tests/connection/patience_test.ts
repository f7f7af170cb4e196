import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import type { WebSocketError } from "../../mod.ts";
import { Opcode } from "../../lib/protocol/frame.ts";
import { clientFrame } from "../support/wire.ts";
import { settles } from "../support/serving.ts";
import { NotingTransport, serverOver } from "./noting_transport.ts";

/** How many timeouts a peer has that may be busy reading. */
const PATIENCE = 12;
const MIB = 1_048_576;

/** A peer that answers no Ping; `looked` is called each time when a timeout is over, and told how often it was. */
async function untilGivenUp(
  looked: (times: number, transport: NotingTransport) => void,
  send: (transport: NotingTransport, connection: ReturnType<typeof serverOver>) => void,
): Promise<number> {
  let times = 0;
  const transport = new NotingTransport();
  transport.defer = () => queueMicrotask(() => transport.sink.flush());
  transport.lookForProgress = () => looked(++times, transport);
  const connection = serverOver(transport, { keepalive: { interval: 10, timeout: 10 } });
  send(transport, connection);
  // Timers of the keepalive alone would not keep Deno waiting.
  const waiting = setInterval(nothing, 1_000);
  const code = await connection.closed.then(() => "closed", ({ code }: WebSocketError) => code);
  clearInterval(waiting);
  assertEquals(code, "keepalive-timeout");
  return times;
}

const nothing = () => {};

test("a peer that has nothing to read has one timeout to answer a Ping", async () => {
  assertEquals(await untilGivenUp(nothing, nothing), 1);
});

test("a peer that something waits for to be sent has twelve", async () => {
  const times = await untilGivenUp(nothing, (transport, connection) => {
    transport.busy = true;
    connection.send("it waits").catch(nothing);
  });
  assertEquals(times, PATIENCE);
});

test("a peer has twelve, too, to read what was waiting and is with the kernel now", async () => {
  const times = await untilGivenUp(nothing, (transport, connection) => {
    transport.busy = true;
    connection.send(new Uint8Array(MIB));
    transport.busy = false;
    transport.sink.drain();
    assertEquals(connection.bufferedAmount, 0);
  });
  assertEquals(times, PATIENCE);
});

test("a peer that was heard of since has read that, and has one", async () => {
  const times = await untilGivenUp(nothing, (transport, connection) => {
    transport.busy = true;
    connection.send(new Uint8Array(MIB));
    transport.busy = false;
    transport.sink.drain();
    transport.sink.data(clientFrame(Opcode.Pong));
  });
  assertEquals(times, 1);
});

test("a peer that reads inside of a write is alive", async () => {
  const times = await untilGivenUp(
    (times, { sink }) => times <= 30 && sink.progress!(),
    (transport, connection) => {
      transport.busy = true;
      connection.send("it waits").catch(nothing);
    },
  );
  assertEquals(times, 30 + PATIENCE);
});

test("a peer that reads one write after the other is alive", async () => {
  const times = await untilGivenUp(
    (times, { sink }) => times <= 30 && sink.drain(),
    (transport, connection) => {
      transport.busy = true;
      connection.send(new Uint8Array(16 * MIB)).catch(nothing);
    },
  );
  assert(times > 30, `${times} timeouts`);
});

test("while we do not read ourselves, Pings go out in half the timeout, so that the peer hears of us", async () => {
  let pings = 0;
  const ping = Promise.withResolvers<void>();
  const transport = new NotingTransport();
  transport.write = (bytes) => {
    if (bytes[0] === 0x89 && ++pings === 3) ping.resolve();
    return true;
  };
  transport.defer = () => queueMicrotask(() => transport.sink.flush());
  const keepalive = { interval: 1_000, timeout: 20 };
  const connection = serverOver(transport, { keepalive, highWaterMark: 1 });
  connection.closed.catch(nothing);
  transport.sink.data(clientFrame(Opcode.Text, "nobody reads it"));
  const inTime = await settles(ping.promise, 1_700);
  connection.abort();
  assertEquals({ inTime, last: transport.told.at(-1) }, { inTime: true, last: "pause" });
});
