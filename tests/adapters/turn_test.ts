import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { goOnBehindLook, goOnInNextTurn, turnIsOver } from "../../lib/adapters/turn.ts";
import type { TransportSink } from "../../lib/connection/transport.ts";
import { until } from "../support/serving.ts";

const goOnLater = "Deno" in globalThis ? goOnBehindLook : goOnInNextTurn;

/** Keeps the processor busy. */
function work(time: number): void {
  const end = performance.now() + time;
  while (performance.now() < end) { /* busy */ }
}

/** A transport whose peer floods it: each turn takes a millisecond, and there is always another. */
class Flooded {
  readonly sink = { goOn: () => this.#goOn() } as unknown as TransportSink;
  readonly open = true;
  due = false;
  turns = 0;
  #left: number;

  constructor(turns: number) {
    this.#left = turns;
    goOnLater(this);
  }

  #goOn(): void {
    work(1);
    this.turns++;
    if (--this.#left > 0) goOnLater(this);
  }
}

test("however many peers flood us, others are looked at after a few of their turns", async () => {
  const all = Array.from({ length: 40 }, () => new Flooded(4));
  const total = () => all.reduce((sum, { turns }) => sum + turns, 0);
  // What a timer counts, a socket could have been read from.
  const counts: number[] = [];
  while (total() < 160) {
    const before = total();
    await new Promise((resolve) => setTimeout(resolve));
    counts.push(total() - before);
  }
  assert(Math.max(...counts) < 40, `${Math.max(...counts)} turns at once`);
});

test("sockets are read from after a few turns of a flood, even where the loop has always something to do", async () => {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(socket, "connect");
  let busy = true;
  const keepBusy = () => busy && setImmediate(keepBusy);
  keepBusy();
  const flooded = new Flooded(600);
  const counts: number[] = [];
  while (flooded.turns < 600) {
    const before = flooded.turns;
    socket.write("and me?");
    await once(socket, "data");
    counts.push(flooded.turns - before);
  }
  busy = false;
  socket.destroy();
  server.close();
  assert(Math.max(...counts) < 60, `${Math.max(...counts)} turns before an echo`);
});

test("a turn is over once those that were read from in it have needed some milliseconds, and then another begins", async () => {
  await new Promise((resolve) => setImmediate(resolve));
  const atFirst = turnIsOver();
  work(5);
  const later = turnIsOver();
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals({ atFirst, later, inTheNext: turnIsOver() }, {
    atFirst: false,
    later: true,
    inTheNext: false,
  });
});

test("those who have had their turn get the next in the order in which they had it", async () => {
  const order: number[] = [];
  for (let i = 0; i < 20; i++) {
    const transport = {
      sink: {
        goOn() {
          work(0.5);
          order.push(i);
        },
      } as unknown as TransportSink,
      open: true,
      due: false,
    };
    goOnLater(transport);
  }
  await until(() => order.length === 20);
  // On Deno one of eight waits longer than the others.
  if (!("Deno" in globalThis)) assertEquals(order, Array.from({ length: 20 }, (_, i) => i));
  assertEquals(order.toSorted((a, b) => a - b), Array.from({ length: 20 }, (_, i) => i));
});

test("one that is gone by then has no turn, and keeps nobody from theirs", async () => {
  let turns = 0;
  const sink = { goOn: () => void turns++ } as unknown as TransportSink;
  for (let i = 0; i < 20; i++) goOnLater({ sink, open: i % 2 === 0, due: false });
  await until(() => turns === 10);
});
