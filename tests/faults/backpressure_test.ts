import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { once } from "node:events";
import { WebSocket } from "ws";
import { Opcode } from "../../lib/protocol/frame.ts";
import { LONG } from "../support/long.ts";
import { type Runtime, runtimes } from "../support/runtimes.ts";
import { settlesInTime, sleep } from "../support/serving.ts";
import { clientFrame, Wire } from "../support/wire.ts";
import { figure, inMiB, MiB, onLinux, SLACK, soak, Subject, upgradeAt, withServer } from "./faulty.ts";
import { MESSAGE_SIZE, messageAt } from "./pattern.ts";

const SIZE = (soak ? 1_024 : LONG ? 256 : 64) * MiB;
const COUNT = SIZE / MESSAGE_SIZE;

/** The mark of the server, its default. */
const MARK = 65_536;
/** What one connection may hold: the mark, a message, and a read. */
const HELD = MARK + MESSAGE_SIZE + 65_536;

/** What the kernel may take for a socket that nobody reads from. */
const KERNEL = 40 * MiB;

const FRAME_HEADER = 14;

const digest = digestOf(COUNT);

for (const runtime of runtimes) {
  test(
    `${runtime}: a handler that does not read holds its peer back, then gets every byte`,
    onLinux,
    async () => {
      const plain = await growthOfSink(runtime);
      await withServer(runtime, [], async (server) => {
        await warmUpReading(server);
        const before = server.memory().now;
        server.forgetPeak();
        const wire = await upgradeAt(server, "/hold");
        const pushing = push(wire, COUNT);
        await untilStalled(() => pushing.taken);
        const held = server.memory().peak - before;
        assert(pushing.taken < SIZE, `all ${SIZE} bytes were taken although nobody read`);
        assert(pushing.taken < KERNEL, `${inMiB(pushing.taken)} were taken although nobody read`);
        assert(held <= HELD + SLACK, `it grew by ${inMiB(held)} while nobody read`);
        await server.page("/release");
        await pushing.done;
        const { payload } = await wire.frame();
        assertEquals(new TextDecoder().decode(payload), digest);
        const grown = server.memory().peak - before;
        // While it flows, what the runtime has not collected yet decides, here and for the plain sink: no bound of ours.
        figure(runtime, "reading: held", inMiB(held), "grew", inMiB(grown), "plain sink", inMiB(plain));
        wire.destroy();
      });
    },
  );

  for (const through of ["send", "writer", "pipe"]) {
    const name =
      `${runtime}: a peer that does not read holds back who sends through ${through}, then gets every byte`;
    test(name, onLinux, async () => {
      const plain = await growthOfSource(runtime);
      await withServer(runtime, [], async (server) => {
        const warm = await Receiver.open(server, `/pour?through=${through}&size=${SIZE}`);
        await warm.closed;
        const before = server.memory().now;
        server.forgetPeak();
        const receiver = await Receiver.open(server, `/pour?through=${through}&size=${SIZE}`);
        receiver.socket.pause();
        await sleep(500);
        const held = server.memory().peak - before;
        assert(held <= HELD + SLACK, `it grew by ${inMiB(held)} while nobody read`);
        const { handled, mostBuffered } = await server.report();
        assertEquals(handled, 1, "the handler was not held back");
        assert(mostBuffered < MARK + MESSAGE_SIZE + FRAME_HEADER, `${mostBuffered} bytes were buffered`);
        receiver.socket.resume();
        assertEquals(await receiver.closed, 1000);
        assertEquals(receiver.hash.digest("hex"), digest);
        const grown = server.memory().peak - before;
        figure(runtime, through, "held", inMiB(held), "grew", inMiB(grown), "plain source", inMiB(plain));
        figure(runtime, through, "most buffered", (await server.report()).mostBuffered);
      });
    });
  }
}

function digestOf(count: number): string {
  const hash = createHash("sha256");
  for (let i = 0; i < count; i++) hash.update(messageAt(i));
  return hash.digest("hex");
}

interface Pushing {
  /** How many bytes have left this process. */
  taken: number;
  done: Promise<void>;
}

/** Sends messages as fast as they are taken, and then a text. */
function push(wire: Wire, count: number): Pushing {
  const pushing: Pushing = { taken: 0, done: Promise.resolve() };
  pushing.done = (async () => {
    for (let i = 0; i < count; i++) {
      const frame = clientFrame(Opcode.Binary, messageAt(i));
      await new Promise((resolve) => wire.socket.write(frame, resolve));
      pushing.taken += frame.length;
    }
    wire.send(clientFrame(Opcode.Text, "over"));
  })();
  return pushing;
}

async function untilStalled(taken: () => number): Promise<void> {
  for (let before = -1; taken() !== before;) {
    before = taken();
    await sleep(400);
  }
}

async function warmUpReading(server: Subject): Promise<void> {
  const wire = await upgradeAt(server, "/digest");
  await push(wire, COUNT).done;
  await wire.frame();
  wire.destroy();
}

/** A client that takes what the server pours out. */
class Receiver {
  readonly socket: WebSocket;
  readonly hash = createHash("sha256");
  readonly closed: Promise<number>;

  private constructor(url: string) {
    this.socket = new WebSocket(url, { perMessageDeflate: false });
    this.socket.on("message", (data) => this.hash.update(data as Buffer));
    this.closed = new Promise((resolve) => this.socket.on("close", resolve));
  }

  static async open(server: Subject, path: string): Promise<Receiver> {
    const receiver = new Receiver(server.urlOf(path));
    await once(receiver.socket, "open");
    return receiver;
  }
}

const sinks = new Map<Runtime, Promise<number>>();
const sources = new Map<Runtime, Promise<number>>();

/** How much a server without Sluice grows that reads the same number of bytes. */
function growthOfSink(runtime: Runtime): Promise<number> {
  const known = sinks.get(runtime) ?? plainGrowth(runtime, async (port, count) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.write("r");
    for (let i = 0; i < count; i++) {
      await new Promise((resolve) => socket.write(messageAt(i), resolve));
    }
    socket.end().resume();
    await once(socket, "close");
  });
  sinks.set(runtime, known);
  return known;
}

/** How much a server without Sluice grows that writes the same number of bytes. */
function growthOfSource(runtime: Runtime): Promise<number> {
  const known = sources.get(runtime) ?? plainGrowth(runtime, async (port, count) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const mebibytes = count * MESSAGE_SIZE / MiB;
    socket.write(Uint8Array.of(0x77, mebibytes >> 8, mebibytes & 255));
    await sleep(200);
    let size = 0;
    socket.on("data", (bytes) => size += bytes.length);
    await once(socket, "end");
    assertEquals(size, count * MESSAGE_SIZE);
  });
  sources.set(runtime, known);
  return known;
}

async function plainGrowth(
  runtime: Runtime,
  run: (port: number, count: number) => Promise<void>,
): Promise<number> {
  let growth = 0;
  await withServer(runtime, [], async (server) => {
    // The warm-up.
    await run(server.port, COUNT);
    const before = server.memory().now;
    server.forgetPeak();
    assert(await settlesInTime(run(server.port, COUNT), 30_000), "the plain server hangs");
    growth = server.memory().peak - before;
  }, "sink.ts");
  return growth;
}
