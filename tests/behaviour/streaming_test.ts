/**
 * Messages as streams, over real sockets: in both directions, to their end and not, at any speed.
 *
 * @module
 */

import { test } from "node:test";
import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "#std/assert";
import type { Limits } from "../../lib/connection/limits.ts";
import { Opcode } from "../../lib/protocol/frame.ts";
import { type IncomingMessage, WebSocketError } from "../../mod.ts";
import { testOverTcpAndTls } from "../support/links.ts";
import { Patience } from "../support/patience.ts";
import { receive, receiveAll, serving, settles, sleep, until } from "../support/serving.ts";
import { clientClose, clientFrame, Wire } from "../support/wire.ts";

const MIB = 1_048_576;
const ANY_SIZE = { maxMessageSize: Infinity };

/** Bytes of which none is what would be there by mistake. */
function pattern(size: number, from = 0): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = (from + i) * 31 >> 3;
  return bytes;
}

/** A source that counts what was taken of it. */
function source(size: number, chunkSize = 65_536) {
  const counter = { taken: 0, cancelled: undefined as unknown };
  const readable = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (counter.taken === size) return controller.close();
      const chunk = pattern(Math.min(chunkSize, size - counter.taken), counter.taken);
      counter.taken += chunk.length;
      controller.enqueue(chunk);
    },
    cancel: (reason) => void (counter.cancelled = reason ?? "without a reason"),
  }, { highWaterMark: 0 });
  return Object.assign(counter, { readable });
}

/** Takes the next streamed message. */
async function next(messages: AsyncIterator<IncomingMessage, undefined>): Promise<IncomingMessage> {
  const { done, value } = await messages.next();
  if (done) throw new Error("The connection ended");
  return value;
}

function iterate(messages: AsyncIterable<IncomingMessage, undefined>) {
  return messages[Symbol.asyncIterator]() as AsyncIterator<IncomingMessage, undefined>;
}

/** The text of a frame that came. */
async function text(wire: Wire): Promise<string> {
  return new TextDecoder().decode((await wire.frame()).payload);
}

test("a message is handed out at its first bytes, and read as they come", () =>
  serving({}, async (socket) => {
    const message = await next(iterate(socket.incoming()));
    const parts: unknown[] = [message.type];
    for await (const part of message.readable) {
      parts.push(part);
      await socket.send("seen");
    }
    await socket.send(JSON.stringify(parts));
  }, async ({ port }) => {
    const wire = await Wire.upgrade(port);
    wire.send(clientFrame(Opcode.Text, Uint8Array.of(0x61, 0xc3), false));
    assertEquals(await text(wire), "seen");
    wire.send(clientFrame(Opcode.Continuation, Uint8Array.of(0xa4, 0x62), false));
    assertEquals(await text(wire), "seen");
    wire.send(clientFrame(Opcode.Continuation, ""));
    assertEquals(JSON.parse(await text(wire)), ["text", "a", "äb"]);
    wire.destroy();
  }));

test("messages of all kinds come in order, as text and as bytes", () =>
  serving(ANY_SIZE, async (socket) => {
    const got: unknown[] = [];
    for await (const message of socket.incoming()) {
      got.push(message.type, got.length % 4 === 0 ? await message.text() : (await message.bytes()).length);
      if (got.length === 10) await socket.send(JSON.stringify(got));
    }
  }, async ({ open }) => {
    const client = await open();
    await client.send("Grüße");
    await client.send("Grüße");
    await client.send(Uint8Array.of(0x41, 0x42));
    await client.send(pattern(3 * MIB));
    await client.send("");
    const told = JSON.parse(await receive(client) as string);
    assertEquals(told, ["text", "Grüße", "text", 7, "binary", "AB", "binary", 3 * MIB, "text", ""]);
  }));

