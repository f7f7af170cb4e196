/**
 * Promises that a user asks for and does not look at: none becomes an unhandled rejection, which ends a process.
 *
 * @module
 */

import process from "node:process";
import { test } from "node:test";
import { assertEquals } from "#std/assert";
import type { IncomingMessage, WebSocketConnection } from "../../mod.ts";
import { serving, sleep } from "../support/serving.ts";
import { Opcode } from "../../lib/protocol/frame.ts";
import { clientFrame, Wire } from "../support/wire.ts";

/** What is asked for, and never looked at. */
const asked: Readonly<Record<string, (socket: WebSocketConnection) => unknown>> = {
  "several messages, ahead": (socket) => {
    const messages = socket[Symbol.asyncIterator]();
    for (let i = 0; i < 3; i++) messages.next();
  },
  "a message after the end": async (socket) => {
    await socket.closed.catch(() => {});
    socket[Symbol.asyncIterator]().next();
  },
  "streamed messages, ahead": (socket) => {
    const messages = socket.incoming()[Symbol.asyncIterator]();
    for (let i = 0; i < 3; i++) messages.next();
  },
  "the text of a message": async (socket) => void (await streamed(socket)).text(),
  "the bytes of a message": async (socket) => void (await streamed(socket)).bytes(),
  "the text of a message, twice": async (socket) => {
    const message = await streamed(socket);
    message.text();
    message.text();
    message.bytes();
  },
  "sending, a ping, the end": async (socket) => {
    socket.closed;
    socket.ping();
    socket.sendStream(new ReadableStream());
    socket.send("waits");
    await sleep(50);
    socket.send("late");
    socket.ping();
    socket.sendStream(new ReadableStream());
  },
};

async function streamed(socket: WebSocketConnection): Promise<IncomingMessage> {
  for await (const message of socket.incoming()) return message;
  throw new Error("The connection ended");
}

for (const [what, ask] of Object.entries(asked)) {
  test(`nobody looks at ${what}: when the peer leaves, nothing is unhandled`, async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    try {
      await serving({}, async (socket) => {
        await ask(socket);
        await socket.closed;
      }, async ({ port }) => {
        const wire = await Wire.upgrade(port);
        wire.send(clientFrame(Opcode.Text, "begun", false));
        await sleep(20);
        wire.socket.end();
        await wire.ended;
        wire.destroy();
        await sleep(80);
      });
    } finally {
      process.off("unhandledRejection", note);
    }
    assertEquals(unhandled, []);
  });
}
