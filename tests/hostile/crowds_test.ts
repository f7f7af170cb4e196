/**
 * Many peers that each do little: connect and say nothing, announce and send nothing, come when the house is full.
 *
 * @module
 */

import { test } from "node:test";
import { assert, assertEquals, assertLessOrEqual } from "#std/assert";
import type { Socket } from "node:net";
import { constants, deflateRawSync } from "node:zlib";
import { Opcode } from "../../lib/protocol/frame.ts";
import { headerSize, writeFrame } from "../../lib/protocol/frame_encoder.ts";
import {
  figure,
  inMiB,
  MiB,
  onLinux,
  openSocket,
  SLACK,
  soak,
  type Subject,
  upgradeAt,
  within,
  withServer,
} from "../faults/faulty.ts";
import type { Remains } from "../servers/dialler.ts";
import { LONG } from "../support/long.ts";
import { type Runtime, runtimes } from "../support/runtimes.ts";
import { receive, sleep } from "../support/serving.ts";
import { connect } from "../support/sluice.ts";
import { clientFrame, UPGRADE, Wire } from "../support/wire.ts";
import {
  echoed,
  enterAll,
  KiB,
  type Target,
  testBound,
  tryThrice,
  type Waits,
  waitsDuring,
  withEcho,
} from "./attack.ts";
import { Patience, slowdown } from "../support/patience.ts";

const CROWD = soak ? 5_000 : 1_000;
/** How long a handshake may take, in milliseconds. */
const HANDSHAKE = soak ? 10_000 : 2_000;
const KEEPALIVE = 1_000;

/** How many connections there may be where places are few. */
const PLACES = 50;
/** How many bytes of heap one that got none may leave: what is compiled meanwhile is shared by all. */
const LEFT = 200;
/** How many times connections compress at once until a runtime's heap is as large as that needs. */
const WAVES = 4;
const COMPRESSING = soak ? 1_000 : LONG ? 200 : 60;
/** How long the clients of these wait. */
const AMPLE = { handshakeTimeout: 60_000, closeTimeout: 60_000 };

const OFFER = UPGRADE.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
/** The head of a frame of 1 MiB, its masking key, and 10 bytes of it. */
const DECLARED = clientFrame(Opcode.Binary, new Uint8Array(MiB)).subarray(0, 24);
const COMPRESSED = compressedFrame("not to be sent as it is ".repeat(50));

for (const runtime of runtimes) {
  const flags = [`--handshake-timeout=${HANDSHAKE}`, "--close-timeout=500"];

  test(
    `${runtime}: ${CROWD} handshakes a byte at a time are ended on time, and others get in`,
    onLinux,
    () =>
      withEcho(runtime, flags, async (server) => {
        const seen = await tryThrice(() => dawdle(server), isInTime);
        const { shortest, longest, waits: { p99, count } } = seen;
        figure(runtime, "slow handshakes ended after", shortest.toFixed(0), "to", longest.toFixed(0), "ms");
        figure(runtime, "good handshakes meanwhile: p99", p99.toFixed(1), "ms of", count);
        assert(isInTime(seen), JSON.stringify(seen));
      }),
  );

  testBound(runtime, {
    name: `${CROWD} handshakes that do not end cost 6 KiB each at most`,
    bound: 6 * KiB * CROWD,
    args: ["--handshake-timeout=60000"],
    async attack({ server }, scale) {
      const sockets = await openAll(server, CROWD * scale);
      sockets.forEach((socket, i) => socket.write(UPGRADE.slice(0, i % 2 === 0 ? 1 : UPGRADE.length - 1)));
      await sleep(300);
      sockets.forEach((socket) => socket.destroy());
    },
  });

  const announced = `${runtime}: ${CROWD} frames of 1 MiB, announced and not sent, cost 1 KiB each at most`;
  test(announced, onLinux, async () => {
    const plain = await growthOfAnnouncing(runtime, { plain: true });
    const ours = await growthOfAnnouncing(runtime, { plain: false });
    figure(runtime, CROWD, "announced: grew by", inMiB(ours), "beside", inMiB(plain));
    assert(
      ours - plain <= KiB * CROWD + SLACK,
      `it grew by ${inMiB(ours)}, a plain socket by ${inMiB(plain)}`,
    );
  });

  testBound(runtime, {
    name: `${CROWD} idle connections that have compressed cost 20 KiB each at most`,
    bound: 20 * KiB * CROWD,
    args: ["--compression"],
    async attack(target, scale) {
      const sockets = await enterAll(target, CROWD * scale, OFFER);
      for (const socket of sockets) await compressedEcho(target, socket);
      await sleep(300);
      sockets.forEach((socket) => socket.destroy());
    },
  });

  test(
    `${runtime}: ${COMPRESSING} connections compress at once: in order, and nothing of it stays`,
    onLinux,
    () =>
      withEcho(runtime, ["--compression"], async (server) => {
        for (let i = 0; i < WAVES; i++) await compressAtOnce(server, COMPRESSING);
        const seen = await tryThrice(() => riseAndFall(server), ({ now, allowed }) => now <= allowed);
        figure(runtime, "base", inMiB(seen.base), "peak", inMiB(seen.peak), "in the end", inMiB(seen.now));
        assertLessOrEqual(seen.now, seen.allowed);
      }),
  );

  test(`${runtime}: ${CROWD} connections too many are answered with 503, and leave nothing`, onLinux, () => {
    const flags = [`--max-connections=${PLACES}`];
    return withServer(runtime, flags, (server) => fill(runtime, server));
  });
}

