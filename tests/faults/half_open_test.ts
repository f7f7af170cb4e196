import { assertEquals } from "#std/assert";
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Opcode } from "../../lib/protocol/frame.ts";
import { runtimes } from "../support/runtimes.ts";
import { sleep } from "../support/serving.ts";
import { clientFrame, type Wire } from "../support/wire.ts";
import { figure, Lane, MiB, openSocket, type Subject, upgradeAt, upgradeSocket, within } from "./faulty.ts";

const INTERVAL = 300;
const TIMEOUT = 500;
/** The same where something waits to be sent: twelve of these are given, as the peer may read slowly. */
const SENDING_TIMEOUT = 200;
/** How much a slow peer reads at a time, in bytes. */
const READ = 8 * MiB;
const KEEPALIVE = [`--keepalive=${INTERVAL},${TIMEOUT}`];

for (const runtime of runtimes) {
  const lane = new Lane(runtime);

  lane.testOverTcpAndTls(
    "a peer that is stopped for good is noticed in time",
    KEEPALIVE,
    (server) =>
      withPeer(server, "/echo", async (peer) => {
        await peer.until("ping");
        peer.stop();
        const latest = INTERVAL + TIMEOUT + 1_000;
        const took = await within(latest, async () => (await server.report()).connections, 0);
        figure(runtime, "stopped peer noticed after", Math.round(took), "ms");
        const { settled, errors } = await server.report();
        assertEquals(settled, { "1006 keepalive-timeout": 1 });
        assertEquals(errors.map((text) => text.split(":")[0]), ["keepalive"]);
        await within(500, () => server.sockets(), 1);
      }),
  );

  lane.testOverTcpAndTls(
    "a peer that is stopped while it is sent to is noticed in time",
    [`--keepalive=${INTERVAL},${SENDING_TIMEOUT}`],
    (server) =>
      withPeer(server, `/pour?size=${1 << 30}`, async (peer) => {
        peer.stop();
        const latest = INTERVAL + 12 * SENDING_TIMEOUT + 1_000;
        const took = await within(latest, async () => (await server.report()).connections, 0);
        figure(runtime, "peer stopped while sent to noticed after", Math.round(took), "ms");
        assertEquals((await server.report()).settled, { "1006 keepalive-timeout": 1 });
        await within(500, () => server.sockets(), 1);
      }),
  );

  lane.testOverTcpAndTls(
    "a peer that is stopped for less than the timeout is kept",
    KEEPALIVE,
    (server) =>
      withPeer(server, "/echo", async (peer) => {
        for (let i = 0; i < 3; i++) {
          // Right behind a Ping, and between two.
          await peer.until("ping");
          await sleep(i * 150);
          peer.stop();
          await sleep(TIMEOUT * 0.75);
          peer.resume();
        }
        await sleep(TIMEOUT);
        assertEquals((await server.report()).connections, 1, peer.told);
      }),
  );

  lane.testOverTcpAndTls(
    "a peer that answers is kept although our own process stood still",
    KEEPALIVE,
    (server) =>
      withPeer(server, "/echo", async (peer) => {
        const wire = await upgradeAt(server, "/echo?late");
        answerPings(wire, TIMEOUT * 0.1);
        for (let i = 0; i < 3; i++) {
          await peer.until("ping");
          await sleep(i * 50);
          process.kill(server.pid, "SIGSTOP");
          await sleep(INTERVAL + TIMEOUT + 300);
          process.kill(server.pid, "SIGCONT");
        }
        await sleep(INTERVAL + TIMEOUT + 200);
        // Beside each path is what waits to be sent: a Ping, at times.
        const paths = (await server.report()).open.map((line) => line.split(" ")[0]);
        assertEquals(paths, ["/echo", "/echo?late"], peer.told);
        wire.destroy();
      }),
  );

  lane.testOverTcpAndTls(
    "a peer that answers no Ping but sends a byte now and then is kept",
    KEEPALIVE,
    async (server) => {
      const wire = await upgradeAt(server, "/echo");
      const text = "a byte now and then";
      for (const byte of clientFrame(Opcode.Text, text).subarray(0, 12)) {
        wire.send(Uint8Array.of(byte));
        await sleep(TIMEOUT * 0.4);
      }
      wire.send(clientFrame(Opcode.Text, text).subarray(12));
      for (;;) {
        const { opcode, payload } = await wire.frame();
        if (opcode === Opcode.Ping) continue;
        assertEquals(new TextDecoder().decode(payload), text);
        break;
      }
      wire.destroy();
    },
  );

  lane.testOverTcpAndTls("a peer that reads slowly is kept", KEEPALIVE, async (server) => {
    const socket = await openSocket(server.port);
    await upgradeSocket(socket, `/pour?size=${1 << 30}`);
    socket.on("data", () => {}).pause();
    const start = performance.now();
    while (performance.now() - start < 3 * (INTERVAL + TIMEOUT)) {
      await sleep(TIMEOUT * 0.4);
      // Enough for the kernel to make room.
      const enough = socket.bytesRead + READ;
      socket.resume();
      await within(1_000, () => socket.bytesRead >= enough || socket.closed, true);
      socket.pause();
    }
    assertEquals((await server.report()).connections, 1);
    socket.destroy();
  });
}

/** A client process. */
class Peer {
  told = "";
  readonly #child: ChildProcess;

  constructor(url: string) {
    const script = fileURLToPath(new URL("./half_open_peer.ts", import.meta.url));
    const child = spawn(process.execPath, [script, url], { stdio: ["ignore", "pipe", "inherit"] });
    child.stdout.setEncoding("utf8").on("data", (text: string) => this.told += text);
    this.#child = child;
  }

  /** Waits until it prints a word once more. */
  async until(word: string): Promise<void> {
    const before = this.told.length;
    await within(5_000, () => this.told.slice(before).includes(word), true);
  }

  stop(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }
}

/** Runs something against a peer that is connected. */
async function withPeer(server: Subject, path: string, run: (peer: Peer) => Promise<void>): Promise<void> {
  const peer = new Peer(server.urlOf(path));
  try {
    await peer.until("open");
    await run(peer);
  } finally {
    peer.end();
  }
}

/** Answers each Ping, late; until the stream ends. */
async function answerPings(wire: Wire, delay: number): Promise<void> {
  try {
    for (;;) {
      const { payload } = await wire.frame();
      await sleep(delay);
      wire.send(clientFrame(Opcode.Pong, payload));
    }
  } catch {
    // It ended.
  }
}
