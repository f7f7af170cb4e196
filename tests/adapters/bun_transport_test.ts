import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { type BunSocket, BunTransport } from "../../lib/adapters/bun_transport.ts";
import type { TransportSink } from "../../lib/connection/transport.ts";

const SOCKET = { pause() {}, resume() {}, remoteAddress: undefined } as unknown as BunSocket;

/** A transport whose sink takes so many bytes at a time to its own place, then whatever comes as it is. */
function transportWith(sizes: number[], onData: (transport: BunTransport) => void = () => {}) {
  const transport = new BunTransport(SOCKET, { secure: false });
  const came: number[][] = [];
  const sink: Partial<TransportSink> = {
    readTarget: {
      nextBuffer() {
        const size = sizes.shift();
        return size === undefined ? undefined : new Uint8Array(size);
      },
    },
    data(bytes) {
      came.push([bytes[0]!, bytes.length]);
      onData(transport);
    },
  };
  transport.sink = sink as TransportSink;
  transport.resume();
  return { transport, came };
}

/** Bytes in memory of their own, as Bun gives them: each is the number of the thousand that it is in. */
function chunkOf(thousands: number): Uint8Array {
  return Uint8Array.from({ length: thousands * 1_000 }, (_, i) => Math.floor(i / 1_000));
}

test("what the sink has a place for is copied there, and the chunk is freed", () => {
  const { transport, came } = transportWith([1_000, 1_000, 5_000]);
  const chunk = chunkOf(4);
  transport.takeBytes(chunk);
  assertEquals(came, [[0, 1_000], [1, 1_000], [2, 2_000]]);
  assertEquals(chunk.byteLength, 0);
});

test("what the sink has no place for is handed on as it is, and not freed", () => {
  const { transport, came } = transportWith([1_000]);
  const chunk = chunkOf(4);
  transport.takeBytes(chunk);
  assertEquals(came, [[0, 1_000], [1, 3_000]]);
  assertEquals(chunk.byteLength, 4_000);
});

test("a sink that pauses in the middle of a chunk gets the rest when it resumes, before what came behind", async () => {
  const { transport, came } = transportWith([1_000, 1_000, 1_000, 3_000], (transport) => transport.pause());
  const [first, second] = [chunkOf(3), chunkOf(2)];
  transport.takeBytes(first);
  transport.takeBytes(second);
  for (const expected of [[[0, 1_000]], [[1, 1_000]], [[2, 1_000]], [[0, 2_000]]]) {
    assertEquals(came.splice(0), expected);
    transport.resume();
    await null;
  }
  assertEquals([first.byteLength, second.byteLength], [0, 0]);
});

/** A TLS socket that takes so much of each write; notes what it is told. */
function tlsSocket(taken: number) {
  const calls: string[] = [];
  const note = (call: string) => () => void calls.push(call);
  const socket = {
    ...SOCKET,
    write: () => taken,
    unref: note("unref"),
    close: note("close"),
    terminate: note("terminate"),
  };
  const transport = new BunTransport(socket as unknown as BunSocket, { secure: true });
  transport.handshaking = false;
  const gone = new Promise<void>((resolve) => {
    transport.sink = { gone: () => resolve() } as Partial<TransportSink> as TransportSink;
  });
  return { transport, calls, gone };
}

test("a TLS socket that has written all is closed at once", async () => {
  const { transport, calls, gone } = tlsSocket(10);
  transport.write(new Uint8Array(10));
  transport.destroy();
  transport.destroy();
  assertEquals(calls, ["close"]);
  await gone;
});

test("a TLS socket in the middle of a write is closed when there is room, and counts as gone before", async () => {
  const { transport, calls, gone } = tlsSocket(5);
  transport.write(new Uint8Array(10));
  transport.destroy();
  await gone;
  assertEquals(calls, ["unref"]);
  transport.goOnWriting();
  assertEquals(calls, ["unref", "close"]);
});

test("a TLS handshake is cut by a reset, and so is what is aborted", () => {
  const { transport, calls } = tlsSocket(10);
  transport.handshaking = true;
  transport.destroy();
  assertEquals(calls, ["terminate"]);
  const other = tlsSocket(10);
  other.transport.reset();
  assertEquals(other.calls, ["terminate"]);
});