for (const compression of [false, true]) {
  test(`a stream becomes one message and a stream again, ${compression ? "compressed" : "as it is"}`, () =>
    serving({ ...ANY_SIZE, compression }, async (socket) => {
      for await (const { type, readable } of socket.incoming()) await socket.sendStream(readable, { type });
    }, async ({ open }) => {
      const client = await open({ ...ANY_SIZE, compression });
      const sent = source(2 * MIB + 17, 70_001);
      const messages = iterate(client.incoming());
      const [message] = await Promise.all([next(messages), client.sendStream(sent.readable)]);
      assertEquals(await message.bytes(), pattern(2 * MIB + 17));
      const words = ["sur", "ro\ud83c", "\udf0agate", "", "\ud83c"];
      await client.sendStream(ReadableStream.from(words), { type: "text" });
      assertEquals(await (await next(messages)).text(), "surro\u{1f30a}gate\ufffd");
      await client.sendStream(ReadableStream.from<string>([]), { type: "text" });
      assertEquals(await (await next(messages)).text(), "");
      if (compression) {
        await client.send("word ".repeat(400_000));
        assertEquals(await (await next(messages)).text(), "word ".repeat(400_000));
      }
    }));
}

test("a reader's own memory is filled, however small it is", () =>
  serving(ANY_SIZE, (socket) => socket.sendStream(source(300_000).readable), async ({ open }) => {
    const client = await open(ANY_SIZE);
    const message = await next(iterate(client.incoming()));
    const reader = (message.readable as ReadableStream<Uint8Array<ArrayBuffer>>).getReader({ mode: "byob" });
    const got = new Uint8Array(300_000);
    let at = 0;
    for (let memory = new Uint8Array(1_000);;) {
      const { done, value } = await reader.read(memory);
      if (done) break;
      got.set(value, at);
      at += value.length;
      memory = new Uint8Array(value.buffer);
    }
    assertEquals(at, 300_000);
    assertEquals(got, pattern(300_000));
  }));

test("streamed messages may have a limit of their own, in place of the connection's", () =>
  serving({ maxMessageSize: 100 }, async (socket) => {
    assertThrows(() => socket.incoming({ maxMessageSize: -1 }), RangeError, "maxMessageSize");
    for await (const message of socket.incoming({ maxMessageSize: 100_000 })) {
      await socket.send(`${(await message.bytes()).length}`);
    }
  }, async ({ open }) => {
    const client = await open();
    await client.send(new Uint8Array(100_000));
    assertEquals(await receive(client), "100000");
    await client.send(new Uint8Array(100_001));
    assertEquals((await client.closed).closeCode, 1009);
  }));

test("bytes that were handed out are not written to again", () =>
  serving(ANY_SIZE, (socket) => socket.sendStream(source(2 * MIB).readable), async ({ open }) => {
    const client = await open(ANY_SIZE);
    const message = await next(iterate(client.incoming()));
    const parts: Uint8Array[] = [];
    for await (const part of message.readable) parts.push(part as Uint8Array);
    let at = 0;
    for (const part of parts) {
      assertEquals(part, pattern(part.length, at));
      at += part.length;
    }
    assertEquals(at, 2 * MIB);
  }));

test("what waits when messages begin to be streamed comes first, and whole ones are refused from then on", () =>
  serving({}, async (socket) => {
    await socket.send("one");
    await receive(socket);
    await socket.send("two");
    await socket.send("three");
    await socket.closed;
  }, async ({ open }) => {
    const client = await open();
    assertEquals(await receive(client), "one");
    const waiting = receive(client);
    assertThrows(() => client.incoming(), TypeError, "waited for");
    await client.send("more");
    assertEquals(await waiting, "two");
    await client.ping();
    const messages = iterate(client.incoming());
    await assertRejects(() => receive(client), TypeError, "streamed");
    assertEquals(await (await next(messages)).text(), "three");
    client.close();
    assertEquals(await messages.next(), { done: true, value: undefined });
  }));

