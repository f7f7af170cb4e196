import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "#std/assert";
import { WebSocketError } from "../../mod.ts";
import { Opcode } from "../../lib/protocol/frame.ts";
import { echo, receive, receiveAll, serving, settles, sleep, until } from "../support/serving.ts";
import { clientClose, clientFrame, UPGRADE, Wire } from "../support/wire.ts";
import { assertTook } from "../support/patience.ts";

const MiB = 1_048_576;

test("a handler that iterates and sends echoes text and binary of all length encodings, in order", () =>
  serving({}, echo, async ({ open }) => {
    const socket = await open();
    const sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, MiB];
    for (const size of sizes) {
      await socket.send("ü".repeat(size >> 1));
      await socket.send(new Uint8Array(size).fill(size));
    }
    for (const size of sizes) {
      assertEquals(await receive(socket), "ü".repeat(size >> 1));
      assertEquals(await receive(socket), new Uint8Array(size).fill(size));
    }
  }));

test("a handler that pipes readable to writable echoes, and its promise resolves when the peer closes", async () => {
  let piped: Promise<void> | undefined;
  await serving({}, ({ readable, writable }) => piped = readable.pipeTo(writable), async ({ open }) => {
    const socket = await open();
    for (let i = 0; i < 100; i++) await socket.send(`message ${i}`);
    for (let i = 0; i < 100; i++) assertEquals(await receive(socket), `message ${i}`);
    socket.close({ closeCode: 4321, reason: "enough" });
    assertEquals(await socket.closed, { closeCode: 4321, reason: "enough" });
    await piped;
  });
});

test("readable and writable of a client carry whole messages", () =>
  serving({}, echo, async ({ open }) => {
    const { readable, writable } = await open();
    const writer = writable.getWriter();
    const reader = readable.getReader();
    await writer.write("one");
    await writer.write(Uint8Array.of(2).buffer);
    await writer.write(new DataView(Uint8Array.of(9, 3, 9).buffer, 1, 1));
    assertEquals(await reader.read(), { done: false, value: "one" });
    assertEquals(await reader.read(), { done: false, value: Uint8Array.of(2) });
    assertEquals(await reader.read(), { done: false, value: Uint8Array.of(3) });
    await writer.close();
    assertEquals(await reader.read(), { done: true, value: undefined });
  }));

test("a message goes to whichever of iterator and readable asks first, and to one of them only", () =>
  serving({}, echo, async ({ open }) => {
    const socket = await open();
    const reader = socket.readable.getReader();
    const first = reader.read();
    await sleep(0); // a stream asks its source a moment after it is asked
    const second = receive(socket);
    await socket.send("a");
    await socket.send("b");
    assertEquals(await first, { done: false, value: "a" });
    assertEquals(await second, "b");
  }));

test("leaving a for await loop does not close the connection", () =>
  serving({}, echo, async ({ open }) => {
    const socket = await open();
    for (const text of ["one", "two"]) {
      await socket.send(text);
      for await (const message of socket) {
        assertEquals(message, text);
        break;
      }
    }
  }));

test("send has done with the caller's bytes when it returns", () =>
  serving({}, echo, async ({ open }) => {
    const socket = await open();
    const bytes = new Uint8Array(100_000).fill(1);
    const sent = socket.send(bytes);
    bytes.fill(2);
    await sent;
    assertEquals(await receive(socket), new Uint8Array(100_000).fill(1));
  }));

test("bytes received are the user's: later traffic does not change them", () =>
  serving({}, echo, async ({ open }) => {
    const socket = await open();
    const received: Uint8Array[] = [];
    for (let i = 0; i < 200; i++) {
      await socket.send(new Uint8Array(1_000).fill(i));
      received.push(await receive(socket) as Uint8Array);
    }
    received.forEach((bytes, i) => assert(bytes.every((byte) => byte === i), `message ${i} was overwritten`));
  }));

test("send, ping and close throw on wrong arguments at once", () =>
  serving({}, echo, async ({ open }) => {
    const socket = await open();
    for (const wrong of [1, null, undefined, {}, [1], true, new SharedArrayBuffer(4)]) {
      assertThrows(() => socket.send(wrong as string), TypeError, "Cannot take data");
    }
    assertThrows(() => socket.ping({ data: new Uint8Array(126) }), RangeError, "126 bytes");
    for (const code of [0, 999, 1002, 1004, 1005, 1006, 1015, 2999, 5000, NaN, 1000.5]) {
      assertThrows(() => socket.close({ closeCode: code }), RangeError, "Cannot close");
    }
    await socket.send("still open");
    assertEquals(await receive(socket), "still open");
  }));

test("ping measures a round trip, with data of the user's or its own", () =>
  serving({}, echo, async ({ open }) => {
    const socket = await open();
    const times = await Promise.all([
      socket.ping(),
      socket.ping({ data: new Uint8Array(125) }),
      socket.ping(),
    ]);
    for (const time of times) assertTook(time, { least: 0, most: 5_000 });
  }));

