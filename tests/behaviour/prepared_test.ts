import { Buffer } from "node:buffer";
import { test } from "node:test";
import { assertEquals, assertThrows } from "#std/assert";
import { prepare } from "../../mod.ts";
import type { Message } from "../../mod.ts";
import { echo, receive, serving } from "../support/serving.ts";

const TEXT = JSON.stringify({ type: "news", text: "grüße ".repeat(200) });

for (
  const [name, compression] of [
    ["without compression", false],
    ["compressed once for all", { threshold: 100 }],
    ["compressed for each, where messages refer to earlier ones", { threshold: 100, contextTakeover: true }],
    ["below the threshold", { threshold: 10_000 }],
  ] as const
) {
  test(`a prepared message arrives at every connection, ${name}`, () =>
    serving({ compression }, async (socket) => {
      for await (const _ of socket) {
        for (const message of [text, bytes, empty]) await socket.send(message);
        await socket.writable.getWriter().write(text);
        return;
      }
    }, async ({ open }) => {
      const sockets = [await open(), await open({ compression }), await open({ compression: true })];
      for (const socket of sockets) {
        await socket.send(text);
        const received: Message[] = [];
        for await (const message of socket) received.push(message);
        assertEquals(received, [TEXT, Uint8Array.of(1, 2, 3), "", TEXT]);
      }
    }));
}

const text = prepare(TEXT);
const bytes = prepare(Uint8Array.of(0, 1, 2, 3).subarray(1));
const empty = prepare("");

test("a prepared message is a copy, and knows its length", () =>
  serving({}, echo, async ({ open }) => {
    const source = Uint8Array.of(1, 2, 3);
    const message = prepare(source);
    source.fill(0);
    assertEquals([message.byteLength, prepare("ü").byteLength], [3, 2]);
    const socket = await open();
    await socket.send(message);
    assertEquals(await receive(socket), Uint8Array.of(1, 2, 3));
    assertThrows(() => prepare(1 as unknown as string), TypeError, "Cannot take data");
  }));

test("a prepared Buffer is a copy, too, though the slice of one is a view", () =>
  serving({}, echo, async ({ open }) => {
    const source = Buffer.from([1, 2, 3]);
    const message = prepare(source);
    source.fill(0);
    const socket = await open();
    await socket.send(message);
    assertEquals(await receive(socket), Uint8Array.of(1, 2, 3));
  }));