test("what came before the end can be streamed behind it", () =>
  serving({}, async (socket) => {
    await socket.send("one");
    socket.close({ closeCode: 4001 });
  }, async ({ open }) => {
    const client = await open();
    assertEquals((await client.closed).closeCode, 4001);
    const messages = iterate(client.incoming());
    assertEquals(await (await next(messages)).text(), "one");
    assertEquals(await messages.next(), { done: true, value: undefined });
  }));

test("a message that nobody reads is thrown away when the next is asked for; one that is read is waited for", () =>
  serving(ANY_SIZE, async (socket) => {
    for (let i = 0; i < 4; i++) await socket.sendStream(source(MIB).readable);
    await socket.send("last");
    await socket.closed;
  }, async ({ open }) => {
    const client = await open(ANY_SIZE);
    const messages = iterate(client.incoming());
    await next(messages); // not read at all
    const second = await next(messages);
    const reader = second.readable.getReader();
    await reader.read();
    reader.releaseLock(); // read in part
    const third = await next(messages);
    await third.readable.cancel();
    const fourth = (await next(messages)).readable.getReader();
    const last = next(messages);
    assertEquals(await settles(last, 50), false);
    let size = 0;
    for (let read = await fourth.read(); !read.done; read = await fourth.read()) size += read.value.length;
    assertEquals([size, await (await last).text()], [MIB, "last"]);
  }));

test("control frames go between the fragments, other messages behind them in their order", () =>
  serving(ANY_SIZE, async (socket) => {
    const parts: string[] = [];
    for await (const message of socket.incoming()) {
      parts.push(await message.text());
      if (parts.length === 4) await socket.send(parts.join());
    }
  }, async ({ open }) => {
    const client = await open();
    let controller!: ReadableStreamDefaultController<string>;
    const slow = new ReadableStream<string>({ start: (own) => void (controller = own) });
    const streamed = client.sendStream(slow, { type: "text" });
    const bytes = new TextEncoder().encode("bytes");
    const sent = [client.send("two"), client.send(bytes)];
    bytes.fill(0);
    const last = client.sendStream(ReadableStream.from(["four"]), { type: "text" });
    controller.enqueue("o");
    assertEquals(client.bufferedAmount, 8);
    assertEquals(await settles(sent[0]!, 30), false);
    assert(await client.ping() >= 0);
    controller.enqueue("ne");
    controller.close();
    await Promise.all([streamed, ...sent, last]);
    assertEquals(await receive(client), "one,two,bytes,four");
    assertEquals(client.bufferedAmount, 0);
  }));

for (
  const [what, broken] of [
    ["fails", () => new ReadableStream<string>({ pull: () => Promise.reject(new Error("disk")) })],
    ["has bytes in a text", () => ReadableStream.from([new Uint8Array(2) as unknown as string])],
  ] as const
) {
  test(`a source that ${what} closes with 1011; what the peer has of the message fails`, () =>
    serving({}, async (socket) => {
      const error = await assertRejects(() => socket.sendStream(broken(), { type: "text" }), Error);
      assert(/disk|Cannot send text/.test(error.message));
      await assertRejects(() => socket.send("more"), WebSocketError, "Cannot send");
    }, async ({ open }) => {
      const client = await open();
      assertEquals((await client.closed).closeCode, 1011);
    }));
}

test("bytes are wanted of a binary source; a source that is locked is refused at once", () =>
  serving({}, (socket) => receiveAll(socket), async ({ open }) => {
    const client = await open();
    const { readable } = source(1);
    readable.getReader();
    assertThrows(() => client.sendStream(readable), TypeError);
    await assertRejects(
      () => client.sendStream(ReadableStream.from(["text"]), { type: "binary" }),
      TypeError,
      "Cannot send bytes",
    );
    assertEquals((await client.closed).closeCode, 1011);
    await assertRejects(() => client.sendStream(source(1).readable), WebSocketError, "Cannot send");
  }));

