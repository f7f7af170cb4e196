/**
 * What the attacks share: sockets that send whatever they like, what a server grows by beside a plain socket that is fed
 * the same bytes, and how long others wait meanwhile.
 *
 * @module
 */

import { assert, assertEquals } from "#std/assert";
import type { Socket } from "node:net";
import { test } from "node:test";
import { figure, inMiB, onLinux, openSocket, SLACK, type Subject, withServer } from "../faults/faulty.ts";
import { Opcode } from "../../lib/protocol/frame.ts";
import type { Runtime } from "../support/runtimes.ts";
import { settlesInTime, sleep } from "../support/serving.ts";
import { clientFrame, UPGRADE, Wire } from "../support/wire.ts";
import { slowdown } from "../support/patience.ts";

/** One kibibyte. */
export const KiB = 1_024;

/** What is attacked: a server of Sluice's, or a plain socket that reads and throws away. */
export interface Target {
  readonly server: Subject;
  readonly plain: boolean;
}

/** Connects, and shakes hands; a plain socket gets the same bytes. The socket is not read from. */
export async function enter({ server, plain }: Target, head: string = UPGRADE): Promise<Socket> {
  const socket = await openSocket(server.port);
  socket.write(head);
  if (!plain) {
    const answer = new Promise<Uint8Array>((resolve) => socket.once("data", resolve));
    assert(await settlesInTime(answer, 10_000), "no answer to the handshake");
    assertEquals(new TextDecoder().decode(await answer).slice(0, 13), "HTTP/1.1 101 ");
  }
  return socket.pause();
}

/** Connects many times, some at a time. */
export async function enterAll(target: Target, count: number, head?: string): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(100, count - sockets.length) }, () => enter(target, head));
    sockets.push(...await Promise.all(some));
  }
  return sockets;
}

/** Sends the same bytes again and again, as fast as they are taken, or until the peer has gone. */
export async function feed(socket: Socket, bytes: Uint8Array, times: number): Promise<void> {
  for (let i = 0; i < times && !socket.destroyed; i++) {
    await new Promise((resolve) => socket.write(bytes, resolve));
  }
}

/** Ends our direction, and waits until the peer has read everything and ended its own. */
export async function leave(socket: Socket): Promise<void> {
  const over = new Promise((resolve) => socket.once("end", resolve).once("close", resolve));
  socket.resume().end();
  assert(socket.destroyed || await settlesInTime(over, 20_000), "the server does not end the stream");
  socket.destroy();
}

/** Puts `count` copies of a frame behind one another. */
export function repeated(frame: Uint8Array, count: number): Uint8Array {
  const bytes = new Uint8Array(frame.length * count);
  for (let at = 0; at < bytes.length; at += frame.length) bytes.set(frame, at);
  return bytes;
}

/** An attack whose cost in memory is bounded. */
export interface Bounded {
  readonly name: string;
  /** What Sluice's process may grow by beyond the plain socket's, in bytes; what the runtime takes comes on top. */
  readonly bound: number;
  /** Flags of the server. */
  readonly args?: readonly string[];
  /** What is done; with a tenth of its size to warm up. */
  attack(target: Target, scale: number): Promise<void>;
}

/** Tests on one runtime that an attack costs no more memory than it may. */
export function testBound(runtime: Runtime, { name, bound, args = [], attack }: Bounded): void {
  test(`${runtime}: ${name}`, onLinux, async () => {
    const plain = await growth(runtime, "sink.ts", [], (server) => ({ server, plain: true }), attack);
    const ours = await growth(runtime, "echo.ts", args, (server) => ({ server, plain: false }), attack);
    figure(runtime, `${name}: grew by`, inMiB(ours), "beside", inMiB(plain), "bound", inMiB(bound));
    assert(ours - plain <= bound + SLACK, `it grew by ${inMiB(ours)}, a plain socket by ${inMiB(plain)}`);
  });
}

async function growth(
  runtime: Runtime,
  script: string,
  args: readonly string[],
  targetOf: (server: Subject) => Target,
  attack: Bounded["attack"],
): Promise<number> {
  let grown = 0;
  await withServer(runtime, args, async (server) => {
    await attack(targetOf(server), 0.1);
    await sleep(100);
    server.forgetPeak();
    const before = server.memory().now;
    await attack(targetOf(server), 1);
    grown = server.memory().peak - before;
    if (script === "echo.ts") await isWell(server);
  }, script);
  return grown;
}

/** Checks that a server still serves, and has had nothing to complain of. */
export async function isWell(server: Subject): Promise<void> {
  assert(server.alive(), server.output());
  const wire = await Wire.upgrade(server.port);
  await echoed(wire, "still there");
  wire.destroy();
  assertEquals(server.output().trim().split("\n").length, 1, server.output());
}

/** Runs something against an echo server, which must be well behind it. */
export function withEcho(
  runtime: Runtime,
  args: readonly string[],
  run: (server: Subject) => Promise<void>,
): Promise<void> {
  return withServer(runtime, args, async (server) => {
    await run(server);
    await isWell(server);
  }, "echo.ts");
}

/** Sends a text and takes its echo. */
export async function echoed(wire: Wire, text: string): Promise<void> {
  wire.send(clientFrame(Opcode.Text, text));
  assertEquals(new TextDecoder().decode((await wire.frame()).payload), text);
}

/** How long somebody waited, again and again, in milliseconds of an idle machine. */
export interface Waits {
  readonly p99: number;
  readonly longest: number;
  readonly count: number;
}

/** Does something again and again while something else is under way, and tells how long it took each time. */
export async function waitsDuring(
  work: () => Promise<unknown>,
  again: () => Promise<unknown>,
): Promise<Waits> {
  let over = false;
  const working = work().finally(() => over = true);
  const times: number[] = [];
  while (!over) {
    const start = performance.now();
    await again();
    times.push((performance.now() - start) / slowdown());
    await sleep(1);
  }
  await working;
  times.sort((a, b) => a - b);
  return { p99: times[Math.floor(times.length * 0.99)]!, longest: times.at(-1)!, count: times.length };
}

/** Measures up to three times until it is good: the machine is shared, and what holds in one of three tries holds. */
export async function tryThrice<T>(measure: () => Promise<T>, isGood: (seen: T) => boolean): Promise<T> {
  let seen = await measure();
  for (let i = 0; i < 2 && !isGood(seen); i++) seen = await measure();
  return seen;
}
