/**
 * `forEach` of a connection: order, ends, errors, turns, messages that are lent.
 *
 * @module
 */

import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "#std/assert";
import { Opcode } from "../../lib/protocol/frame.ts";
import { WebSocketError } from "../../mod.ts";
import { receive, serving, settles, sleep } from "../support/serving.ts";
import { clientClose, clientFrame, Wire } from "../support/wire.ts";
import { RecordingTransport, serverOver } from "../connection/recording_transport.ts";
import { concat } from "../vectors/hex.ts";

const task = () => sleep(0);

/** A server's end in memory. */
function connected(limits: Parameters<typeof serverOver>[1] = {}) {
  const transport = new RecordingTransport();
  transport.yield = () => setImmediate(() => transport.sink.goOn());
  const connection = serverOver(transport, limits);
  const put = (...frames: Uint8Array[]) => transport.sink.data(concat(frames));
  return { transport, connection, put };
}

const text = (content: string) => clientFrame(Opcode.Text, content);
const binary = (...bytes: number[]) => clientFrame(Opcode.Binary, Uint8Array.from(bytes));

test("forEach hands over each message in order, and resolves at a clean end", () =>
  serving({}, (socket) => socket.forEach((message) => socket.send(message)), async ({ open }) => {
    const socket = await open();
    const received: unknown[] = [];
    const reading = socket.forEach((message) => {
      received.push(message);
      if (received.length === 3) socket.close();
    });
    socket.send("a");
    socket.send(Uint8Array.of(1, 2));
    socket.send("");
    assertEquals(await reading, undefined);
    assertEquals(received, ["a", Uint8Array.of(1, 2), ""]);
  }));

test("forEach awaits what the function returns before the next message, and a Close waits for the last", async () => {
  const { transport, connection, put } = connected();
  const log: string[] = [];
  const reading = connection.forEach(async (message) => {
    log.push(`${message} begins`);
    await sleep(5);
    await connection.send(message);
    log.push(`${message} ends`);
  });
  put(text("a"), text("b"), clientClose(1000));
  await reading;
  assertEquals(log, ["a begins", "a ends", "b begins", "b ends"]);
  transport.sink.flush();
  assertEquals([...transport.take()], [0x81, 1, 97, 0x81, 1, 98, 0x88, 2, 3, 232]);
  transport.sink.gone();
});

test("forEach awaits anything that has a then", async () => {
  const { connection, put } = connected();
  const log: string[] = [];
  const then = (resolve: () => void) => void setTimeout(() => (log.push("settled"), resolve()), 5);
  connection.forEach((message) => (log.push(`${message}`), { then }));
  put(text("a"), text("b"));
  while (log.length < 4) await task();
  assertEquals(log, ["a", "settled", "b", "settled"]);
});

test("forEach calls nothing before it returns, nor from inside a call of the transport", async () => {
  const { connection, put } = connected();
  const got: unknown[] = [];
  put(text("a"));
  connection.forEach((message) => void got.push(message));
  assertEquals(got, []);
  await task();
  assertEquals(got, ["a"]);
  put(text("b"));
  assertEquals(got, ["a"]);
  await task();
  assertEquals(got, ["a", "b"]);
});

for (const how of ["throws", "rejects"] as const) {
  test(`forEach rejects with what the function ${how}; the connection stays open, and the messages that follow are there`, async () => {
    const { connection, put } = connected();
    const error = new Error("of mine");
    const reading = connection.forEach((message) => {
      if (message !== "b") return;
      if (how === "throws") throw error;
      return Promise.reject(error);
    });
    put(text("a"), text("b"), text("c"));
    assertEquals(await reading.catch((reason) => reason), error);
    assertEquals(await settles(connection.closed, 10), false);
    await connection.send("still open");
    assertEquals((await connection[Symbol.asyncIterator]().next()).value, "c");
  });
}

test("forEach rejects as the iterator does when the connection fails or is lost", async () => {
  const ends = {
    "reserved-opcode": ({ put }: ReturnType<typeof connected>) => put(text("a"), clientFrame(3)),
    "connection-lost": ({ put, transport }: ReturnType<typeof connected>) => {
      put(text("a"));
      transport.sink.gone(new Error("reset"));
    },
    "aborted": ({ put, connection }: ReturnType<typeof connected>) => {
      put(text("a"));
      connection.abort();
    },
  };
  for (const [code, end] of Object.entries(ends)) {
    const scene = connected();
    const got: unknown[] = [];
    const reading = scene.connection.forEach((message) => void got.push(message));
    end(scene);
    const error = await assertRejects(() => reading, WebSocketError);
    assertEquals([error.code, got], [code as WebSocketError["code"], ["a"]]);
    assertEquals(await scene.connection.forEach(() => {}), undefined, "the error is told once");
    scene.transport.sink.gone();
  }
});

test("a promise of forEach may be ignored", async () => {
  const { connection, transport } = connected();
  connection.forEach(() => {});
  transport.sink.gone();
  await sleep(5);
});

