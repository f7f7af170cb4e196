import { assert, assertEquals } from "#std/assert";
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { Opcode } from "../../lib/protocol/frame.ts";
import { runtimes } from "../support/runtimes.ts";
import { clientClose, clientFrame } from "../support/wire.ts";
import { figure, Lane, openSocket, type Subject, upgradeAt, upgradeSocket, within } from "./faulty.ts";
import { messageAt } from "./pattern.ts";

const ROUNDS = 200;
/** How many connections of one ending there are at a time. */
const ABREAST = 10;

const CLOSE_TIMEOUT = 700;

const FRAME = clientFrame(Opcode.Binary, messageAt(0));
const SHORT = clientFrame(Opcode.Text, "hello");

/** How a connection that was echoed comes to its end, by the clients' side; the path says what the server does. */
const endings: Readonly<Record<string, (server: Subject) => Promise<void>>> = {
  "1000": async (server) => {
    const socket = await openWs(server, "/echo");
    await echoed(socket);
    socket.close(1000);
    assertEquals(await closeOf(socket), 1000);
  },
  "1000 by the server": async (server) => {
    const socket = await openWs(server, "/close");
    assertEquals(await closeOf(socket), 1000);
  },
  "4000 by both": async (server) => {
    const wire = await upgradeAt(server, "/close");
    wire.send(clientClose(4000));
    assertEquals(await wire.closeCode(), 1000);
    assertEquals(await wire.ended, "end");
    wire.destroy();
  },
  "1006 connection-lost": async (server) => {
    const socket = await openWs(server, "/echo");
    await echoed(socket);
    socket.terminate();
    await closeOf(socket);
  },
  "1006 aborted": async (server) => {
    const socket = await openWs(server, "/abort");
    socket.send("now");
    assertEquals(await closeOf(socket), 1006);
  },
  "1002 reserved-opcode": async (server) => {
    const wire = await upgradeAt(server, "/echo");
    wire.send(SHORT);
    await wire.frame();
    wire.send(clientFrame(3, "what is this"));
    assertEquals(await wire.closeCode(), 1002);
    wire.destroy();
  },
};

/** What a peer does that lets our Close go unanswered. */
const stubborn: Readonly<Record<string, (server: Subject) => Promise<Socket>>> = {
  "that never answers": async (server) => {
    const socket = await openSocket(server.port);
    await upgradeSocket(socket, "/close");
    socket.resume();
    return socket;
  },
  "that answers but never ends the stream": async (server) => {
    const socket = await openSocket(server.port);
    await upgradeSocket(socket, "/close");
    socket.write(clientClose(1000));
    return socket;
  },
  "that closes first but never ends the stream": async (server) => {
    const socket = await openSocket(server.port);
    await upgradeSocket(socket, "/echo");
    socket.write(clientClose(1000));
    return socket;
  },
  "that goes on sending": async (server) => {
    const socket = await openSocket(server.port);
    await upgradeSocket(socket, "/close");
    const send = () => void socket.write(FRAME);
    for (let i = 0; i < 16; i++) send();
    const timer = setInterval(() => socket.writableNeedDrain || send(), 1);
    return socket.on("close", () => clearInterval(timer));
  },
  "that broke the rules and goes on sending": async (server) => {
    const socket = await openSocket(server.port);
    await upgradeSocket(socket, "/echo");
    socket.write(clientFrame(3, ""));
    const timer = setInterval(() => socket.writableNeedDrain || socket.write(FRAME), 1);
    return socket.on("close", () => clearInterval(timer));
  },
  "that reads nothing, our buffers being full": async (server) => {
    const socket = await openSocket(server.port);
    await upgradeSocket(socket, "/stuff");
    return socket;
  },
  "that reads nothing but sends, our buffers being full": async (server) => {
    const socket = await openSocket(server.port);
    await upgradeSocket(socket, "/stuff");
    const timer = setInterval(() => socket.writableNeedDrain || socket.write(FRAME), 1);
    return socket.on("close", () => clearInterval(timer));
  },
};

for (const runtime of runtimes) {
  const lane = new Lane(runtime);

  for (const [how, begin] of Object.entries(stubborn)) {
    const args = [`--close-timeout=${CLOSE_TIMEOUT}`];
    lane.testOverTcpAndTls(
      `the socket of a peer ${how} is freed within closeTimeout`,
      args,
      async (server) => {
        const socket = await begin(server);
        try {
          await within(2_000, async () => (await server.report()).handled, 1);
          const took = await within(CLOSE_TIMEOUT + 500, () => server.sockets(), 1);
          figure(runtime, how, "freed after", Math.round(took), "ms");
          const { connections, settled } = await server.report();
          assertEquals(connections, 0);
          assertEquals(Object.values(settled), [1], JSON.stringify(settled));
        } finally {
          socket.destroy();
        }
      },
    );
  }

  lane.test(`${ROUNDS} rounds of every ending leave nothing behind`, [], async (server) => {
    const all = Object.entries(endings);
    for (const [, end] of all) await end(server);
    await within(2_000, () => server.sockets(), 1);
    const { timers } = await server.report();
    const start = performance.now();
    for (let round = 0; round < ROUNDS; round += ABREAST) {
      for (const [, end] of all) await Promise.all(Array.from({ length: ABREAST }, () => end(server)));
      const { connections } = await server.report();
      assert(connections <= ABREAST * all.length, `${connections} connections are listed`);
    }
    await within(2_000, () => server.sockets(), 1);
    const { settled, opened, handled, connections, ...now } = await server.report();
    figure(runtime, ROUNDS, "rounds in", Math.round(performance.now() - start), "ms");
    assertEquals(settled, counted());
    assertEquals([opened, handled, connections], [(ROUNDS + 1) * all.length, (ROUNDS + 1) * all.length, 0]);
    assertEquals(now.timers, timers);
    assertEquals(now.errors, []);
  });
}

/** How often `closed` settled in which way, after all rounds. */
function counted(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of Object.keys(endings)) {
    const how = name.split(" by ")[0]!;
    counts[how] = (counts[how] ?? 0) + ROUNDS + 1;
  }
  return counts;
}

async function openWs(server: Subject, path: string): Promise<WebSocket> {
  const socket = new WebSocket(server.urlOf(path), { perMessageDeflate: false });
  const opened = Promise.withResolvers<void>();
  socket.on("open", opened.resolve).on("error", opened.reject);
  await opened.promise;
  return socket;
}

async function echoed(socket: WebSocket): Promise<void> {
  const message = new Promise((resolve) => socket.once("message", resolve));
  socket.send("hello");
  assertEquals(`${await message}`, "hello");
}

function closeOf(socket: WebSocket): Promise<number> {
  if (socket.readyState === WebSocket.CLOSED) throw new Error("It is closed already");
  return new Promise((resolve) => socket.once("close", resolve));
}
