/**
 * Echoes messages over a transport without a socket, and prints how many bytes of heap each of them took.
 *
 * Run by {@linkcode allocations} with a young generation so large that nothing is collected: what the heap grows by is
 * what was allocated. `node --min-semi-space-size=256 --max-semi-space-size=256 bench/allocations_case.ts NAME`.
 *
 * @module
 */

import process from "node:process";
import { GCProfiler } from "node:v8";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Connection } from "../lib/connection/connection.ts";
import { readLimits } from "../lib/connection/limits.ts";
import { SocketTransport } from "../lib/connection/socket_transport.ts";
import { Opcode } from "../lib/protocol/frame.ts";
import { headerSize, writeFrame } from "../lib/protocol/frame_encoder.ts";

const SIZE = 64;
/** How many messages come in one chunk. */
const IN_FLIGHT = 16;
/** So many chunks are counted; as many come before, so that the code is compiled. */
const CHUNKS = 4_000;
const WARM_UP = 40_000;

/** Takes all that is written, at once. */
class Loopback extends SocketTransport {
  readonly remoteAddress = undefined;
  readonly secure = false;
  /** How many bytes were written. */
  written = 0;
  #due = false;
  readonly #flush = () => {
    this.#due = false;
    this.sink.flush();
  };

  write(bytes: Uint8Array): boolean {
    this.written += bytes.length;
    return true;
  }

  defer(): void {
    if (this.#due) return;
    this.#due = true;
    setImmediate(this.#flush);
  }

  yield(): void {
    setImmediate(() => this.sink.goOn());
  }

  shutdown(): void {}
  destroy(): void {}
  protected stopReading(): void {}
  protected startReading(): void {}
}

const APIS: Record<string, (connection: Connection) => unknown> = {
  async iterate(connection) {
    for await (const message of connection) await connection.send(message);
  },
  each: (connection) => connection.forEach((message) => connection.send(message)),
  borrow: (connection) => connection.forEach((message) => connection.send(message), { borrow: true }),
};

/** Measures one way to read, with text or binary messages; returns the bytes of heap that each took. */
async function measure(api: string, text: boolean): Promise<number> {
  const frame = {
    fin: true,
    rsv1: false,
    opcode: text ? Opcode.Text : Opcode.Binary,
    payload: new Uint8Array(SIZE).fill(0x61),
  };
  const frameSize = headerSize(SIZE, true) + SIZE;
  const template = new Uint8Array(IN_FLIGHT * frameSize);
  for (let i = 0; i < IN_FLIGHT; i++) writeFrame(template, i * frameSize, frame, 0x1234_5678);
  const transport = new Loopback();
  const connection = new Connection(transport, {
    role: "server",
    protocol: "",
    extensions: "",
    deflate: undefined,
    limits: readLimits({ keepalive: false }),
    rest: new Uint8Array(0),
  });
  APIS[api]!(connection);
  // The endpoint unmasks in place, and has used a chunk up when the next comes: the same memory does for all.
  const chunk = new Uint8Array(template.length);
  const play = async (chunks: number) => {
    const before = transport.written;
    for (let i = 0; i < chunks; i++) {
      chunk.set(template);
      transport.received(chunk);
      await nextTurn();
    }
    await nextTurn();
    const echoed = (transport.written - before) / (headerSize(SIZE, false) + SIZE);
    if (echoed !== chunks * IN_FLIGHT) {
      throw new Error(`Cannot count: of ${chunks * IN_FLIGHT}, ${echoed} came`);
    }
  };
  await play(WARM_UP);
  (globalThis as unknown as { gc(): void }).gc();
  // What the loop of this benchmark itself takes.
  const empty = await growth(async () => {
    for (let i = 0; i < CHUNKS; i++) await nextTurn();
  });
  return (await growth(() => play(CHUNKS)) - empty) / (CHUNKS * IN_FLIGHT);
}

/** Tells by how much the heap grows while something runs, nothing being collected. */
async function growth(run: () => Promise<void>): Promise<number> {
  const profiler = new GCProfiler();
  profiler.start();
  const before = process.memoryUsage().heapUsed;
  await run();
  const after = process.memoryUsage().heapUsed;
  if (profiler.stop()!.statistics.length > 0) throw new Error("Cannot count: something was collected");
  return after - before;
}

const [api = "iterate", content = "binary"] = process.argv.slice(2);
console.log(Math.round(await measure(api, content === "text")));