/** How much a server with many connections grows when all of them announce a large frame and send 10 bytes of it. */
async function growthOfAnnouncing(runtime: Runtime, { plain }: { plain: boolean }): Promise<number> {
  let grown = 0;
  await withServer(runtime, plain ? [] : [`--keepalive=${KEEPALIVE}`], async (server) => {
    const sockets = await enterAll({ server, plain }, CROWD);
    const before = server.memory().now;
    server.forgetPeak();
    for (const socket of sockets) socket.write(DECLARED);
    await sleep(KEEPALIVE / 4);
    grown = server.memory().peak - before;
    // A peer that goes silent in the middle of a frame is given up like any other.
    if (!plain) await within(2 * KEEPALIVE + 3_000, () => server.sockets(), 1);
    sockets.forEach((socket) => socket.destroy());
  }, plain ? "sink.ts" : "echo.ts");
  return grown;
}

/** How much memory a server has before, while and after many compress at once. */
async function riseAndFall(server: Subject) {
  await sleep(500);
  const base = server.memory().now;
  server.forgetPeak();
  await compressAtOnce(server, COMPRESSING);
  const { peak } = server.memory();
  const allowed = base + Math.max(0.2 * base, SLACK);
  const patience = new Patience(10_000);
  let { now } = server.memory();
  for (; now > allowed && !patience.isOver; now = server.memory().now) await sleep(20);
  return { base, peak, allowed, now };
}

/** Takes all places, and knocks again and again. */
async function fill(runtime: Runtime, server: Subject): Promise<void> {
  const inside = await Promise.all(Array.from({ length: PLACES }, () => upgradeAt(server, "/echo")));
  await knockAll(server);
  const before = await heapOf(server);
  const start = performance.now();
  await knockAll(server);
  const took = performance.now() - start;
  await within(2_000, () => server.sockets(), 1 + PLACES);
  const left = (await heapOf(server) - before) / CROWD;
  figure(runtime, CROWD, "refused in", took.toFixed(0), "ms, bytes left of each:", left.toFixed(1));
  assert(left < LEFT, `each leaves ${left} bytes`);
  for (const wire of inside) await echoed(wire, "inside");
  for (const wire of inside) wire.destroy();
  await within(2_000, () => server.sockets(), 1);
}

interface Dawdled {
  /** How long the server let a handshake last, in milliseconds. */
  readonly shortest: number;
  readonly longest: number;
  /** How long good clients' handshakes took meanwhile. */
  readonly waits: Waits;
}

