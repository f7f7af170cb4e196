/**
 * What was given to us and cannot be used is let go of: locks, sources.
 *
 * @module
 */

import { test } from "node:test";
import { assertEquals, assertRejects } from "#std/assert";
import { acceptStream, connectStream, receiveUpgrade, WebSocketError } from "../../mod.ts";
import { clientClose } from "../support/wire.ts";
import { RecordingTransport, serverOver } from "./recording_transport.ts";

const takers: Readonly<Record<string, (stream: Parameters<typeof acceptStream>[0]) => Promise<unknown>>> = {
  acceptStream: (stream) => acceptStream(stream),
  receiveUpgrade: (stream) => receiveUpgrade(stream),
  connectStream: (stream) => connectStream(stream, "ws://localhost/"),
};

for (const [name, take] of Object.entries(takers)) {
  test(`${name} locks both streams or neither`, async () => {
    for (const locked of ["readable", "writable"] as const) {
      const readable = new ReadableStream<Uint8Array>(), writable = new WritableStream<Uint8Array>();
      if (locked === "readable") readable.getReader();
      else writable.getWriter();
      await assertRejects(() => take({ readable, writable }), TypeError);
      assertEquals([readable.locked, writable.locked], [locked === "readable", locked === "writable"]);
    }
  });
}

test("sendStream on a connection that is not open cancels its source", async () => {
  const transport = new RecordingTransport();
  const connection = serverOver(transport, {});
  transport.sink.data(clientClose(1000));
  await connection.closed;
  let cancelled: unknown;
  const source = new ReadableStream<string>({ cancel: (reason) => void (cancelled = reason) });
  const error = await assertRejects(() => connection.sendStream(source), WebSocketError);
  assertEquals([error.code, cancelled === error], ["not-open", true]);
});

test("sendStream takes the type of a message from its first chunk, unless it is told", async () => {
  const transport = new RecordingTransport();
  const connection = serverOver(transport, {});
  const flushing = setInterval(() => transport.sink.flush(), 1);
  const sources = [["a"], [Uint8Array.of(97)], [new Uint8Array(1).buffer], []];
  for (const chunks of sources) {
    await connection.sendStream(ReadableStream.from<string | Uint8Array | ArrayBuffer>(chunks));
  }
  const bytes = connection.sendStream(ReadableStream.from(["a"]), { type: "binary" });
  await assertRejects(() => bytes, TypeError, "a chunk is a string");
  clearInterval(flushing);
  const sent = [1, 1, 97, 0x80, 0, 2, 1, 97, 0x80, 0, 2, 1, 0, 0x80, 0, 0x82, 0];
  assertEquals([...transport.take()].slice(0, sent.length), sent);
});
