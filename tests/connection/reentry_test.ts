/**
 * Streams run their users' code from inside of calls that are made to them. None of it runs inside a connection's work, and
 * whatever it does there, nothing is lost, swapped or mixed.
 *
 * @module
 */

import { test } from "node:test";
import { setImmediate as task } from "node:timers/promises";
import { assertEquals } from "#std/assert";
import fc from "fast-check";
import { Opcode } from "../../lib/protocol/frame.ts";
import { MessageInbox } from "../../lib/streams/message_inbox.ts";
import type { IncomingMessage } from "../../mod.ts";
import { check } from "../support/property.ts";
import { clientClose, clientFrame } from "../support/wire.ts";
import { concat } from "../vectors/hex.ts";
import { RecordingTransport, serverOver } from "./recording_transport.ts";

/** Bytes of which none is what would be there by mistake. */
function pattern(size: number, from = 0): Uint8Array<ArrayBuffer> {
  return new Uint8Array(size).map((_, i) => ((from + i) * 31) >> 3);
}

/** Cuts a pattern into fragments of some sizes. */
function fragments(sizes: readonly number[], opcode: Opcode = Opcode.Binary): Uint8Array[] {
  let at = 0;
  return sizes.map((size, i) => {
    const frame = clientFrame(i ? Opcode.Continuation : opcode, pattern(size, at), i === sizes.length - 1);
    at += size;
    return frame;
  });
}

function bytesOf({ readable }: IncomingMessage): ReadableStream<Uint8Array<ArrayBuffer>> {
  return readable as ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** A connection, and whether one of its transport's calls is under way. */
function watched() {
  const transport = new RecordingTransport();
  const connection = serverOver(transport, { maxMessageSize: Infinity });
  const { sink } = transport;
  const seen = { inside: false, wrongly: [] as string[] };
  const call = (run: () => void) => {
    seen.inside = true;
    run();
    seen.inside = false;
  };
  /** To be called by the user's code. */
  const note = (what: string) => void (seen.inside && seen.wrongly.push(what));
  return { transport, connection, sink, seen, call, note };
}

test("what is piped on from a message runs no code inside a call of the transport", async () => {
  const { connection, sink, seen, call, note } = watched();
  const messages = connection.incoming()[Symbol.asyncIterator]();
  let size = 0;
  const asked = messages.next();
  const [first, ...rest] = fragments([10, 20, 30, 40]);
  call(() => sink.data(first!));
  const through = new TransformStream<Uint8Array, Uint8Array>(
    {
      transform(chunk, controller) {
        note("transform");
        controller.enqueue(chunk);
      },
      flush: () => note("flush"),
    },
    { highWaterMark: 9, size: () => (note("size"), 1) },
    { highWaterMark: 9 },
  );
  const target = new WritableStream<Uint8Array>({
    write(chunk) {
      note("write");
      size += chunk.length;
    },
    close: () => note("close"),
  }, { highWaterMark: 9, size: () => (note("size"), 1) });
  const piped = bytesOf((await asked).value!).pipeThrough(through).pipeTo(target);
  for (const frame of rest) {
    await task();
    call(() => sink.data(frame));
  }
  await piped;
  assertEquals({ size, wrongly: seen.wrongly }, { size: 100, wrongly: [] });
});

test("to cancel a source that a Close cuts off runs no code inside a call of the transport", async () => {
  const { connection, sink, seen, call, note } = watched();
  let cancelled = 0;
  const source = new ReadableStream<Uint8Array>({
    cancel() {
      note("cancel");
      connection.abort();
      cancelled++;
    },
  });
  const sending = connection.sendStream(source);
  await task();
  call(() => sink.data(clientClose(4000)));
  assertEquals(await connection.closed, { closeCode: 4000, reason: "" });
  await sending.catch(() => {});
  assertEquals({ cancelled, wrongly: seen.wrongly }, { cancelled: 1, wrongly: [] });
});

test("a pipe may close or abort its connection from wherever it is called", async () => {
  for (const act of ["close", "abort"] as const) {
    const transport = new RecordingTransport();
    const connection = serverOver(transport, {});
    const messages = connection.incoming()[Symbol.asyncIterator]();
    transport.sink.data(concat(fragments([5, 5, 5])));
    const { value } = await messages.next();
    const got: number[] = [];
    const piped = value!.readable.pipeTo(
      new WritableStream({
        write(chunk) {
          got.push(chunk.length);
          connection[act]();
        },
      }),
    );
    await piped;
    assertEquals(got, [5, 5, 5], act);
  }
});

test("reads that are pending together, of any size and with any minimum, get a message's bytes in order", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 60 });
  const reads = fc.array(
    fc.record({
      abreast: fc.integer({ min: 1, max: 4 }),
      size: fc.integer({ min: 1, max: 50 }),
      min: fc.integer({ min: 1, max: 50 }),
    }),
    { minLength: 1, maxLength: 20 },
  );
  return check(fc.asyncProperty(sizes, reads, async (sizes, reads) => {
    const inbox = new MessageInbox(() => {});
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const put = async () => {
      for (let i = 0, at = 0; i < sizes.length; i++) {
        inbox.part({ data: pattern(sizes[i]!, at), first: i === 0, last: i === sizes.length - 1 });
        at += sizes[i]!;
        if (sizes[i]! % 3 === 0) await task();
      }
    };
    const message = inbox.next();
    const [got] = await Promise.all([message.then(({ value }) => readAll(value!, reads)), put()]);
    assertEquals(got, pattern(total));
  }));
});