test("a Close in the middle of a message cuts it off: what came is read, then it fails", () =>
  serving({}, async (socket) => {
    const messages = iterate(socket.incoming());
    const reader = (await next(messages)).readable.getReader();
    assertEquals((await reader.read()).value, "begun");
    const error = await assertRejects(() => reader.read(), WebSocketError);
    assertEquals([error.code, (await socket.closed).closeCode], ["message-cut", 4000]);
    assertEquals(await messages.next(), { done: true, value: undefined });
    done = true;
  }, async ({ port }) => {
    const wire = await Wire.upgrade(port);
    wire.send(clientFrame(Opcode.Text, "begun", false));
    await sleep(30);
    wire.send(clientClose(4000));
    assertEquals(await wire.closeCode(), 4000);
    await until(() => done);
    wire.destroy();
    done = false;
  }));
let done = false;

for (
  const [what, code, act] of [
    [
      "is not UTF-8 further on",
      "invalid-utf8",
      (wire: Wire) => wire.send(clientFrame(Opcode.Continuation, Uint8Array.of(0xff), false)),
    ],
    [
      "is interrupted by another",
      "expected-continuation",
      (wire: Wire) => wire.send(clientFrame(Opcode.Text, "other")),
    ],
    [
      "gets too long",
      "message-too-big",
      (wire: Wire) => wire.send(clientFrame(Opcode.Continuation, "x".repeat(20))),
    ],
    ["ends with its connection", "connection-lost", (wire: Wire) => void wire.socket.end()],
  ] as const
) {
  test(`a message that ${what} fails with the error of the connection, behind what came`, async () => {
    const errors: unknown[] = [];
    await serving({ maxMessageSize: 20 }, async (socket) => {
      const messages = iterate(socket.incoming());
      const reader = (await next(messages)).readable.getReader();
      assertEquals((await reader.read()).value, "begun");
      for (const ask of [() => reader.read(), () => messages.next(), () => socket.closed]) {
        errors.push((await assertRejects<WebSocketError>(ask, WebSocketError)).code);
      }
    }, async ({ port }) => {
      const wire = await Wire.upgrade(port);
      wire.send(clientFrame(Opcode.Text, "begun", false));
      await sleep(30);
      act(wire);
      await until(() => errors.length === 3);
      wire.destroy();
    });
    assertEquals(errors, [code, code, code]);
  });
}

test("a connection that ends cancels the source that it was reading, even one that has nothing", async () => {
  const idle = { cancelled: undefined as unknown };
  await serving({}, (socket) => receiveAll(socket), async ({ open }) => {
    const client = await open();
    const readable = new ReadableStream({ cancel: (reason) => void (idle.cancelled = reason) });
    const sending = client.sendStream(readable);
    const waiting = client.send("behind");
    client.abort();
    for (const promise of [sending, waiting]) {
      assertEquals((await assertRejects(() => promise, WebSocketError)).code, "not-open");
    }
    await until(() => idle.cancelled instanceof WebSocketError);
    assertEquals(client.bufferedAmount, 0);
  });
});

test("a compressed message is handed out in parts: 16 MiB of nothing come in none of more than about 1", () =>
  serving({ ...ANY_SIZE, compression: true }, async (socket) => {
    await receive(socket);
    await socket.send(new Uint8Array(16 * MIB));
    await socket.closed;
  }, async ({ open }) => {
    const client = await open({ ...ANY_SIZE, compression: true });
    const messages = iterate(client.incoming());
    await client.send("go");
    const message = await next(messages);
    let size = 0, largest = 0;
    for await (const part of message.readable) {
      largest = Math.max(largest, part.length);
      size += part.length;
    }
    assertEquals(size, 16 * MIB);
    assertLess(largest, 1.1 * MIB);
  }));

/** Gives up within the test, if it is to. */
const IMPATIENT: Limits = { ...ANY_SIZE, keepalive: { interval: 300, timeout: 300 } };

/**
 * One who sends and one who does not read. The second pings after 1.5 s and 1.9, and the first asks for a sign of life
 * between 2.15 and 2.55: there it gets one only if the second goes on to ping within each timeout.
 */
