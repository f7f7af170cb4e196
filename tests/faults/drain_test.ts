import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { connect, type Socket } from "node:net";
import { WebSocket } from "ws";
import { type Runtime, runtimes } from "../support/runtimes.ts";
import {
  figure,
  Lane,
  onLinux,
  openSocket,
  type Subject,
  upgradeSocket,
  within,
  withServer,
} from "./faulty.ts";
import { assertTook } from "../support/patience.ts";

const CONNECTIONS = 1_000;
/** How many there are over TLS. */
const SECURE = 200;
const SILENT = 50;
/** How long the server gives its handlers. */
const TIMEOUT = 2_000;

for (const runtime of runtimes) {
  const title = (count: number) =>
    `of ${count} connections ${SILENT} never answer, and the server closes in time and ends`;
  test(
    `${runtime}: ${title(CONNECTIONS)}`,
    onLinux,
    () => withServer(runtime, [], (server) => drain(runtime, server, CONNECTIONS)),
  );
  new Lane(runtime).testOverTls(title(SECURE), [], (server) => drain(runtime, server, SECURE));
}

async function drain(runtime: Runtime, server: Subject, connections: number): Promise<void> {
  const silent = await Promise.all(Array.from({ length: SILENT }, (_, i) => openSilent(server, i)));
  const sockets = await openAll(server, connections - SILENT);
  // A browser connects ahead of need, somebody is in the middle of a handshake, somebody says nothing at all.
  const early = await Promise.all([openSocket(server.port), openSocket(server.port), openMute(server.port)]);
  early[1].write("GET / HTTP/1.1\r\nHost: local");
  assertEquals((await server.report()).connections, connections);
  const codes = sockets.map((socket) => new Promise<number>((resolve) => socket.once("close", resolve)));
  const start = performance.now();
  await server.page("/drain");
  const others = new Set(await Promise.all(codes));
  figure(runtime, "all others closed after", Math.round(performance.now() - start), "ms");
  assertEquals([...others], [1001]);
  await within(TIMEOUT + 1_000, () => server.output().includes("drained in"), true);
  const took = Number(/drained in (\d+) ms/.exec(server.output())![1]);
  figure(runtime, "drained in", took, "ms");
  assertTook(took, { least: TIMEOUT - 20, most: TIMEOUT + 500 });
  const ending = await within(2_000, () => server.alive(), false);
  figure(runtime, "the process ended after", Math.round(ending), "ms");
  await within(500, () => server.output().includes("exited with 0"), true);
  for (const socket of [...silent, ...early]) socket.destroy();
}

/** Opens a TCP socket, and begins no handshake, not that of TLS either. */
function openMute(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket.on("error", () => {})));
    socket.once("error", reject);
  });
}

/** Opens a connection whose peer never answers: some are sent to, some sit idle, some are not read from. */
async function openSilent(server: Subject, index: number) {
  const socket = await openSocket(server.port);
  await upgradeSocket(socket, ["/idle", `/pour?size=${1 << 30}`, "/never", "/echo"][index % 4]!);
  return socket;
}

async function openAll(server: Subject, count: number): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(100, count - sockets.length) }, () => open(server));
    sockets.push(...await Promise.all(some));
  }
  return sockets;
}

function open(server: Subject): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(server.urlOf("/echo"), {
      perMessageDeflate: false,
      rejectUnauthorized: false,
    });
    socket.on("open", () => resolve(socket)).on("error", reject);
  });
}