async function readAll(
  message: IncomingMessage,
  reads: readonly { abreast: number; size: number; min: number }[],
): Promise<Uint8Array> {
  const reader = bytesOf(message).getReader({ mode: "byob" });
  const got: Uint8Array[] = [];
  let ended = false;
  for (let i = 0; !ended; i++) {
    const { abreast, size, min } = reads[i % reads.length]!;
    const options = { min: Math.min(min, size) };
    const pending = Array.from({ length: abreast }, () => reader.read(new Uint8Array(size), options));
    for (const { done, value } of await Promise.all(pending)) {
      if (done) ended = true;
      got.push(value!);
    }
  }
  return concat(got);
}

test("a read that wants more than a turn brings does not begin a turn inside another", async () => {
  const transport = new RecordingTransport();
  const connection = serverOver(transport, { maxMessageSize: Infinity });
  const messages = connection.incoming()[Symbol.asyncIterator]();
  const frames = fragments(Array.from({ length: 3_000 }, () => 10));
  transport.sink.data(frames[0]!);
  const reader = bytesOf((await messages.next()).value!).getReader({ mode: "byob" });
  const read = reader.read(new Uint8Array(30_000), { min: 30_000 });
  transport.sink.data(concat(frames.slice(1)));
  const yields = () => transport.told.filter((what) => what === "yield").length;
  let turns = 1;
  for (let seen = yields(); seen > 0; seen = yields() - turns++) {
    assertEquals(seen, 1, `in turn ${turns}`);
    await task();
    transport.sink.goOn();
  }
  assertEquals([(await read).value, turns], [pattern(30_000), 6]);
});

test("a source that sends while it is read does not break into its own message", async () => {
  const transport = new RecordingTransport();
  const connection = serverOver(transport, {});
  const sent: Promise<void>[] = [];
  const source = (name: string, onPull: () => void) => {
    let pulled = 0;
    return new ReadableStream<string>({
      pull(controller) {
        if (pulled++ === 0) onPull();
        if (pulled <= 2) controller.enqueue(name);
        else controller.close();
      },
    }, { highWaterMark: 0 });
  };
  const inner = source("b", () => {});
  const outer = source("a", () => {
    sent.push(connection.sendStream(inner, { type: "text" }));
    sent.push(connection.send("c"));
  });
  await task(); // the streams have started: they pull when they are asked
  sent.push(connection.sendStream(outer, { type: "text" }));
  while (sent.length < 3) await task();
  const flushing = setInterval(() => transport.sink.flush(), 1);
  await Promise.all(sent);
  clearInterval(flushing);
  transport.sink.flush();
  const [a, b, c] = ["a", "b", "c"].map((text) => text.charCodeAt(0));
  const message = (letter: number) => [0x01, 1, letter, 0x00, 1, letter, 0x80, 0];
  assertEquals([...transport.take()], [...message(a!), ...message(b!), 0x81, 1, c!]);
});
