/**
 * 10,000 connections held for ten minutes, of which one in a hundred says something every second.
 *
 * `SLUICE_HOLD` is how long, in seconds.
 *
 * @module
 */

import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { once } from "node:events";
import process from "node:process";
import { WebSocket } from "ws";
import { figure, inMiB, onLinux, SLACK, within, withServer } from "../faults/faulty.ts";
import { runtimes } from "../support/runtimes.ts";
import { sleep } from "../support/serving.ts";

const CONNECTIONS = 10_000;
const ACTIVE = CONNECTIONS / 100;
const SECONDS = Number(process.env.SLUICE_HOLD || 600);
/** How long an echo may take, of 100 times 99, in milliseconds. */
const LONGEST = 250;

for (const runtime of runtimes) {
  test(
    `${runtime}: ${CONNECTIONS} connections are held, ${ACTIVE} of them active`,
    onLinux,
    () =>
      withServer(runtime, [], async (server) => {
        const empty = server.memory().now;
        const sockets = await openAll(server.urlOf("/"));
        const active = sockets.slice(0, ACTIVE);
        // To warm up.
        for (let i = 0; i < 5; i++) await Promise.all(active.map(echoed));
        const begin = { memory: server.memory().now, cpu: server.cpu() };
        const times: number[] = [];
        for (let second = 0; second < SECONDS; second++) {
          const next = sleep(1_000);
          times.push(...await Promise.all(active.map(echoed)));
          await next;
        }
        const cpu = (server.cpu() - begin.cpu) / SECONDS;
        const grown = server.memory().now - begin.memory;
        const p99 = times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)]!;
        const each = Math.round((begin.memory - empty) / CONNECTIONS / 102.4) / 10;
        figure(
          runtime,
          each,
          "KiB a connection, grew by",
          inMiB(grown),
          "p99",
          p99.toFixed(1),
          "cpu",
          cpu.toFixed(3),
        );
        assertEquals(
          sockets.filter((socket) => socket.readyState !== WebSocket.OPEN).length,
          0,
          "some were lost",
        );
        assert(grown <= SLACK, `it grew by ${inMiB(grown)}`);
        assert(p99 < LONGEST, `echoes took ${p99} ms`);
        for (const socket of sockets) socket.close();
        await within(20_000, () => server.sockets(), 1);
      }, "echo.ts"),
  );
}

async function openAll(url: string): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  while (sockets.length < CONNECTIONS) {
    sockets.push(...await Promise.all(Array.from({ length: 100 }, () => open(url))));
  }
  return sockets;
}

async function open(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, "open");
  return socket;
}

/** Sends a text, and returns how long its echo took, in milliseconds. */
async function echoed(socket: WebSocket): Promise<number> {
  const start = performance.now();
  const message = once(socket, "message");
  socket.send("still here");
  await message;
  return performance.now() - start;
}
