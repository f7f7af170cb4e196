/**
 * What a client that behaves well notices of one that does not.
 *
 * @module
 */

import { test } from "node:test";
import { assert } from "#std/assert";
import { Opcode } from "../../lib/protocol/frame.ts";
import {
  figure,
  MiB,
  onLinux,
  openSocket,
  soak,
  type Subject,
  upgradeAt,
  upgradeSocket,
  withServer,
} from "../faults/faulty.ts";
import { LONG } from "../support/long.ts";
import { runtimes } from "../support/runtimes.ts";
import { sleep } from "../support/serving.ts";
import type { Turns } from "../support/turns.ts";
import { clientFrame } from "../support/wire.ts";
import { echoed, feed, leave, repeated, tryThrice, waitsDuring } from "./attack.ts";

/** How many bytes an attacker sends, headers included. */
const FLOOD = (soak ? 64 : LONG ? 16 : 4) * MiB;
/** How long a turn may take that does something, of 100 turns 99, in milliseconds of processor. */
const TURN = 20;
/** How long a good client may wait for an echo more than it does in quiet, of 100 times 99, in milliseconds. */
const WAIT = 50;

const fragment = clientFrame(Opcode.Continuation, "x", false);
const empties = repeated(clientFrame(Opcode.Continuation, "", false), 1_000);

/** What is sent once and what is sent again and again. */
const floods: Readonly<Record<string, readonly [first: Uint8Array, again: Uint8Array]>> = {
  "messages of a byte": [new Uint8Array(0), clientFrame(Opcode.Binary, "x")],
  "Pings": [new Uint8Array(0), clientFrame(Opcode.Ping, "x")],
  "fragments of a byte": [clientFrame(Opcode.Text, "x", false), fragment],
  "empty fragments": [clientFrame(Opcode.Text, "x", false), Uint8Array.of(...empties, ...fragment)],
};

for (const runtime of runtimes) {
  for (const [what, [first, again]] of Object.entries(floods)) {
    test(
      `${runtime}: while one peer sends ${what} as fast as it can, others have their turn`,
      onLinux,
      () =>
        withServer(runtime, ["--turns", `--max-message-size=${FLOOD}`], async (server) => {
          const wire = await upgradeAt(server, "/echo");
          const attack = async () => {
            const waits = await waitsDuring(() => flood(server, first, again), () => echoed(wire, "and me?"));
            const turns = JSON.parse((await server.page("/turns")).body) as Turns;
            return { waits, turns };
          };
          await attack();
          const quiet = await waitsDuring(() => sleep(300), () => echoed(wire, "all quiet"));
          await server.page("/turns");
          const isFine = ({ waits, turns }: Awaited<ReturnType<typeof attack>>) =>
            turns.p99 < TURN && waits.p99 < WAIT + quiet.longest;
          const seen = await tryThrice(attack, isFine);
          wire.destroy();
          figure(runtime, what, JSON.stringify(seen), "quiet", JSON.stringify(quiet));
          assert(isFine(seen), JSON.stringify(seen));
        }),
    );
  }
}

/** Sends as fast as it goes, reads what comes back, and leaves. */
async function flood(server: Subject, first: Uint8Array, again: Uint8Array): Promise<void> {
  const socket = await openSocket(server.port);
  await upgradeSocket(socket, "/echo");
  socket.on("data", () => {}).resume();
  socket.write(first);
  const bytes = repeated(again, Math.ceil(65_536 / again.length));
  await feed(socket, bytes, Math.floor(FLOOD / bytes.length));
  await leave(socket);
}
