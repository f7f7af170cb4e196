/**
 * A member that stops reading among many: the others lose nothing, and do not wait.
 *
 * @module
 */

import { assert, assertEquals } from "#std/assert";
import type { Socket } from "node:net";
import { test } from "node:test";
import { connect } from "../../lib/adapters/node.ts";
import type { WebSocketConnection } from "../../mod.ts";
import { figure, inMiB, openSocket, SLACK, upgradeSocket } from "../faults/faulty.ts";
import type { GroupsReport } from "../servers/groups.ts";
import { LONG } from "../support/long.ts";
import { type Runtime, runtimes, startServer } from "../support/runtimes.ts";
import { receive, sleep, until } from "../support/serving.ts";
import { Listener } from "./listener.ts";
import { slowdown } from "../support/patience.ts";

const MEMBERS = 1_000;
const BOUND = 1 << 20;
/** How many messages are timed, and the time from one to the next, in milliseconds. */
const [MESSAGES, INTERVAL] = [50, 25] as const;
/** More than the kernel takes for a reader that does not read, in messages of 64 KiB. */
const FILLING = 160;

/** A server, its controller, and 1,000 members who read. */
class Room {
  readonly listeners: Listener[] = [];
  readonly #control: WebSocketConnection;
  readonly port: number;

  constructor(port: number, control: WebSocketConnection) {
    this.port = port;
    this.#control = control;
  }

  async fill(): Promise<void> {
    while (this.listeners.length < MEMBERS) {
      const more = Array.from(
        { length: 50 },
        (_, i) => Listener.open(this.port, `/m${this.listeners.length + i}`),
      );
      this.listeners.push(...await Promise.all(more));
    }
  }

  async report(): Promise<GroupsReport> {
    await this.#control.send("counts");
    return JSON.parse(`${await receive(this.#control)}`);
  }

  /** Adds a member who does not read, and sends it more than its bound. */
  async stall(name: string): Promise<Socket> {
    const socket = await openSocket(this.port);
    await upgradeSocket(socket, `/${name}`);
    for (let i = 0; i < FILLING; i += 8) {
      await this.#control.send(`fill ${name} 8 65536`);
      await sleep(5);
    }
    return socket;
  }

  /** Publishes at a steady pace; returns how long 99 of 100 deliveries took at most, in milliseconds. */
  async time(): Promise<number> {
    for (const listener of this.listeners) listener.times.length = 0;
    for (let i = 0; i < MESSAGES; i++) {
      const bytes = new Uint8Array(64);
      new DataView(bytes.buffer).setFloat64(0, performance.now());
      await this.#control.send(bytes);
      await sleep(INTERVAL);
    }
    await until(() => this.listeners.every(({ times }) => times.length === MESSAGES));
    const times = this.listeners.flatMap(({ times }) => times).sort((a, b) => a - b);
    return times[Math.floor(times.length * 0.99)]!;
  }

  close(): void {
    this.#control.abort();
    for (const { socket } of this.listeners) socket.destroy();
  }
}

async function inRoom(
  runtime: Runtime,
  policy: string,
  run: (room: Room) => Promise<void>,
): Promise<void> {
  const args = ["--slow-consumer", policy, "--max-buffered", `${BOUND}`];
  const server = await startServer(runtime, "tests/servers/groups.ts", args);
  const port = Number(new URL(server.url).port);
  const room = new Room(port, await connect(`${server.url}/control`));
  try {
    await room.fill();
    await run(room);
  } finally {
    room.close();
    await server.stop();
  }
}

/** What a member that stops reading cost. */
interface Cost {
  /** How many times longer 99 of 100 deliveries to the others took. */
  readonly ratio: number;
  /** By how much the process grew, in bytes. */
  readonly grown: number;
  /** How many messages it missed. */
  readonly dropped: number;
  readonly end: GroupsReport;
}

async function measure(room: Room, name: string): Promise<Cost> {
  const alone = await room.time();
  const before = await room.report();
  const stalled = await room.stall(name);
  const after = await room.report();
  const beside = await room.time();
  const end = await room.report();
  stalled.destroy();
  await sleep(100);
  const grown = Math.max(after.rss, end.rss) - before.rss;
  figure(name, `p99 ${alone.toFixed(1)} ms, beside it ${beside.toFixed(1)} ms, grew by ${inMiB(grown)},`);
  figure(name, `${inMiB(end.buffered)} wait, ${end.dropped - before.dropped} dropped, ${end.closed} closed`);
  return { ratio: beside / alone, grown, dropped: end.dropped - before.dropped, end };
}

const POLICIES = ["wait", "drop", "close"] as const;

for (const [i, runtime] of runtimes.entries()) {
  // Each takes ten seconds: the others are for the long run.
  for (const policy of LONG ? POLICIES : [POLICIES[i]!]) {
    test(`${runtime}, ${policy}: a member that stops reading costs the other ${MEMBERS} nothing`, () =>
      inRoom(runtime, policy, async (room) => {
        // The first makes the runtime take memory for itself. Others use the machine too: the best of some tries counts.
        await measure(room, `${runtime}-${policy}-0`);
        let tries = 1;
        let cost: Cost;
        do cost = await measure(room, `${runtime}-${policy}-${tries}`); while (
          (cost.ratio > 1.5 * slowdown() || cost.grown > BOUND + SLACK) && ++tries <= 4
        );
        const { ratio, grown, dropped, end } = cost;
        assert(ratio <= 1.5 * slowdown(), `the 99th percentile grew ${ratio} times`);
        assert(grown <= BOUND + SLACK, `it grew by ${inMiB(grown)}`);
        assert(dropped > 0 && end.buffered <= BOUND, JSON.stringify(end));
        const closing = policy === "close";
        assertEquals([end.closed, end.members], closing ? [tries + 1, MEMBERS] : [0, MEMBERS + 1]);
        assertEquals(room.listeners.filter(({ ended }) => ended).length, 0);
      }));
  }
}
