/**
 * {@linkcode MessageStreamEncoderStream} and {@linkcode MessageStreamDecoderStream}, alone and one behind the other.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import {
  type Frame,
  FrameDecoderStream,
  FrameEncoderStream,
  type IncomingMessage,
  MessageStreamDecoderStream,
  MessageStreamEncoderStream,
  Opcode,
  type OutgoingMessage,
  WebSocketError,
} from "../../mod.ts";
import { showFrame } from "../protocol/replay.ts";
import { check } from "../support/property.ts";
import { fromHex } from "../vectors/hex.ts";
import { collect, pause, sourceOf } from "./drive.ts";

function frame(opcode: Opcode, hex: string, fin = true): Frame {
  return { fin, rsv1: false, opcode, payload: fromHex(hex) };
}

function text(...chunks: string[]): OutgoingMessage {
  return { type: "text", readable: ReadableStream.from(chunks) };
}

test("a chunk is a fragment, of 64 KiB at most, and an empty one ends the message", async () => {
  const binary = { type: "binary" as const, readable: ReadableStream.from([new Uint8Array(65_537)]) };
  const stream = ReadableStream.from([text("a", "", "b"), binary, text()]);
  const { items } = await collect(stream.pipeThrough(new MessageStreamEncoderStream()));
  assertEquals(items.map(({ fin, opcode, payload }) => [fin, opcode, payload.length]), [
    [false, Opcode.Text, 1],
    [false, Opcode.Continuation, 1],
    [true, Opcode.Continuation, 0],
    [false, Opcode.Binary, 65_536],
    [false, Opcode.Continuation, 1],
    [true, Opcode.Continuation, 0],
    [true, Opcode.Text, 0],
  ]);
});

test("nothing is read of a content before its frame is asked for; to cancel the frames cancels it", async () => {
  const content = sourceOf(Array.from({ length: 9 }, () => "x"));
  const messages = sourceOf([{ type: "text" as const, readable: content.readable }]);
  const reader = messages.readable.pipeThrough(new MessageStreamEncoderStream()).getReader();
  await pause();
  assertEquals(content.taken, 0);
  await reader.read();
  await pause();
  assertEquals(content.taken, 1);
  await reader.cancel("enough");
  assertEquals(content.cancelled, "enough");
});

test("a content that fails, or is of another type, fails the frames and cancels the messages", async () => {
  const failing = sourceOf(["x"], { error: new Error("disk") });
  const wrong = sourceOf(["x"]);
  const number = sourceOf<string>([7 as never]);
  const cases = [
    ["text", failing, "disk"],
    ["binary", wrong, "Cannot send bytes"],
    ["text", number, "Cannot send text"],
  ] as const;
  for (const [type, content, message] of cases) {
    const messages = sourceOf<OutgoingMessage>([{ type, readable: content.readable }, text("never")]);
    const { error } = await collect(messages.readable.pipeThrough(new MessageStreamEncoderStream()));
    assert(error instanceof Error && error.message.includes(message), String(error));
    await pause();
    assert(messages.cancelled instanceof Error);
  }
});

test("a writer of frames waits until what it wrote is read", async () => {
  const stream = new MessageStreamDecoderStream({ highWaterMark: 10 });
  const source = sourceOf(Array.from({ length: 9 }, (_, i) => frame(i ? 0 : 2, "00".repeat(1_000), i === 8)));
  source.readable.pipeTo(stream.writable);
  const messages = stream.readable.getReader();
  const { value } = await messages.read();
  const reader = value!.readable.getReader();
  await reader.read();
  await pause();
  assert(source.taken <= 4, `${source.taken} frames were taken`);
  for (let read = await reader.read(); !read.done; read = await reader.read());
  assertEquals([(await messages.read()).done, source.taken], [true, 9]);
});

test("control frames are told of, a Close ends the messages and cuts off the one under way", async () => {
  const heard: string[] = [];
  const stream = new MessageStreamDecoderStream({ onControl: (frame) => heard.push(showFrame(frame)) });
  const frames = [
    frame(Opcode.Text, "61", false),
    frame(Opcode.Ping, "01"),
    frame(Opcode.Close, "03e8"),
    frame(Opcode.Text, "ff"),
  ];
  const piped = sourceOf(frames).readable.pipeTo(stream.writable);
  const messages = stream.readable.getReader();
  const message = (await messages.read()).value!;
  assertEquals((await assertRejects(() => message.text(), WebSocketError)).code, "message-cut");
  assertEquals([(await messages.read()).done, heard], [true, ["89 01"]]);
  await piped;
});

test("a violation fails the message under way behind what came, the messages, and the frames", async () => {
  for (
    const [bad, code] of [
      [frame(Opcode.Text, "62"), "expected-continuation"],
      [frame(Opcode.Continuation, "ff"), "invalid-utf8"],
      [frame(Opcode.Continuation, "00".repeat(20)), "message-too-big"],
      [undefined, "connection-lost"],
    ] as const
  ) {
    const stream = new MessageStreamDecoderStream({ maxMessageSize: 20 });
    const frames = [frame(Opcode.Text, "61", false), ...bad ? [bad] : []];
    const piped = assertRejects(() => sourceOf(frames).readable.pipeTo(stream.writable), WebSocketError);
    const messages = stream.readable.getReader();
    const reader = (await messages.read()).value!.readable.getReader();
    assertEquals((await reader.read()).value, "a");
    for (const ask of [() => reader.read(), () => messages.read()]) {
      assertEquals((await assertRejects<WebSocketError>(ask, WebSocketError)).code, code);
    }
    assertEquals((await piped).code, code);
  }
});

test("a binary message has its limit too, all its frames together", async () => {
  const stream = new MessageStreamDecoderStream({ maxMessageSize: 20 });
  const frames = [frame(Opcode.Binary, "61", false), frame(Opcode.Continuation, "00".repeat(20))];
  const piped = assertRejects(() => sourceOf(frames).readable.pipeTo(stream.writable), WebSocketError);
  const message = (await stream.readable.getReader().read()).value!;
  assertEquals((await assertRejects(() => message.bytes(), WebSocketError)).code, "message-too-big");
  await piped;
});

test("frames behind messages that nobody wants any more are discarded", async () => {
  const source = sourceOf(Array.from({ length: 99 }, () => frame(Opcode.Binary, "00".repeat(9_000))));
  const stream = new MessageStreamDecoderStream();
  const piped = source.readable.pipeTo(stream.writable);
  await stream.readable.cancel();
  await piped;
  assertEquals(source.taken, 99);
});

test("what is no frame fails the stream", async () => {
  const stream = new MessageStreamDecoderStream();
  const piped = ReadableStream.from(["no frame" as unknown as Frame]).pipeTo(stream.writable);
  await assertRejects(() => piped, TypeError, "no Frame");
});

test("property: messages that go through all four streams come out as they went in", async () => {
  const content = fc.oneof(
    fc.array(fc.string({ unit: "binary" })).map((chunks) => ({ type: "text" as const, chunks })),
    fc.array(fc.uint8Array({ maxLength: 300 })).map((chunks) => ({ type: "binary" as const, chunks })),
  );
  const whole = (chunks: readonly (string | Uint8Array)[]) =>
    chunks.map((chunk) => typeof chunk === "string" ? chunk : String.fromCharCode(...chunk)).join("");
  const property = fc.asyncProperty(fc.array(content), async (messages) => {
    const outgoing = messages.map(({ type, chunks }) => ({
      type,
      readable: ReadableStream.from(chunks as (string | Uint8Array)[]),
    }));
    const incoming = ReadableStream.from(outgoing as OutgoingMessage[])
      .pipeThrough(new MessageStreamEncoderStream())
      .pipeThrough(new FrameEncoderStream({ role: "client" }))
      .pipeThrough(new FrameDecoderStream({ pieces: true }))
      .pipeThrough(new MessageStreamDecoderStream());
    const got: { type: string; content: string }[] = [];
    for await (const { type, readable } of incoming as ReadableStream<IncomingMessage>) {
      const parts: (string | Uint8Array)[] = [];
      for await (const part of readable) parts.push(part);
      got.push({ type, content: whole(parts) });
    }
    assertEquals(got, messages.map(({ type, chunks }) => ({ type, content: whole(chunks) })));
  });
  await check(property, { numRuns: 50 });
});
