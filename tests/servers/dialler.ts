/**
 * Clients of Sluice in a process of their own, on any of the three runtimes: plain HTTP says what they do and tells what
 * became of them.
 *
 * @module
 */

import process from "node:process";
import type { ConnectOptions, WebSocketConnection, WebSocketError } from "../../mod.ts";
import { heapUsed } from "../support/heap.ts";
import { connect, serve } from "../support/sluice.ts";
import { timersRunning } from "../support/timers.ts";

/** What clients are to do. */
export interface Order {
  readonly url: string;
  readonly count: number;
  /** How many there are at a time. */
  readonly abreast: number;
  /** How many messages each sends; it takes each echo before it sends the next. */
  readonly messages: number;
  /** How a client ends what is still open: a Close, a cut, or not at all. */
  readonly end: "close" | "abort" | "wait";
  readonly options?: ConnectOptions;
}

/** What became of them. */
export interface Outcome {
  /** How often it ended how: as a refused handshake, or as `closed` did. */
  readonly ends: Record<string, number>;
  /** How many ended more than once. */
  endedTwice: number;
  /** How many got every echo, and a Close. */
  complete: number;
  /** How many closed cleanly by their own will without every echo. */
  incomplete: number;
  /** How many got something that was no echo. */
  wrong: number;
}

/** What is left in the process. */
export interface Remains {
  readonly heap: number;
  readonly timers: number;
  readonly uncaught: readonly string[];
}

const uncaught: string[] = [];
process.on("unhandledRejection", (error) => uncaught.push(`rejection: ${error}`));
process.on("uncaughtException", (error) => uncaught.push(`exception: ${error}`));

async function carryOut(order: Order): Promise<Outcome> {
  const outcome: Outcome = { ends: {}, endedTwice: 0, complete: 0, incomplete: 0, wrong: 0 };
  let begun = 0;
  const lanes = Array.from({ length: Math.min(order.abreast, order.count) }, async () => {
    while (begun < order.count) await dial(order, begun++, outcome);
  });
  await Promise.all(lanes);
  return outcome;
}

async function dial(order: Order, index: number, outcome: Outcome): Promise<void> {
  let ends = 0;
  const end = (how: string) => {
    outcome.ends[how] = (outcome.ends[how] ?? 0) + 1;
    if (++ends > 1) outcome.endedTwice++;
  };
  let socket: WebSocketConnection;
  try {
    socket = await connect(order.url, order.options);
  } catch (error) {
    return end(`handshake ${(error as { code?: string }).code}`);
  }
  const closed = socket.closed.then(
    ({ closeCode }) => end(`${closeCode}`),
    ({ closeCode, code }: WebSocketError) => end(`${closeCode} ${code}`),
  );
  const echoes = await converse(socket, order.messages, index);
  if (echoes === undefined) outcome.wrong++;
  if (order.end === "abort") socket.abort();
  else if (order.end === "close") socket.close();
  await closed;
  const clean = await socket.closed.then(() => true, () => false);
  if (clean && order.end === "close") echoes === order.messages ? outcome.complete++ : outcome.incomplete++;
}

/** Sends and takes echoes; returns how many came, or nothing if one was wrong. */
async function converse(
  socket: WebSocketConnection,
  messages: number,
  index: number,
): Promise<number | undefined> {
  let i = 0;
  try {
    const received = socket[Symbol.asyncIterator]();
    for (; i < messages; i++) {
      const text = `${index} ${i} `.repeat(1 + (index * 31 + i * 977) % 400);
      socket.send(text);
      const { done, value } = await received.next();
      if (done) return i;
      if (value !== text) return undefined;
    }
  } catch {
    // It ended.
  }
  return i;
}

const server = await serve({
  hostname: "127.0.0.1",
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/order") return Response.json(await carryOut(await request.json() as Order));
    const remains: Remains = { heap: await heapUsed(), timers: timersRunning(), uncaught };
    return Response.json(remains);
  },
}, (socket) => socket.closed);

const { address } = server;
if ("port" in address) console.log(`listening on http://${address.hostname}:${address.port}`);
