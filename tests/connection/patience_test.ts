/**
 * What a connection tells its keepalive, and does for it. When a peer is dead is in keepalive_test.ts.
 *
 * @module
 */

import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { Opcode } from "../../lib/protocol/frame.ts";
import { type Clock, withClock } from "../support/clock.ts";
import { clientFrame } from "../support/wire.ts";
import { RecordingTransport, serverOver } from "./recording_transport.ts";

const MIB = 1_048_576;
const INTERVAL = 100;
const TIMEOUT = 20;
/** From the last timeout to the verdict. */
const GRACE = 50;
/** How long a peer is silent before it is cut if it has nothing to read, and if it has. */
const SOON = INTERVAL + TIMEOUT + GRACE;
const LATE = INTERVAL + 12 * TIMEOUT + GRACE;

interface Scene {
  readonly clock: Clock;
  readonly transport: RecordingTransport;
  readonly connection: ReturnType<typeof serverOver>;
}

/** Plays a scene; returns after how long the connection was cut, the Pings that were sent, and how many timers were left. */
function play(scene: (scene: Scene) => void, until = 1_000) {
  return withClock((clock) => {
    const transport = new RecordingTransport();
    transport.defer = () => transport.sink.flush();
    const keepalive = { interval: INTERVAL, timeout: TIMEOUT };
    const connection = serverOver(transport, { keepalive, highWaterMark: 10, closeTimeout: Infinity });
    const start = clock.now;
    let cut: number | undefined;
    const pings: number[] = [];
    transport.destroy = () => {
      cut ??= clock.now - start;
      transport.sink.gone();
    };
    const { write } = transport;
    transport.write = (bytes) => {
      if (bytes[0] === 0x89) pings.push(clock.now - start);
      return write.call(transport, bytes);
    };
    scene({ clock, transport, connection });
    clock.advance(start + until - clock.now);
    connection.abort();
    return { cut, pings, timers: clock.timers };
  });
}

const rows: readonly (readonly [name: string, scene: (scene: Scene) => void, cut: number | undefined])[] = [
  ["a peer that has nothing to read has one timeout to answer a Ping", () => {}, SOON],
  ["a peer that something waits for to be sent has twelve", ({ transport, connection }) => {
    transport.busy = true;
    connection.send("it waits").catch(() => {});
  }, LATE],
  [
    "a peer has twelve, too, to read what was waiting and is with the kernel now",
    ({ transport, connection }) => {
      transport.busy = true;
      connection.send(new Uint8Array(MIB));
      transport.busy = false;
      transport.sink.drain();
      assertEquals(connection.bufferedAmount, 0);
    },
    LATE,
  ],
  ["a peer that was heard of since has read that, and has one", ({ transport, connection }) => {
    transport.busy = true;
    connection.send(new Uint8Array(MIB));
    transport.busy = false;
    transport.sink.drain();
    transport.sink.data(clientFrame(Opcode.Pong));
  }, SOON],
  ["a peer that sends a byte now and then is alive", ({ transport, clock }) => {
    for (const byte of clientFrame(Opcode.Pong, "slow but alive")) {
      transport.sink.data(Uint8Array.of(byte));
      clock.advance(INTERVAL / 2);
    }
  }, 10 * INTERVAL + TIMEOUT + GRACE],
  ["a peer that reads inside of a write is alive", ({ transport, connection, clock }) => {
    const end = clock.now + 500;
    transport.lookForProgress = () => void (clock.now < end && transport.sink.progress!());
    transport.busy = true;
    connection.send("it waits").catch(() => {});
  }, undefined],
  ["a peer that reads one write after the other is alive", ({ transport, connection, clock }) => {
    const end = clock.now + 500;
    transport.lookForProgress = () => void (clock.now < end && transport.sink.drain());
    transport.busy = true;
    connection.send(new Uint8Array(16 * MIB)).catch(() => {});
  }, undefined],
];

for (const [name, scene, expected] of rows) {
  test(name, () => {
    const { cut, timers } = play(scene, 2_000);
    if (expected !== undefined) assertEquals(cut, expected);
    else {assertEquals(
        cut! >= 500 + LATE - INTERVAL && cut! <= 500 + LATE + INTERVAL,
        true,
        `cut after ${cut}`,
      );}
    assertEquals(timers, 0);
  });
}

test("while we do not read ourselves, Pings go out in half the timeout, so that the peer hears of us", () => {
  const { cut, pings } = play(({ transport, connection }) => {
    connection.closed.catch(() => {});
    transport.sink.data(clientFrame(Opcode.Text, "nobody reads it"));
    assertEquals(transport.told.at(-1), "pause");
  }, 150);
  assertEquals({ cut, pings }, { cut: 150, pings: [100, 120, 130, 140, 150] });
});

test("a peer that reads too little is sent no Ping on top of what waits", () => {
  const { cut } = play(({ transport, connection, clock }) => {
    transport.busy = true;
    connection.send(new Uint8Array(MIB)).catch(() => {});
    const waits = connection.bufferedAmount;
    clock.advance(INTERVAL);
    assertEquals(connection.bufferedAmount, waits);
  });
  assertEquals(cut, LATE);
});

test("nothing is asked of a peer whose Close waits: it has no more to say", () => {
  const { cut, pings } = play(({ connection, transport }) => {
    connection[Symbol.asyncIterator]().next();
    for (const text of ["taken", "not asked for"]) transport.sink.data(clientFrame(Opcode.Text, text));
    transport.sink.data(clientFrame(Opcode.Close));
  });
  assertEquals({ cut, pings }, { cut: 1_000, pings: [] });
});

test("nothing is asked of a peer when the connection has ended", () => {
  const { cut, timers } = play(({ connection, transport }) => {
    connection.close();
    transport.sink.data(clientFrame(Opcode.Close));
  });
  assertEquals({ cut, timers }, { cut: 1_000, timers: 0 });
});

test("connections with the same options share their timers, and leave none", () => {
  for (const reading of [true, false]) {
    for (const keepalive of [{ interval: 2, timeout: Infinity }, { interval: 2, timeout: 4 }]) {
      withClock((clock) => {
        let pings = 0;
        const connections = Array.from({ length: 20 }, () => {
          const transport = new RecordingTransport();
          transport.defer = () => transport.sink.flush();
          transport.destroy = () => transport.sink.gone();
          transport.write = (bytes) => (pings += Number(bytes[0] === 0x89), true);
          const connection = serverOver(transport, { keepalive, highWaterMark: 1 });
          if (!reading) transport.sink.data(clientFrame(Opcode.Text, "nobody reads it"));
          connection.closed.catch(() => {});
          return connection;
        });
        let most = 0;
        for (let i = 0; i < 40; i++) {
          clock.advance(1);
          most = Math.max(most, clock.timers);
        }
        for (const connection of connections) connection.abort();
        assertEquals([pings >= 20, most, clock.timers], [true, 1, 0]);
      });
    }
  }
});
