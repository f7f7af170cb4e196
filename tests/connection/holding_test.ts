import { test } from "node:test";
import { setImmediate as task } from "node:timers/promises";
import { assert, assertEquals, assertRejects } from "#std/assert";
import { Connection } from "../../lib/connection/connection.ts";
import { type Limits, readLimits } from "../../lib/connection/limits.ts";
import { headerSize, writeFrame } from "../../lib/protocol/frame_encoder.ts";
import { Opcode } from "../../lib/protocol/frame.ts";
import { clientClose } from "../support/wire.ts";
import { concat } from "../vectors/hex.ts";
import { WebSocketError } from "../../mod.ts";
import { latin1 } from "../vectors/splits.ts";
import { RecordingTransport } from "./recording_transport.ts";

const KIB = 1_024;

/** A server's end that decompresses each KiB to 64; `steps` tells how often it has. */
function inflating(limits: Limits = {}) {
  const seen = { steps: 0 };
  let left = 0;
  const inflater = {
    write: (part: Uint8Array) => void (left = part.length),
    read() {
      if (left <= 0) return undefined;
      left -= KIB;
      seen.steps++;
      return new Uint8Array(64 * KIB);
    },
    end() {},
    close() {},
  };
  const transport = new RecordingTransport();
  transport.yield = () => queueMicrotask(() => transport.sink.goOn());
  const connection = new Connection(transport, {
    role: "server",
    protocol: "",
    extensions: "permessage-deflate",
    deflate: { inflater, deflater: undefined, threshold: 0, optional: true, profile: "" },
    limits: readLimits({ keepalive: false, maxMessageSize: Infinity, ...limits }),
    greeting: latin1("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    rest: new Uint8Array(0),
  });
  return { connection, transport, seen };
}

test("a compressed message is decompressed as it is read, some of it at a time", async () => {
  const { connection, transport, seen } = inflating();
  const messages = connection.incoming()[Symbol.asyncIterator]();
  const payload = new Uint8Array(16 * KIB);
  const frame = new Uint8Array(headerSize(payload.length, true) + payload.length);
  writeFrame(frame, 0, { fin: true, rsv1: true, opcode: Opcode.Binary, payload }, 0x37fa213d);
  const message = messages.next();
  transport.sink.data(frame);
  const reader = (await message).value!.readable.getReader();
  await task();
  const waiting = seen.steps;
  let size = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) size += read.value.length;
  assertEquals({ waiting: waiting <= 2, steps: seen.steps, size }, {
    waiting: true,
    steps: 16,
    size: KIB * KIB,
  });
});

test("no more whole messages are decompressed than there is room for and one, until they are read", async () => {
  const { connection, transport, seen } = inflating({ highWaterMark: 100 * KIB });
  const messages = connection[Symbol.asyncIterator]();
  const payload = new Uint8Array(KIB);
  const frame = new Uint8Array(headerSize(payload.length, true) + payload.length);
  writeFrame(frame, 0, { fin: true, rsv1: true, opcode: Opcode.Binary, payload }, 0x37fa213d);
  transport.sink.data(concat(Array.from({ length: 20 }, () => frame)));
  await task();
  assertEquals({ steps: seen.steps, last: transport.told.at(-1) }, { steps: 2, last: "pause" });
  for (let i = 0; i < 20; i++) {
    assertEquals((await messages.next()).value?.length, 64 * KIB, `message ${i}`);
    assert(seen.steps <= i + 3, `${seen.steps} were decompressed when ${i + 1} had been read`);
  }
  await task();
  assertEquals(transport.told.at(-1), "resume");
});

test("what comes compressed in a turn that is over is dealt with in the next, once", async () => {
  const { connection, transport, seen } = inflating();
  transport.turnIsOver = () => true;
  transport.yield = RecordingTransport.prototype.yield;
  const message = connection[Symbol.asyncIterator]().next();
  const payload = new Uint8Array(KIB);
  const frame = new Uint8Array(headerSize(payload.length, true) + payload.length);
  writeFrame(frame, 0, { fin: true, rsv1: true, opcode: Opcode.Binary, payload }, 0x37fa213d);
  transport.sink.data(frame);
  assertEquals({ steps: seen.steps, told: transport.told.slice(-2) }, { steps: 0, told: ["yield", "pause"] });
  transport.sink.goOn();
  assertEquals((await message).value?.length, 64 * KIB);
  assertEquals(transport.told.filter((what) => what === "yield").length, 1);
});

test("what a lost stream leaves is read to the end, and then the loss, though nobody was paused", async () => {
  const { connection, transport } = inflating({ highWaterMark: 100 * KIB });
  const payload = new Uint8Array(KIB);
  const frame = new Uint8Array(headerSize(payload.length, true) + payload.length);
  writeFrame(frame, 0, { fin: true, rsv1: true, opcode: Opcode.Binary, payload }, 0x37fa213d);
  const unread = concat(Array.from({ length: 20 }, () => frame));
  assertEquals(transport.told.at(-1), "resume");
  Object.assign(transport, { open: false, takeUnread: () => [unread] });
  transport.sink.gone();
  let count = 0;
  await assertRejects(
    async () => {
      for await (const _ of connection) count++;
    },
    WebSocketError,
    "lost",
  );
  assertEquals(count, 20);
});

test("what a lost stream leaves does not wait for a turn that does not come any more", async () => {
  const { connection, transport } = inflating({ highWaterMark: 100 * KIB });
  transport.turnIsOver = () => true;
  transport.yield = RecordingTransport.prototype.yield;
  const payload = new Uint8Array(KIB);
  const frame = new Uint8Array(headerSize(payload.length, true) + payload.length);
  writeFrame(frame, 0, { fin: true, rsv1: true, opcode: Opcode.Binary, payload }, 0x37fa213d);
  transport.sink.data(concat(Array.from({ length: 20 }, () => frame)));
  assertEquals(transport.told.slice(-2), ["yield", "pause"]);
  transport.open = false;
  transport.sink.gone();
  let count = 0;
  const reading = (async () => {
    for await (const _ of connection) count++;
  })();
  await assertRejects(() => reading, WebSocketError, "lost");
  assertEquals(count, 20);
});

test("what was not decompressed for want of room is thrown away by our Close, and the peer's is seen", async () => {
  const { connection, transport, seen } = inflating({ highWaterMark: 1 });
  const payload = new Uint8Array(KIB);
  const frame = new Uint8Array(headerSize(payload.length, true) + payload.length);
  writeFrame(frame, 0, { fin: true, rsv1: true, opcode: Opcode.Binary, payload }, 0x37fa213d);
  transport.sink.data(concat([...Array.from({ length: 20 }, () => frame), clientClose(1000)]));
  await task();
  connection.close();
  assertEquals((await connection.closed).closeCode, 1000);
  assertEquals(seen.steps, 1);
});
