/**
 * Connections of a server, ended in every way there is.
 *
 * @module
 */

import { assertEquals } from "#std/assert";
import { Lane, openSocket, type Subject, upgradeAt } from "../faults/faulty.ts";
import { Opcode } from "../../lib/protocol/frame.ts";
import { resetClient } from "../support/links.ts";
import { LONG } from "../support/long.ts";
import { runtimes } from "../support/runtimes.ts";
import { clientClose, clientFrame, UPGRADE, Wire } from "../support/wire.ts";
import { assertNoLeak, CONNECTIONS } from "./leaks.ts";
import { pace } from "../support/patience.ts";

/** The server's limits: short, but of a machine that does nothing else. */
const FLAGS = [
  `--handshake-timeout=${2_000 * pace()}`,
  `--close-timeout=${400 * pace()}`,
  `--keepalive=${1_200 * pace()},${400 * pace()}`,
];

/** How many connections there are at a time. */
const ABREAST = 150;
/** Mixes the endings: it has no factor in common with their number. */
const STEP = 1_009;

const HELLO = clientFrame(Opcode.Text, "hello");

/** What each ending does, up to the end of the stream. */
const endings: Readonly<Record<string, (server: Subject) => Promise<void>>> = {
  "a Close by the client": (server) => failWith(server, clientClose(1000), 1000),
  "a Close by the server": async (server) => {
    const wire = await upgradeAt(server, "/close");
    assertEquals(await closeCodeOf(wire), 1000);
    wire.send(clientClose(1000));
    await leave(wire);
  },
  "a Close that nobody answers": async (server) => {
    const wire = await upgradeAt(server, "/close");
    await closeCodeOf(wire);
    await leave(wire);
  },
  "a cut by the server": async (server) => {
    const wire = await upgradeAt(server, "/abort");
    wire.send(HELLO);
    await leave(wire);
  },
  "a handler that throws": async (server) => {
    const wire = await upgradeAt(server, "/throw");
    assertEquals(await closeCodeOf(wire), 1011);
    wire.send(clientClose(1011));
    await leave(wire);
  },
  "a reset": async (server) => {
    const wire = await upgradeAt(server, "/echo");
    wire.send(HELLO);
    await frameOf(wire);
    wire.reset();
  },
  "a reset in a message": async (server) => {
    const wire = await upgradeAt(server, "/echo");
    wire.send(clientFrame(Opcode.Text, "half of", false));
    wire.send(HELLO.subarray(0, 8));
    await new Promise(setImmediate);
    wire.reset();
  },
  "an end without a Close": async (server) => {
    const wire = await upgradeAt(server, "/echo");
    wire.socket.end(HELLO);
    await leave(wire);
  },
  "a reserved opcode": (server) => failWith(server, clientFrame(3), 1002),
  "a text that is none": (server) => failWith(server, clientFrame(Opcode.Text, Uint8Array.of(0xff)), 1007),
  "a message too big": (server) => failWith(server, Uint8Array.of(0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 0), 1009),
  "a silence": async (server) => await leave(await upgradeAt(server, "/echo")),
  "a wrong version": (server) => refuseWith(server, UPGRADE.replace("Version: 13", "Version: 8"), 426),
  "a line that is none": (server) => refuseWith(server, "what is this\r\n\r\n", 400),
  "an authorize that throws": (server) =>
    refuseWith(server, UPGRADE.replace("GET / ", "GET /echo?authorize=throw "), 500),
  "a page": (server) => refuseWith(server, "GET /release HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
  "a handshake that is cut": async (server) => {
    const socket = await openSocket(server.port);
    socket.write(UPGRADE.slice(0, 40));
    await new Promise(setImmediate);
    resetClient(socket);
  },
  "a handshake that does not end": async (server) => {
    const wire = await Wire.open(server.port);
    wire.send(UPGRADE.slice(0, -2));
    await leave(wire);
  },
};

for (const runtime of runtimes) {
  const lane = new Lane(runtime);
  const testAll: Lane["test"] = LONG ? lane.testOverTcpAndTls.bind(lane) : lane.test.bind(lane);
  testAll("a server keeps nothing of connections that ended", FLAGS, (server) => {
    const each = Math.ceil(CONNECTIONS / Object.keys(endings).length);
    const all = Object.values(endings).flatMap((end) => Array.from({ length: each }, () => end));
    return assertNoLeak(`server on ${runtime}:`, server, async () => {
      let begun = 0;
      await Promise.all(Array.from({ length: ABREAST }, async () => {
        while (begun < all.length) await all[begun++ * STEP % all.length]!(server);
      }));
    });
  });
}

/** Takes the next frame that is no Ping. */
async function frameOf(wire: Wire): ReturnType<Wire["frame"]> {
  for (;;) {
    const frame = await wire.frame();
    if (frame.opcode !== Opcode.Ping) return frame;
  }
}

/** Takes a Close, and returns its code. */
async function closeCodeOf(wire: Wire): Promise<number> {
  const { opcode, payload } = await frameOf(wire);
  assertEquals(opcode, Opcode.Close);
  return (payload[0]! << 8) | payload[1]!;
}

/** Waits for the server to end the stream. */
async function leave(wire: Wire): Promise<void> {
  await wire.ended;
  wire.destroy();
}

/** Sends what makes the server close. */
async function failWith(server: Subject, bytes: Uint8Array, closeCode: number): Promise<void> {
  const wire = await upgradeAt(server, "/echo");
  wire.send(HELLO);
  await frameOf(wire);
  wire.send(bytes);
  assertEquals(await closeCodeOf(wire), closeCode);
  await leave(wire);
}

/** Sends a request that is no upgrade, or none that is accepted. */
async function refuseWith(server: Subject, request: string, status: number): Promise<void> {
  const wire = await Wire.open(server.port);
  wire.send(request);
  assertEquals(Number((await wire.head()).split(" ")[1]), status);
  await leave(wire);
}
