/**
 * A Close or a violation takes its place in the order of messages: what it comes with, and what is done before it is
 * answered.
 *
 * @module
 */

import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "#std/assert";
import { Groups } from "../../lib/groups/mod.ts";
import { Opcode } from "../../lib/protocol/frame.ts";
import { toWebSocket, WebSocketError } from "../../mod.ts";
import { answer, scripted } from "../support/scripted_server.ts";
import { echo, receiveAll, serving, settles, sleep, until } from "../support/serving.ts";
import { connect } from "../support/sluice.ts";
import { clientClose, clientFrame, UPGRADE, Wire } from "../support/wire.ts";
import { concat } from "../vectors/hex.ts";
import { latin1 } from "../vectors/splits.ts";

const COUNT = 50;
const texts = (count: number) => Array.from({ length: count }, (_, i) => clientFrame(Opcode.Text, `${i}`));
const violation = clientFrame(3);
const LONG = 600_000;

/** Takes frames until a Close: the texts, then its code. */
async function readFrames(wire: Wire): Promise<(string | number)[]> {
  const read: (string | number)[] = [];
  for (;;) {
    const { opcode, payload } = await wire.frame();
    if (opcode === Opcode.Close) return [...read, (payload[0]! << 8) | payload[1]!];
    read.push(opcode === Opcode.Pong ? "pong" : new TextDecoder().decode(payload));
  }
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);

