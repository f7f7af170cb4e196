/**
 * Many small things from one peer: Pings, fragments, empty fragments, messages, bytes.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import type { Socket } from "node:net";
import { Opcode } from "../../lib/protocol/frame.ts";
import { figure, MiB, onLinux, soak } from "../faults/faulty.ts";
import { runtimes } from "../support/runtimes.ts";
import { settlesInTime } from "../support/serving.ts";
import { clientClose, clientFrame, Wire } from "../support/wire.ts";
import { enter, feed, KiB, leave, repeated, testBound, withEcho } from "./attack.ts";

const PINGS = soak ? 1_000_000 : 100_000;
/** More than the kernel takes for a socket that nobody reads from: their Pongs have 50 MB. */
const UNREAD_PINGS = soak ? 1_000_000 : 400_000;
const FRAGMENTS = 1_000_000;
const EMPTY_FRAGMENTS = 1_000_000;
/** How many may come in a row, by default. */
const MAX_EMPTY = 1_024;
const SLICED = soak ? MiB : 64 * KiB;

const AT_ONCE = 1_000;
const PING = clientFrame(Opcode.Ping, new Uint8Array(125));
const fragment = (opcode: Opcode, payload: string) => clientFrame(opcode, payload, false);

for (const runtime of runtimes) {
  testBound(runtime, {
    name: `${PINGS} Pings from a peer that reads nothing cost less than 1 MiB`,
    bound: MiB,
    async attack(target, scale) {
      const socket = await enter(target);
      await feed(socket, repeated(PING, AT_ONCE), PINGS * scale / AT_ONCE);
      await leave(socket);
    },
  });

  test(
    `${runtime}: of ${UNREAD_PINGS} Pings that nobody waits for, the last is answered, and only once`,
    onLinux,
    () =>
      withEcho(runtime, ["--keepalive", "off"], async (server) => {
        const socket = await enter({ server, plain: false });
        await feed(socket, repeated(PING, AT_ONCE), UNREAD_PINGS / AT_ONCE);
        socket.write(clientFrame(Opcode.Ping, "the last"));
        const pongs = await readPongs(socket, "the last");
        // What the kernel takes is out of our hands: those Pongs were not pending any more.
        figure(runtime, pongs.length, "of", UNREAD_PINGS, "Pings were answered");
        assert(pongs.length < UNREAD_PINGS, "every Ping was answered although nobody read");
        assertEquals(pongs.filter((text) => text === "the last").length, 1);
        assertEquals(pongs.at(-1), "the last");
      }),
  );

  testBound(runtime, {
    name: `a message in ${FRAGMENTS} fragments of a byte costs twice its length at most`,
    bound: 2 * FRAGMENTS,
    async attack(target, scale) {
      const socket = await enter(target);
      const count = FRAGMENTS * scale;
      await feed(socket, fragment(Opcode.Binary, "x"), 1);
      await feed(socket, repeated(fragment(Opcode.Continuation, "x"), AT_ONCE), count / AT_ONCE - 1);
      await leave(socket);
    },
  });

  test(
    `${runtime}: a message in ${FRAGMENTS} fragments of a byte arrives`,
    onLinux,
    () =>
      withEcho(runtime, [], async (server) => {
        const socket = await enter({ server, plain: false });
        await feed(socket, fragment(Opcode.Binary, "x"), 1);
        await feed(socket, repeated(fragment(Opcode.Continuation, "x"), AT_ONCE), FRAGMENTS / AT_ONCE);
        socket.write(clientFrame(Opcode.Continuation, "!"));
        const wire = Wire.over(socket.resume());
        const { payload } = await wire.frame();
        assertEquals([payload.length, payload.at(-1)], [FRAGMENTS + 2, 0x21]);
        wire.destroy();
      }),
  );

  testBound(runtime, {
    name: `${EMPTY_FRAGMENTS} empty fragments, with a byte now and then, cost less than 1 MiB`,
    bound: MiB,
    async attack(target, scale) {
      const socket = await enter(target);
      await feed(socket, fragment(Opcode.Text, "x"), 1);
      const row = repeated(fragment(Opcode.Continuation, ""), MAX_EMPTY);
      const byte = fragment(Opcode.Continuation, "x");
      for (let sent = 0; sent < EMPTY_FRAGMENTS * scale; sent += MAX_EMPTY) {
        await feed(socket, row, 1);
        await feed(socket, byte, 1);
      }
      if (!target.plain) assertEquals(await isOpen(socket), true, "it was closed");
      await leave(socket);
    },
  });

  test(
    `${runtime}: one empty fragment too many in a row is closed with 1008`,
    onLinux,
    () =>
      withEcho(runtime, [], async (server) => {
        const wire = await Wire.upgrade(server.port);
        wire.send(fragment(Opcode.Text, "x"));
        wire.send(repeated(fragment(Opcode.Continuation, ""), MAX_EMPTY));
        wire.send(clientFrame(Opcode.Ping, "so far"));
        assertEquals((await wire.frame()).opcode, Opcode.Pong);
        wire.send(fragment(Opcode.Continuation, ""));
        assertEquals(await wire.closeCode(), 1008);
        wire.destroy();
      }),
  );

  testBound(runtime, {
    name: `a frame of ${SLICED / KiB} KiB, cut into packets of a byte, costs 2 MiB at most`,
    bound: 2 * MiB,
    async attack(target, scale) {
      const socket = await enter(target);
      await slice(socket, clientFrame(Opcode.Binary, new Uint8Array(SLICED * scale)));
      await leave(socket);
    },
  });
}

/** Reads up to the answer to a Ping, closes, and returns what Pongs came in all. */
async function readPongs(socket: Socket, last: string): Promise<string[]> {
  const chunks: Buffer[] = [];
  const over = new Promise((resolve) => socket.once("end", resolve));
  socket.on("data", (bytes: Buffer) => {
    chunks.push(bytes);
    if (bytes.toString("latin1").endsWith(last)) socket.write(clientClose(1000));
  }).resume();
  assert(await settlesInTime(over, 20_000), "the last Ping is not answered");
  socket.destroy();
  const bytes = Buffer.concat(chunks);
  const pongs: string[] = [];
  let at = 0;
  for (; bytes[at] === 0x8a; at += 2 + bytes[at + 1]!) {
    pongs.push(bytes.toString("latin1", at + 2, at + 2 + bytes[at + 1]!));
  }
  assertEquals(bytes.subarray(at).toString("hex"), "880203e8");
  return pongs;
}

/** Whether a Ping is answered. */
async function isOpen(socket: Socket): Promise<boolean> {
  const answer = new Promise<Uint8Array>((resolve) => socket.once("data", resolve));
  socket.write(clientFrame(Opcode.Ping, "open?"));
  socket.resume();
  return await settlesInTime(answer, 5_000) && (await answer)[0] === 0x8a;
}

/** Sends each byte in a packet of its own, as far as the kernels have it so. */
async function slice(socket: Socket, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at++) {
    const piece = bytes.subarray(at, at + 1);
    if (at % 16 !== 0) socket.write(piece);
    else await new Promise((resolve) => socket.write(piece, resolve));
  }
}