test("forEach refuses what is not a function, and wrong options, by name", () => {
  const { connection } = connected();
  for (const handle of [undefined, null, {}, "function"]) {
    assertThrows(() => connection.forEach(handle as never), TypeError, "handle");
  }
  const wrong = (options: unknown) => () => connection.forEach(() => {}, options as never);
  assertThrows(wrong({ borow: true }), TypeError, "borow: there is no such option, did you mean borrow?");
  assertThrows(wrong({ borrow: 1 }), TypeError, "borrow");
  assertThrows(wrong(true), TypeError, "options");
});

test("forEach and incoming exclude each other, as the iterator and incoming do", async () => {
  const { connection } = connected();
  const reading = connection.forEach(() => {});
  assertThrows(() => connection.incoming(), TypeError, "a whole one is waited for");
  assertEquals(await settles(reading, 5), false);
  const other = connected().connection;
  other.incoming();
  await assertRejects(() => other.forEach(() => {}), TypeError, "streamed");
});

test("a message goes to whichever of forEach and the iterator asks first", async () => {
  const { connection, put } = connected();
  const got: unknown[] = [];
  connection.forEach(async (message) => (got.push(message), await sleep(5)));
  const next = connection[Symbol.asyncIterator]().next();
  put(text("a"), text("b"), text("c"));
  assertEquals((await next).value, "b");
  while (got.length < 2) await task();
  assertEquals(got, ["a", "c"]);
});

test("forEach lets others have their turn among messages that wait, however many there are", async () => {
  const { connection, put } = connected({ highWaterMark: Infinity });
  for (let i = 0; i < 20; i++) {
    put(...Array.from({ length: 100 }, () => text("x")));
    await task();
  }
  let count = 0;
  const seen: number[] = [];
  connection.forEach(() => void count++);
  while (count < 2_000) {
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(count);
  }
  assert(seen[0]! < 1_000, `${seen[0]} of 2000 messages were handled in one turn`);
});

test("forEach that borrows is given views of what was read; what others take is their own", async () => {
  const { connection, put } = connected();
  const shared: boolean[] = [];
  const got: unknown[] = [];
  const reading = connection.forEach((message) => {
    const bytes = message as Uint8Array;
    shared.push(bytes.buffer.byteLength > bytes.length);
    got.push(bytes.slice());
    if (bytes[0] === 3) throw new Error("enough");
  }, { borrow: true });
  await task();
  put(binary(1, 1), binary(2, 2), binary(3, 3), binary(4, 4), binary(5, 5));
  await reading.catch(() => {});
  assertEquals(got, [1, 2, 3].map((n) => Uint8Array.of(n, n)));
  assertEquals(shared, [true, true, true]);
  for (const [n, source] of [[4, connection], [5, connection.readable]] as const) {
    for await (const message of source as AsyncIterable<Uint8Array>) {
      assertEquals([message, message.buffer.byteLength], [Uint8Array.of(n, n), 2]);
      break;
    }
  }
});

test("forEach that borrows holds no more than one read by its views: messages that come while it is busy are copied", async () => {
  const { connection, put } = connected();
  const sizes: number[] = [];
  let go = () => {};
  connection.forEach((message) => {
    sizes.push((message as Uint8Array).buffer.byteLength);
    if (sizes.length === 1) return new Promise<void>((resolve) => go = resolve);
  }, { borrow: true });
  await task();
  put(binary(1, 1), binary(2, 2));
  await task();
  put(binary(3, 3));
  put(binary(4, 4));
  go();
  await task();
  assertEquals(sizes.map((size) => size > 2), [true, true, false, false]);
  put(binary(5, 5), binary(6, 6));
  await task();
  assertEquals(sizes.map((size) => size > 2), [true, true, false, false, true, true]);
});

test("forEach without borrow gives away messages: one can be transferred, and the next is whole", () =>
  serving({}, async (socket) => {
    await socket.forEach((message) => {
      const bytes = message as Uint8Array<ArrayBuffer>;
      assertEquals(bytes.buffer.byteLength, bytes.length);
      structuredClone(bytes, { transfer: [bytes.buffer] });
      if (bytes.length === 0) socket.send("transferred");
    });
  }, async ({ port, open }) => {
    const wire = await Wire.upgrade(port);
    wire.send(concat([binary(1, 2, 3), binary(4, 5, 6)]));
    assertEquals(new TextDecoder().decode((await wire.frame()).payload), "transferred");
    wire.destroy();
    const socket = await open();
    socket.send(Uint8Array.of(1));
    assertEquals(await receive(socket), "transferred");
  }));

for (const borrow of [false, true]) {
  test(`forEach${borrow ? " that borrows" : ""} echoes messages of all sizes`, () =>
    serving(
      {},
      (socket) => socket.forEach((message) => socket.send(message), { borrow }),
      async ({ open }) => {
        const socket = await open();
        const messages = [0, 1, 125, 126, 5_000, 65_535, 65_536, 300_000].map((size) =>
          new Uint8Array(size).map((_, i) => i * 7 + size)
        );
        for (const message of messages) socket.send(message);
        let at = 0;
        for await (const message of socket) {
          assertEquals(message, messages[at]!);
          if (++at === messages.length) break;
        }
      },
    ));
}