const SENDER: Limits = { ...ANY_SIZE, keepalive: { interval: 2_150, timeout: 400 } };
const READER: Limits = { ...ANY_SIZE, keepalive: { interval: 1_500, timeout: 400 } };

testOverTcpAndTls(
  "who does not read a message holds its sender at the kernel's window, and neither is taken for dead",
  async () => {
    const sent = source(16 * MIB);
    await serving(SENDER, (socket) => socket.sendStream(sent.readable), async ({ open }) => {
      const client = await open(READER);
      const message = await next(iterate(client.incoming()));
      // The kernel takes a while to be full; then nothing more goes out.
      const patience = new Patience(10_000);
      for (let [taken, held] = [-1, 0]; held < 10; held = sent.taken === taken ? held + 1 : 0) {
        taken = sent.taken;
        assert(!patience.isOver, "it was not held");
        await sleep(250);
      }
      assertLess(sent.taken, 15 * MIB);
      await until(() => client.bufferedAmount === 0); // a Ping may be on its way
      assertEquals(await settles(client.closed, 0), false);
      let size = 0;
      for await (const part of message.readable) size += part.length;
      assertEquals(size, 16 * MIB);
    });
  },
);

testOverTcpAndTls(
  "while a message is read slowly, Pings are answered",
  () =>
    serving(IMPATIENT, async (socket) => {
      for await (const message of socket.incoming()) {
        for await (const _ of message.readable) await sleep(3);
      }
    }, async ({ open }) => {
      const client = await open(IMPATIENT);
      const sending = client.sendStream(source(2 * MIB).readable);
      for (let i = 0; i < 2; i++) assert(await client.ping() >= 0);
      await sending;
      client.abort();
    }),
);

testOverTcpAndTls("a server that is drained cuts streams off", async () => {
  const sent = source(Infinity);
  await serving({}, (socket) => socket.sendStream(sent.readable), async ({ server, open }) => {
    const client = await open(ANY_SIZE);
    const message = await next(iterate(client.incoming()));
    const reading = assertRejects(() => message.readable.pipeTo(new WritableStream()), WebSocketError);
    await server.close({ timeout: 1_000 });
    assertEquals((await reading).code, "message-cut");
    assertEquals((await client.closed).closeCode, 1001);
    assert(sent.cancelled instanceof WebSocketError);
  });
});

interface BytesRead {
  readonly done: boolean;
  readonly value?: Uint8Array | undefined;
}

for (
  const [what, read] of [
    ["all at once", (reader, size) => [reader.read(new Uint8Array(size), { min: size })]],
    ["by two reads at a time", (reader) => [1, 2].map(() => reader.read(new Uint8Array(7)))],
  ] as [string, (reader: ReadableStreamBYOBReader, size: number) => Promise<BytesRead>[]][]
) {
  test(`a message of thousands of fragments can be read into memory ${what}`, () =>
    serving(ANY_SIZE, async (socket) => {
      const message = await next(iterate(socket.incoming()));
      const reader = (message.readable as ReadableStream<Uint8Array>).getReader({ mode: "byob" });
      const got = new Uint8Array(70_000);
      for (let at = 0, ended = false; !ended;) {
        for (const { done, value } of await Promise.all(read(reader, 70_000))) {
          if (done) ended = true;
          else got.set(value!, at);
          at += value?.length ?? 0;
        }
      }
      assertEquals(got, pattern(70_000));
      await socket.send("read");
    }, async ({ port }) => {
      const wire = await Wire.upgrade(port);
      wire.send(clientFrame(Opcode.Binary, "", false));
      await sleep(20);
      const frames: number[] = [];
      for (let i = 0; i < 7_000; i++) {
        frames.push(...clientFrame(Opcode.Continuation, pattern(10, i * 10), i === 6_999));
      }
      wire.send(Uint8Array.from(frames));
      assertEquals(await text(wire), "read");
      wire.destroy();
    }));
}