function isInTime({ shortest, longest, waits: { p99 } }: Dawdled): boolean {
  return shortest > HANDSHAKE - 500 && longest < HANDSHAKE + 500 * slowdown() && p99 < 100 * slowdown();
}

/** Opens many handshakes, some silent, some a byte at a time, until the server has ended all. */
async function dawdle(server: Subject): Promise<Dawdled> {
  const ends: Promise<number>[] = [];
  const sockets = await openAll(server, CROWD, (socket) => ends.push(endOf(socket)));
  let lives: number[] = [];
  let at = 0;
  const timer = setInterval(() => {
    const byte = UPGRADE[at++ % 100]!;
    sockets.forEach((socket, i) => i % 2 === 0 && socket.writable && socket.write(byte));
  }, HANDSHAKE / 8);
  let waits: Waits;
  try {
    waits = await waitsDuring(async () => lives = await Promise.all(ends), async () => {
      (await Wire.upgrade(server.port)).destroy();
    });
    clearInterval(timer);
    // They end nothing themselves: closeTimeout does.
    await within(2_000, () => server.sockets(), 1);
  } finally {
    clearInterval(timer);
    sockets.forEach((socket) => socket.destroy());
  }
  return { shortest: Math.min(...lives), longest: Math.max(...lives), waits };
}

/** How long it takes from now until the peer ends the stream, in milliseconds. */
function endOf(socket: Socket): Promise<number> {
  const start = performance.now();
  return new Promise((resolve) => {
    const end = () => resolve(performance.now() - start);
    // Who is slow to read it may find a reset in its place.
    socket.on("end", end).on("close", end).on("data", () => {});
  });
}

/** Connects many times, some at a time; tells of each at once. */
async function openAll(server: Subject, count: number, onOpen?: (socket: Socket) => void): Promise<Socket[]> {
  const sockets: Socket[] = [];
  const open = async () => {
    const socket = await openSocket(server.port);
    onOpen?.(socket);
    return socket;
  };
  while (sockets.length < count) {
    sockets.push(...await Promise.all(Array.from({ length: Math.min(100, count - sockets.length) }, open)));
  }
  return sockets;
}

/** Sends a compressed message, and waits for its echo. */
async function compressedEcho({ plain }: Target, socket: Socket): Promise<void> {
  socket.write(COMPRESSED);
  if (plain) return;
  const echo = new Promise((resolve) => socket.once("data", resolve));
  socket.resume();
  await echo;
  socket.pause();
}

/** Connects many times; each sends compressed messages, all at once, and takes their echoes in order. */
async function compressAtOnce(server: Subject, count: number): Promise<void> {
  const url = `ws://127.0.0.1:${server.port}/`;
  await Promise.all(Array.from({ length: count }, async (_, i) => {
    const socket = await connect(url, { compression: true, keepalive: false, ...AMPLE });
    const texts = Array.from({ length: 10 }, (_, j) => `${i} ${j} `.repeat(150));
    for (const text of texts) socket.send(text);
    for (const text of texts) assertEquals(await receive(socket), text);
    socket.close();
    await socket.closed;
  }));
}

/** How many bytes of heap are in use when all is collected. */
async function heapOf(server: Subject): Promise<number> {
  return (JSON.parse((await server.page("/remains")).body) as Remains).heap;
}

/** Knocks as often as the crowd has members, some at a time. */
async function knockAll(server: Subject): Promise<void> {
  for (let i = 0; i < 10; i++) await knock(server, CROWD / 10);
}

/** Asks to be let in, many times at once; each must be told when to come again. */
async function knock(server: Subject, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, async () => {
    const wire = await Wire.open(server.port);
    wire.send(UPGRADE);
    const head = await wire.head();
    assertEquals([head.slice(0, 13), /\r\nRetry-After: 1\r\n/.test(head)], ["HTTP/1.1 503 ", true]);
    wire.destroy();
  }));
}

function compressedFrame(text: string): Uint8Array {
  const payload = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
  const bytes = new Uint8Array(headerSize(payload.length, true) + payload.length);
  writeFrame(bytes, 0, { fin: true, rsv1: true, opcode: Opcode.Text, payload }, 0x01020304);
  return bytes;
}