for (
  const [what, last, code] of [["a Close", clientClose(4000), 4000], [
    "a violation",
    violation,
    1002,
  ]] as const
) {
  test(`the request, ${COUNT} messages and ${what} in one packet: a server's handler that takes 5 ms for each answers all`, () =>
    serving({ closeTimeout: 60_000 }, async (socket) => {
      for await (const message of socket) {
        await sleep(5);
        await socket.send(message);
      }
    }, async ({ port }) => {
      const wire = await Wire.open(port);
      wire.send(concat([latin1(UPGRADE), ...texts(COUNT), last, clientFrame(Opcode.Text, "behind")]));
      await wire.head();
      assertEquals(await readFrames(wire), [...numbers(COUNT), code]);
      wire.destroy();
    }));

  test(`a reader that never asks again is answered ${what} after closeTimeout, and can send until then`, async () => {
    const ended = Promise.withResolvers<unknown>();
    await serving({ closeTimeout: 300 }, async (socket) => {
      for await (const message of socket) {
        await sleep(20);
        await socket.send(message);
        ended.resolve(await socket.closed.then(({ closeCode }) => closeCode, (error) => error.closeCode));
        await assertRejects(() => socket.send("too late"), WebSocketError);
      }
    }, async ({ port }) => {
      const wire = await Wire.upgrade(port);
      const start = performance.now();
      wire.send(concat([...texts(2), last]));
      assertEquals(await readFrames(wire), ["0", code]);
      assert(performance.now() - start > 250, "it was answered before its time");
      assertEquals(await ended.promise, code);
      wire.destroy();
    });
  });

  test(`a handler that only sends is answered ${what} at once, whatever is unread`, () =>
    serving({ closeTimeout: LONG }, (socket) => socket.closed, async ({ port }) => {
      const wire = await Wire.upgrade(port);
      wire.send(concat([...texts(3), last]));
      assertEquals(await readFrames(wire), [code]);
      wire.destroy();
    }));

  test(`a handler that has left its loop, and one whose reader has, are answered ${what} when all is read`, async () => {
    for (const source of ["iterator", "readable", "incoming"] as const) {
      await serving({ closeTimeout: LONG }, async (socket) => {
        if (source === "iterator") { for await (const _ of socket) break; }
        if (source === "incoming") {
          for await (const message of socket.incoming()) if (await message.text()) break;
        }
        if (source === "readable") {
          const reader = socket.readable.getReader();
          await reader.read();
          reader.releaseLock();
        }
        socket.send("read");
        await socket.closed;
      }, async ({ port }) => {
        const wire = await Wire.upgrade(port);
        wire.send(clientFrame(Opcode.Text, "hello"));
        await wire.frame();
        wire.send(last);
        assertEquals(await readFrames(wire), [code], source);
        wire.destroy();
      });
    }
  });

  test(`while ${what} waits, closed is pending, the stream's end does not cut, and our own close answers it`, async () => {
    const seen: unknown[] = [];
    await serving({ closeTimeout: LONG, onError: () => {} }, async (socket) => {
      for await (const message of socket) {
        seen.push(await settles(socket.closed, 30));
        await socket.send(message);
        socket.close({ closeCode: 3000 });
        seen.push(await socket.closed.then(({ closeCode }) => closeCode, (error) => error.closeCode));
      }
    }, async ({ port }) => {
      const wire = await Wire.upgrade(port);
      wire.send(concat([...texts(1), last]));
      wire.socket.end();
      assertEquals(await readFrames(wire), ["0", code === 4000 ? 3000 : 1002]);
      assertEquals(await wire.ended, "end");
      await until(() => seen.length === 2);
      assertEquals(seen, [false, code]);
    });
  });

  test(`while ${what} waits, abort ends the connection at once, and what had arrived stays readable`, async () => {
    const outcome = Promise.withResolvers<unknown[]>();
    await serving({ closeTimeout: LONG, onError: () => {} }, async (socket) => {
      const read: unknown[] = [];
      try {
        for await (const message of socket) {
          read.push(message);
          if (read.length === 1) socket.abort();
        }
      } catch (error) {
        read.push((error as WebSocketError).code);
      }
      outcome.resolve(read);
    }, async ({ port }) => {
      const wire = await Wire.upgrade(port);
      wire.send(concat([...texts(3), last]));
      assertEquals(await outcome.promise, ["0", "1", "2", "aborted"]);
      wire.destroy();
    });
  });

  test(`while ${what} waits, a stream that is lost ends the connection at once, and what had arrived stays readable`, async () => {
    const outcome = Promise.withResolvers<unknown[]>();
    await serving({ closeTimeout: LONG, onError: () => {} }, async (socket) => {
      const read: unknown[] = [];
      try {
        for await (const message of socket) {
          read.push(message);
          if (read.length > 1) continue;
          await socket.send("go");
          await socket.closed.catch(() => {});
        }
      } catch {
        read.push("error");
      }
      outcome.resolve(read.slice(0, 3));
    }, async ({ port }) => {
      const wire = await Wire.upgrade(port);
      wire.send(concat([...texts(3), last]));
      await wire.frame();
      wire.reset();
      assertEquals(await outcome.promise, ["0", "1", "2"]);
    });
  });

  test(`while ${what} waits, the server can be closed`, async () => {
    const reading = Promise.withResolvers<void>();
    await serving({ closeTimeout: LONG, onError: () => {} }, async (socket) => {
      for await (const _ of socket) {
        reading.resolve();
        await socket.closed;
      }
    }, async ({ port, server }) => {
      const wire = await Wire.upgrade(port);
      wire.send(concat([...texts(2), last]));
      await reading.promise;
      const closing = server.close();
      assertEquals(await readFrames(wire), [code === 4000 ? 1001 : 1002]);
      wire.socket.end();
      await closing;
    });
  });
}

test(`the response, ${COUNT} messages and a Close in one packet: a client that takes 5 ms for each answers all`, async () => {
  const frames: number[] = [];
  for (let i = 0; i < COUNT; i++) frames.push(0x82, 1, i);
  const head = latin1(
    "HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n",
  );
  const script = String.fromCharCode(...head, ...frames, 0x88, 2, 0x0f, 0xa0);
  let length = 0;
  await scripted(async (wire) => {
    await answer(script)(wire);
    length = (await wire.take(COUNT * 7 + 8)).length;
    wire.socket.end();
  }, async (url) => {
    const socket = await connect(url, { closeTimeout: 60_000 });
    let count = 0;
    for await (const message of socket) {
      await sleep(5);
      await socket.send(message);
      count++;
    }
    assertEquals([count, (await socket.closed).closeCode], [COUNT, 4000]);
  });
  assertEquals(length, COUNT * 7 + 8);
});

