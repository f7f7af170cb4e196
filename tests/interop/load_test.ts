import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import process from "node:process";
import { WebSocket } from "ws";
import { LONG } from "../support/long.ts";
import { runtimes } from "../support/runtimes.ts";
import { useServers } from "./servers.ts";

const CONNECTIONS = 200;
const MESSAGES = LONG ? 1_000 : 200;
/** How many messages of one connection are on their way at a time. */
const IN_FLIGHT = 16;

const SEED = Number(process.env.SLUICE_SEED || 1);

/** Which share of the messages is how long, at most: most are short, and all three forms of length occur. */
const SIZES: readonly (readonly [share: number, longest: number])[] = [
  [0.9, 125],
  [0.09, 1_000],
  [0.009, 8_000],
  [0.001, 70_000],
];

/** A message: where in the pool its bytes lie, and whether it is a text. */
interface Planned {
  readonly text: boolean;
  readonly bytes: Uint8Array;
}

const POOL_SIZE = 1 << 20;
const pool = makePool();

const urlOf = useServers(
  Object.fromEntries(runtimes.map((runtime) => [runtime, { runtime, script: "echo.ts" }])),
);

for (const runtime of runtimes) {
  const name = `the server on ${runtime} echoes ${CONNECTIONS} times ${MESSAGES} messages, all in order`;
  test(name, async () => {
    const url = urlOf(runtime);
    const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => open(url)));
    try {
      const results = await Promise.all(sockets.map((socket, i) => converse(socket, plan(i))));
      assertEquals(results.filter((result) => result !== "complete"), [], `SLUICE_SEED=${SEED}`);
    } finally {
      for (const socket of sockets) socket.terminate();
    }
  });
}

test("the plan has messages of every form of length, and empty ones", () => {
  const lengths = Array.from({ length: CONNECTIONS }, (_, i) => plan(i)).flat().map(({ bytes }) =>
    bytes.length
  );
  for (const [from, to] of [[0, 1], [1, 126], [126, 65_536], [65_536, 70_001]] as const) {
    assert(lengths.some((length) => length >= from && length < to), `none from ${from} to ${to}`);
  }
});

function open(url: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    socket.on("open", () => resolve(socket));
    socket.on("error", reject);
  });
}

/** Sends all messages, a few ahead of the echoes, and holds each echo to what was sent. Says how that went. */
function converse(socket: WebSocket, messages: readonly Planned[]): Promise<string> {
  return new Promise((resolve) => {
    let sent = 0;
    let received = 0;
    const send = () => {
      const { text, bytes } = messages[sent++]!;
      socket.send(bytes, { binary: !text });
    };
    socket.on("message", (data: Buffer, binary) => {
      const { text, bytes } = messages[received]!;
      if (binary === text || !data.equals(bytes)) return resolve(`echo ${received} is another message`);
      received++;
      if (sent < messages.length) send();
      else if (received === messages.length) socket.close(1000);
    });
    socket.on("close", (code) => {
      const complete = received === messages.length && code === 1000;
      resolve(complete ? "complete" : `closed with ${code} behind ${received} echoes`);
    });
    while (sent < IN_FLIGHT) send();
  });
}

/** The messages of one connection, the same for the same seed. */
function plan(connection: number): Planned[] {
  const random = makeRandom(SEED + connection * 7_919);
  return Array.from({ length: MESSAGES }, () => {
    let pick = random();
    const [, longest] = SIZES.find(([share]) => (pick -= share) < 0) ?? SIZES[0]!;
    const size = Math.floor(random() * (longest + 1));
    const start = Math.floor(random() * (POOL_SIZE - size));
    return { text: random() < 0.5, bytes: pool.subarray(start, start + size) };
  });
}

/** Random letters: any part of them is a text as well. */
function makePool(): Uint8Array {
  const random = makeRandom(SEED);
  return Uint8Array.from({ length: POOL_SIZE }, () => 33 + Math.floor(random() * 94));
}

/** Numbers from 0 to 1 that look random (mulberry32). */
function makeRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
