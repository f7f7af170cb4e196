import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import type { Socket } from "node:net";
import { Opcode } from "../../lib/protocol/frame.ts";
import { overTls, resetClient } from "../support/links.ts";
import { runtimes } from "../support/runtimes.ts";
import { sleep } from "../support/serving.ts";
import { clientFrame, UPGRADE } from "../support/wire.ts";
import {
  figure,
  onLinux,
  onLinuxWithTls,
  openSocket,
  type Subject,
  upgradeAt,
  upgradeSocket,
  within,
  withServer,
} from "./faulty.ts";
import { messageAt } from "./pattern.ts";
import { makeRandom, SEED } from "./random.ts";

const CUTS = 1_000;
/** How many connections there are at a time. */
const ABREAST = 100;
/** How long a connection lives at most, in milliseconds. */
const LIFE = 30;

const KEEPALIVE = { interval: 400, timeout: 200 };

const FRAME = clientFrame(Opcode.Binary, messageAt(0));
const PING = clientFrame(Opcode.Ping, "are you there");

/** What a peer does before it is cut; `null` stands for a handshake, which is cut off itself without one. */
const stories: Readonly<
  Record<string, (socket: Socket, random: () => number) => Promise<unknown> | unknown>
> = {
  "says nothing": () => {},
  "is in its handshake": (socket, random) => socket.write(UPGRADE.slice(0, random() * UPGRADE.length)),
  "does not wait for the handshake": (socket) => {
    socket.write(UPGRADE.replace("GET / ", "GET /echo "));
    for (let i = 0; i < 20; i++) socket.write(FRAME);
  },
  "is idle": (socket) => upgradeSocket(socket, "/echo"),
  "is in a frame": async (socket, random) => {
    await upgradeSocket(socket, "/echo");
    socket.write(FRAME.subarray(0, 1 + random() * (FRAME.length - 1)));
  },
  "is read from": async (socket) => {
    await upgradeSocket(socket, "/digest");
    for (let i = 0; i < 100; i++) socket.write(FRAME);
  },
  "is echoed": async (socket) => {
    await upgradeSocket(socket, "/echo");
    socket.resume();
    for (let i = 0; i < 100; i++) socket.write(FRAME);
  },
  "is sent to": async (socket) => {
    await upgradeSocket(socket, `/pour?size=${1 << 26}`);
    socket.resume();
  },
  "does not read": (socket) => upgradeSocket(socket, `/pour?size=${1 << 26}`),
  "is piped to": (socket) => upgradeSocket(socket, `/pour?through=pipe&size=${1 << 26}`),
  "is not read from": async (socket) => {
    await upgradeSocket(socket, "/hold");
    for (let i = 0; i < 10; i++) socket.write(FRAME);
  },
  "pings": async (socket) => {
    await upgradeSocket(socket, "/idle");
    for (let i = 0; i < 100; i++) socket.write(PING);
  },
  "is told to go": (socket) => upgradeSocket(socket, "/close"),
};

for (const runtime of runtimes) {
  const name = `${runtime}: ${CUTS} connections cut at random moments leave nothing behind`;
  test(name, onLinux, () => {
    const keepalive = `--keepalive=${KEEPALIVE.interval},${KEEPALIVE.timeout}`;
    return withServer(runtime, [keepalive], async (server) => {
      const random = makeRandom();
      await cutSome(server, ABREAST, random);
      await atRest(server, 5_000);
      await within(1_000, () => server.sockets(), 1);
      const { timers } = await server.report();
      const start = performance.now();
      for (let done = 0; done < CUTS; done += ABREAST) await cutSome(server, ABREAST, random);
      const { opened } = await server.report();
      assert(opened > CUTS / 3, `only ${opened} connections were opened`);
      const took = await atRest(server, 2 * (KEEPALIVE.interval + KEEPALIVE.timeout) + 1_000);
      // The one that listens.
      await within(1_000, () => server.sockets(), 1);
      const { settled, errors, handled, timers: timersNow } = await server.report();
      figure(runtime, "cuts", Math.round(took), "ms to rest,", JSON.stringify(settled));
      figure(runtime, "cut", CUTS, "in", Math.round(performance.now() - start), "ms, opened", opened);
      assertEquals(timersNow, timers);
      assertEquals(sum(settled), opened);
      const others = Object.keys(settled).filter((how) => how !== "1006 connection-lost");
      assertEquals(others, [], `SLUICE_SEED=${SEED}`);
      assertEquals(errors, [], `SLUICE_SEED=${SEED}`);
      // Those of "/hold" wait for what never comes.
      assert(handled < opened, "no handler was held");
      await server.page("/release");
      await within(2_000, async () => (await server.report()).handled, opened);
      await echoes(server);
    });
  });

  const title = `${runtime}: a peer cut while it is not read from is noticed by the next keepalive`;
  const flags = [`--keepalive=${KEEPALIVE.interval},${KEEPALIVE.timeout}`];
  test(title, onLinux, () => withServer(runtime, flags, cutUnread));
  test(
    `over TLS: ${title}`,
    onLinuxWithTls,
    () => overTls(() => withServer(runtime, [...flags, "--tls"], cutUnread)),
  );
}

async function cutUnread(server: Subject): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: 50 }, () => openSocket(server.port)));
  await Promise.all(sockets.map((socket) => stories["is not read from"]!(socket, Math.random)));
  await sleep(100);
  for (const socket of sockets) resetClient(socket);
  const latest = KEEPALIVE.interval + KEEPALIVE.timeout + 500;
  const took = await within(latest, async () => (await server.report()).connections, 0);
  figure("paused and cut: noticed after", Math.round(took), "ms");
  const { settled } = await server.report();
  assertEquals(settled, { "1006 connection-lost": 50 });
}

/** Opens connections, lets each come to some point of its story, and cuts it. */
async function cutSome(server: Subject, count: number, random: () => number): Promise<void> {
  const names = Object.keys(stories);
  await Promise.all(Array.from({ length: count }, async () => {
    const story = stories[names[Math.floor(random() * names.length)]!]!;
    const life = random() * LIFE;
    const hasten = random() < 0.4;
    const socket = await openSocket(server.port);
    const told = Promise.resolve(story(socket, random)).catch(() => {});
    // Some stories are cut short.
    if (!hasten) await Promise.race([told, sleep(2_000)]);
    await sleep(life);
    socket.resetAndDestroy();
  }));
}

/** Waits until no connection is left and each has settled. */
function atRest(server: Subject, time: number): Promise<number> {
  return within(time, async () => {
    const { opened, settled, connections, open } = await server.report();
    return [opened - sum(settled), connections, open];
  }, [0, 0, []]);
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

async function echoes(server: Subject): Promise<void> {
  const wire = await upgradeAt(server, "/echo");
  wire.send(clientFrame(Opcode.Text, "still there"));
  assertEquals(new TextDecoder().decode((await wire.frame()).payload), "still there");
  wire.destroy();
}