test("a Ping before a Close that waits is answered, none after it", () =>
  serving({ closeTimeout: LONG }, async (socket) => {
    for await (const message of socket) {
      await sleep(5);
      await socket.send(message);
    }
  }, async ({ port }) => {
    const wire = await Wire.upgrade(port);
    wire.send(
      concat([...texts(1), clientFrame(Opcode.Ping, "1"), clientClose(1000), clientFrame(Opcode.Ping, "2")]),
    );
    assertEquals(await readFrames(wire), ["pong", "0", 1000]);
    wire.destroy();
  }));

test("toWebSocket dispatches messages before a Close, and sends what listeners answer, Blobs too", () =>
  serving({ closeTimeout: LONG }, (connection) => {
    const socket = toWebSocket(connection);
    socket.onmessage = ({ data }) => socket.send(data);
    return connection.closed;
  }, async ({ port }) => {
    const wire = await Wire.upgrade(port);
    const messages = numbers(4).map((text, i) => clientFrame(i % 2 ? Opcode.Binary : Opcode.Text, text));
    wire.send(concat([...messages, clientClose(4000)]));
    assertEquals(await readFrames(wire), [...numbers(4), 4000]);
    wire.destroy();
  }));

test("what a member of a group says right before its Close reaches the others, and the member", async () => {
  const groups = new Groups();
  await serving({ closeTimeout: LONG }, async (socket) => {
    await groups.join("all", socket);
    await socket.send("joined");
    for await (const message of socket) await groups.publish("all", message);
  }, async ({ port, open }) => {
    const other = await open();
    const wire = await Wire.upgrade(port);
    await wire.frame();
    wire.send(concat([...texts(3), clientClose(1000)]));
    assertEquals(await readFrames(wire), [...numbers(3), 1000]);
    const received: unknown[] = [];
    for await (const message of other) if (received.push(message) === 4) break;
    assertEquals(received, ["joined", ...numbers(3)]);
    wire.destroy();
  });
});

test("a writer that is ahead of the peer's Close has all its chunks sent, and one that failed holds up nothing", async () => {
  for (const fails of [false, true]) {
    await serving({ closeTimeout: LONG, onError: () => {} }, async (socket) => {
      const writer = socket.writable.getWriter();
      writer.closed.catch(() => {});
      for await (const message of socket) {
        for (const part of [1, 2, 3]) writer.write(`${message}${part}`).catch(() => {});
        if (fails) writer.write(Symbol() as unknown as string).catch(() => {});
        if (fails) writer.write("never sent").catch(() => {});
      }
    }, async ({ port }) => {
      const wire = await Wire.upgrade(port);
      wire.send(concat([...texts(1), clientClose(1000)]));
      assertEquals(await readFrames(wire), ["01", "02", "03", 1000]);
      wire.destroy();
    });
  }
});

test("a client of the library that closes right after its messages has them handled", async () => {
  const handled: unknown[] = [];
  await serving({}, async (socket) => {
    for await (const message of socket) {
      await sleep(1);
      handled.push(message);
      await socket.send(message);
    }
  }, async ({ open }) => {
    const socket = await open();
    for (const text of numbers(20)) socket.send(text);
    socket.close();
    assertEquals([await receiveAll(socket), (await socket.closed).closeCode], [[], 1000]);
  });
  assertEquals(handled, numbers(20));
});

test("an echo of the library answers a message whose Close comes later just the same", () =>
  serving({ closeTimeout: LONG }, echo, async ({ port }) => {
    const wire = await Wire.upgrade(port);
    for (const frame of [...texts(3), clientClose(1000)]) wire.send(frame);
    assertEquals(await readFrames(wire), [...numbers(3), 1000]);
    wire.destroy();
  }));
