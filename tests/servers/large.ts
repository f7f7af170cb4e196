/**
 * One end of a message that is larger than memory, on any runtime: `large.ts receive`, or `large.ts send URL WAY MiB`.
 *
 * The receiver answers each message, or what comes before a text, with its size, its SHA-256, and how much the process has
 * grown meanwhile. The sender prints the same, and how long it took, as a line of JSON. A way is `stream`, `frame` (one
 * frame, written by hand) or `messages` (of 64 KiB).
 *
 * @module
 */

import { createHash } from "node:crypto";
import { connect as connectTcp } from "node:net";
import process from "node:process";
import { Opcode } from "../../lib/protocol/frame.ts";
import { headerSize, writeHeader } from "../../lib/protocol/frame_encoder.ts";
import { mask } from "../../lib/protocol/mask.ts";
import type { IncomingMessage, WebSocketConnection } from "../../mod.ts";
import { connect, serve } from "../support/sluice.ts";

const MIB = 1_048_576;
const CHUNK = 65_536;

const UPGRADE = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/** What one end says of a message. */
export interface LargeReport {
  readonly size: number;
  readonly sha256: string;
  /** How much more memory was resident than before, at most, in MiB. */
  readonly growth: number;
}

/** Looks at the memory of the process until it is told to stop; returns the growth in MiB then. */
function watchMemory(): () => number {
  const idle = process.memoryUsage.rss();
  let most = idle;
  const look = () => most = Math.max(most, process.memoryUsage.rss());
  const timer = setInterval(look, 5);
  return () => {
    clearInterval(timer);
    look();
    return (most - idle) / MIB;
  };
}

/** Adds up what comes. */
class Sum {
  #size = 0;
  readonly #hash = createHash("sha256");
  readonly #stop = watchMemory();

  add(bytes: Uint8Array): void {
    this.#size += bytes.length;
    this.#hash.update(bytes);
  }

  report(): LargeReport {
    return { size: this.#size, sha256: this.#hash.digest("hex"), growth: this.#stop() };
  }
}

async function sumUp({ readable }: IncomingMessage): Promise<LargeReport> {
  const sum = new Sum();
  const reader = (readable as ReadableStream<Uint8Array<ArrayBuffer>>).getReader({ mode: "byob" });
  for (let memory = new Uint8Array(CHUNK);;) {
    const { done, value } = await reader.read(memory);
    if (done) return sum.report();
    sum.add(value);
    memory = new Uint8Array(value.buffer);
  }
}

async function receiveMessages(socket: WebSocketConnection): Promise<void> {
  let sum = new Sum();
  for await (const message of socket) {
    if (typeof message !== "string") sum.add(message);
    else {
      await socket.send(JSON.stringify(sum.report()));
      sum = new Sum();
    }
  }
}

async function receive(): Promise<void> {
  const server = await serve({ hostname: "127.0.0.1", maxMessageSize: Infinity }, async (socket, request) => {
    if (request.url.pathname === "/messages") return await receiveMessages(socket);
    for await (const message of socket.incoming()) await socket.send(JSON.stringify(await sumUp(message)));
  });
  const { address } = server;
  if ("port" in address) console.log(`listening on ws://${address.hostname}:${address.port}`);
}

/** Chunks that are all different, in memory that is used again and again. */
function* chunks(size: number): Generator<Uint8Array, void> {
  const chunk = new Uint8Array(CHUNK).map((_, i) => i * 31 >> 3);
  const count = new DataView(chunk.buffer);
  for (let left = size, i = 0; left > 0; left -= CHUNK, i++) {
    count.setUint32(0, i);
    yield chunk;
  }
}

/** What one way to send does: sends `size` bytes, and returns the answer. */
type Send = (url: URL, size: number, sum: Sum) => Promise<string>;

async function answerOf(socket: WebSocketConnection): Promise<string> {
  for await (const answer of socket) return answer as string;
  throw new Error("There was no answer");
}

const ways: Readonly<Record<string, Send>> = {
  async stream(url, size, sum) {
    const socket = await connect(url);
    const source = chunks(size);
    await socket.sendStream(
      new ReadableStream({
        pull(controller) {
          const { done, value } = source.next();
          if (done) return controller.close();
          sum.add(value);
          controller.enqueue(value);
        },
      }, { highWaterMark: 0 }),
    );
    return await answerOf(socket);
  },
  async messages(url, size, sum) {
    const socket = await connect(url);
    for (const chunk of chunks(size)) {
      sum.add(chunk);
      await socket.send(chunk);
    }
    await socket.send("that is all");
    return await answerOf(socket);
  },
  async frame(url, size, sum) {
    const socket = connectTcp({ host: url.hostname, port: Number(url.port) });
    let answer = new Uint8Array(0);
    const answered = new Promise<void>((resolve, reject) =>
      socket.on("error", reject).on("data", (bytes: Uint8Array) => {
        answer = new Uint8Array([...answer, ...bytes]);
        if (answer.at(-1) === 0x7d) resolve();
      })
    );
    const write = (bytes: Uint8Array) => new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
    await write(new TextEncoder().encode(UPGRADE));
    const [key, header] = [0x1234_5678, new Uint8Array(headerSize(size, true))];
    writeHeader(header, 0, { fin: true, rsv1: false, opcode: Opcode.Binary }, size, key);
    await write(header);
    const masked = new Uint8Array(CHUNK);
    for (const chunk of chunks(size)) {
      sum.add(chunk);
      masked.set(chunk);
      mask(masked, key);
      await write(masked);
    }
    await answered;
    socket.end(Uint8Array.of(0x88, 0x80, 0, 0, 0, 0));
    const text = new TextDecoder().decode(answer);
    return text.slice(text.lastIndexOf("{"));
  },
};

async function send(url: URL, way: string, size: number): Promise<void> {
  url.pathname = `/${way}`;
  const sum = new Sum();
  const start = performance.now();
  const received = JSON.parse(await ways[way]!(url, size, sum)) as LargeReport;
  const seconds = (performance.now() - start) / 1_000;
  console.log(JSON.stringify({ sent: sum.report(), received, rate: size / MIB / seconds }));
  process.exit();
}

const [what, url, way, size] = process.argv.slice(2);
if (what === "receive") await receive();
else await send(new URL(url!), way!, Number(size) * MIB);