test("ping gives up when its signal is aborted, and when the connection ends", () =>
  serving({}, echo, async ({ open }) => {
    const socket = await open();
    const controller = new AbortController();
    const ping = socket.ping({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await assertRejects(() => ping, Error, "enough");
    const other = socket.ping();
    socket.abort();
    await assertRejects(() => other, WebSocketError);
    await assertRejects(() => socket.ping(), WebSocketError, "closing or closed");
  }));

test("pings of the peer are answered in order, also between the fragments of a message", () =>
  serving({}, echo, async ({ port }) => {
    const wire = await Wire.upgrade(port);
    wire.send(clientFrame(Opcode.Ping, "1"));
    wire.send(clientFrame(Opcode.Text, "Hel", false));
    wire.send(clientFrame(Opcode.Ping, "2"));
    wire.send(clientFrame(Opcode.Continuation, "lo"));
    assertEquals(await wire.frame(), { opcode: Opcode.Pong, payload: new TextEncoder().encode("1") });
    assertEquals(await wire.frame(), { opcode: Opcode.Pong, payload: new TextEncoder().encode("2") });
    assertEquals(await wire.frame(), { opcode: Opcode.Text, payload: new TextEncoder().encode("Hello") });
    wire.destroy();
  }));

test("frames in the same segment as the head are not lost", () =>
  serving({}, echo, async ({ port }) => {
    const wire = await Wire.open(port);
    const head = new TextEncoder().encode(UPGRADE);
    wire.send(Uint8Array.of(...head, ...clientFrame(Opcode.Text, "a"), ...clientFrame(Opcode.Text, "b")));
    await wire.head();
    assertEquals((await wire.frame()).payload, Uint8Array.of(97));
    assertEquals((await wire.frame()).payload, Uint8Array.of(98));
    wire.destroy();
  }));

test("a connection that arrives byte by byte is no different", () =>
  serving({}, echo, async ({ port }) => {
    const wire = await Wire.open(port);
    const bytes = [
      ...new TextEncoder().encode(UPGRADE),
      ...clientFrame(Opcode.Text, "a".repeat(200)),
      ...clientClose(1000),
    ];
    for (const byte of bytes) {
      wire.send(Uint8Array.of(byte));
      await sleep(0);
    }
    await wire.head();
    assertEquals((await wire.frame()).payload.length, 200);
    assertEquals(await wire.closeCode(), 1000);
    assertEquals(await wire.ended, "end");
    wire.destroy();
  }));

test("a message over maxMessageSize closes with 1009, at the limit it passes", () =>
  serving({ maxMessageSize: 1_000 }, echo, async ({ open }) => {
    const socket = await open();
    await socket.send(new Uint8Array(1_000));
    assertEquals((await receive(socket)).length, 1_000);
    await socket.send(new Uint8Array(1_001));
    assertEquals((await socket.closed).closeCode, 1009);
  }));

test("bufferedAmount counts what was sent, headers included, until the kernel has it", () =>
  serving({}, echo, async ({ open }) => {
    const socket = await open();
    assertEquals(socket.bufferedAmount, 0);
    socket.send("12345");
    assertEquals(socket.bufferedAmount, 2 + 4 + 5);
    await until(() => socket.bufferedAmount === 0);
  }));

test("send waits while the peer does not read, and every byte arrives when it does", async () => {
  const count = 600;
  const gate = Promise.withResolvers<void>();
  await serving({}, async (socket) => {
    await gate.promise;
    let total = 0;
    for await (const message of socket) {
      total += message.length;
      if (total === count * 65_536) await socket.send(`${total}`);
    }
  }, async ({ open }) => {
    const socket = await open();
    let sent = 0;
    const sending = (async () => {
      for (; sent < count; sent++) await socket.send(new Uint8Array(65_536));
    })();
    assertEquals(
      await settles(sending, 500),
      false,
      "600 messages of 64 KiB went out to a peer that reads none",
    );
    const held = sent;
    await sleep(200);
    assertEquals(sent, held, "the sender was not held");
    assert(socket.bufferedAmount < 3 * 65_536, `${socket.bufferedAmount} bytes are buffered`);
    gate.resolve();
    assertEquals(await receive(socket), `${count * 65_536}`);
    await sending;
  });
});

test("a handler that only sends sees pings and the Close of its peer", async () => {
  const ended = Promise.withResolvers<void>();
  await serving({}, async (socket) => {
    while (!await settles(socket.closed, 5)) await socket.send("tick");
    ended.resolve();
  }, async ({ open }) => {
    const socket = await open();
    await receive(socket);
    await socket.ping();
    socket.close();
    await ended.promise;
  });
});

test("200 messages sent without waiting arrive in order", () =>
  serving({}, echo, async ({ open }) => {
    const socket = await open();
    for (let i = 0; i < 200; i++) socket.send(`${i}`.repeat(i % 7));
    socket.send("last");
    const received: unknown[] = [];
    for await (const message of socket) {
      if (message === "last") break;
      received.push(message);
    }
    assertEquals(received, Array.from({ length: 200 }, (_, i) => `${i}`.repeat(i % 7)));
    socket.close();
    assertEquals(await receiveAll(socket), []);
  }));
