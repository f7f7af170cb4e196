/**
 * The iterator of a connection and its readable, used by turns: each message is handed over once, and none is lost.
 *
 * @module
 */

import { test } from "node:test";
import { setImmediate as task } from "node:timers/promises";
import { assert, assertEquals, assertRejects, assertThrows } from "#std/assert";
import fc from "fast-check";
import { Opcode } from "../../lib/protocol/frame.ts";
import type { Message } from "../../mod.ts";
import { check } from "../support/property.ts";
import { receiveAll } from "../support/serving.ts";
import { clientClose, clientFrame } from "../support/wire.ts";
import { concat } from "../vectors/hex.ts";
import { RecordingTransport, serverOver } from "./recording_transport.ts";

/** A connection that receives numbers, as text, from 0 on. */
function counting() {
  const transport = new RecordingTransport();
  const connection = serverOver(transport, {});
  let sent = 0;
  const put = (count: number) => {
    transport.sink.data(
      concat(Array.from({ length: count }, () => clientFrame(Opcode.Text, `${sent++}`))),
    );
  };
  const end = () => transport.sink.data(clientClose(1000));
  return { connection, put, end, transport };
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}`);

test("what a reader left behind comes next from the iterator", async () => {
  const { connection, put, end } = counting();
  put(5);
  const reader = connection.readable.getReader();
  assertEquals((await reader.read()).value, "0");
  reader.releaseLock();
  put(2);
  end();
  assertEquals(await receiveAll(connection), numbers(1, 7));
});

test("what the iterator left behind comes next from a reader, and so on", async () => {
  const { connection, put, end } = counting();
  put(6);
  const iterator = connection[Symbol.asyncIterator]();
  const got: unknown[] = [];
  for (let i = 0; i < 2; i++) {
    got.push((await iterator.next()).value);
    const reader = connection.readable.getReader();
    got.push((await reader.read()).value);
    reader.releaseLock();
  }
  end();
  for await (const message of connection.readable) got.push(message);
  assertEquals(got, numbers(0, 6));
});

test("a reader that leaves while it waits gets nothing: who asks after it does", async () => {
  const { connection, put, end } = counting();
  const reader = connection.readable.getReader();
  const reading = reader.read().catch((error) => error);
  await task();
  reader.releaseLock();
  assert(await reading instanceof TypeError);
  const next = connection[Symbol.asyncIterator]().next();
  put(3);
  end();
  assertEquals([(await next).value, ...await receiveAll(connection)], numbers(0, 3));
});

test("a reader that left while it waited can be followed by another", async () => {
  const { connection, put } = counting();
  const first = connection.readable.getReader();
  first.read().catch(() => {});
  await task();
  first.releaseLock();
  const second = connection.readable.getReader();
  const read = second.read();
  await task();
  put(2);
  assertEquals([(await read).value, (await second.read()).value], ["0", "1"]);
});

test("whoever asks first is served first", async () => {
  const { connection, put } = counting();
  const iterator = connection[Symbol.asyncIterator]();
  const reader = connection.readable.getReader();
  await task();
  const asked = [iterator.next(), reader.read(), iterator.next(), iterator.next()];
  await task();
  put(4);
  assertEquals((await Promise.all(asked)).map(({ value }) => value), numbers(0, 4));
});

test("what a reader left behind is streamed first, and the readable fails", async () => {
  for (const locked of [false, true]) {
    const { connection, put, end } = counting();
    put(3);
    const reader = connection.readable.getReader();
    await reader.read();
    if (!locked) reader.releaseLock();
    put(1);
    const got: string[] = [];
    const messages = connection.incoming();
    put(1);
    end();
    for await (const message of messages) got.push(await message.text());
    assertEquals(got, numbers(1, 5));
    const reading = locked ? reader.read() : connection.readable.getReader().read();
    await assertRejects(() => reading, TypeError, "streamed");
  }
});

test("messages can be streamed when a reader that waited has left, not while one waits", async () => {
  const { connection, put } = counting();
  const reader = connection.readable.getReader();
  reader.read().catch(() => {});
  await task();
  assertThrows(() => connection.incoming(), TypeError, "waited for");
  reader.releaseLock();
  const message = connection.incoming()[Symbol.asyncIterator]().next();
  put(1);
  assertEquals(await (await message).value!.text(), "0");
});

test("whatever readers come and go, each message is handed over once, to each of them in order", () =>
  check(
    fc.asyncProperty(
      fc.array(fc.constantFrom("put", "put 3", "next", "lock", "read", "release", "wait"), { maxLength: 60 }),
      async (steps) => {
        const { connection, put, end } = counting();
        const iterator = connection[Symbol.asyncIterator]();
        const iterated: Message[] = [], read: Message[] = [];
        const note =
          (target: Message[]) => ({ done, value }: { done?: boolean; value?: Message | undefined }) => {
            if (!done) target.push(value!);
          };
        let reader: ReadableStreamDefaultReader<Message> | undefined;
        let put_ = 0;
        const pending: Promise<unknown>[] = [];
        for (const step of steps) {
          if (step === "put" || step === "put 3") {
            const count = step === "put" ? 1 : 3;
            put(count);
            put_ += count;
          } else if (step === "next") pending.push(iterator.next().then(note(iterated)));
          else if (step === "lock") reader ??= connection.readable.getReader();
          else if (step === "read") {
            pending.push(
              reader?.read().then(note(read), () => {}) ?? Promise.resolve(),
            );
          } else if (step === "wait") await task();
          else {
            reader?.releaseLock();
            reader = undefined;
          }
        }
        await task();
        reader?.releaseLock();
        end();
        await Promise.all(pending);
        iterated.push(...await receiveAll(connection));
        const order = (a: Message, b: Message) => Number(a) - Number(b);
        assertEquals([...iterated, ...read].sort(order), numbers(0, put_));
        assertEquals(read, read.toSorted(order));
      },
    ),
    { numRuns: 300 },
  ));
