/**
 * The load of a fan-out: connects many members over raw sockets, of which the last sends messages and keeps a number
 * of them in flight; counts what all receive by its bytes. Runs on Bun, whose sockets cost the least.
 *
 * Prints `start`, and when it is over a line of JSON: deliveries, and deliveries per second.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { headerSize, writeFrame } from "../lib/protocol/frame_encoder.ts";
import { Opcode } from "../lib/protocol/frame.ts";

interface Socket {
  data: Member;
  write(bytes: Uint8Array): number;
}

declare const Bun: {
  connect(options: {
    hostname: string;
    port: number;
    socket: {
      open(socket: Socket): void;
      data(socket: Socket, bytes: Uint8Array): void;
      error(socket: Socket, error: unknown): void;
      close(socket: Socket): void;
    };
  }): Promise<Socket>;
};

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "" },
    members: { type: "string", default: "1000" },
    flight: { type: "string", default: "1" },
    size: { type: "string", default: "64" },
    warmup: { type: "string", default: "500" },
    time: { type: "string", default: "2000" },
  },
});
const [members, flight, size] = [Number(values.members), Number(values.flight), Number(values.size)];
const { hostname, port } = new URL(values.url);

const payload = new Uint8Array(size).map((_, i) => 32 + i % 90);
const frame = new Uint8Array(headerSize(size, true) + size);
writeFrame(frame, 0, { fin: true, rsv1: false, opcode: Opcode.Binary, payload }, 0x1234_5678);
/** What comes is not masked. */
const deliverySize = headerSize(size, false) + size;

const upgrade = new TextEncoder().encode(
  `GET /fan HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
);

let received = 0;

/** One member; it is ready when it was upgraded. */
class Member {
  readonly ready: PromiseWithResolvers<void> = Promise.withResolvers();
  /** What it does for each message that it receives whole. */
  onMessage: (() => void) | undefined;
  #greeted = false;
  #partial = 0;

  take(bytes: Uint8Array): void {
    if (!this.#greeted) {
      if (new TextDecoder().decode(bytes).indexOf("\r\n\r\n") !== bytes.length - 4) {
        throw new Error("The head did not come alone, and whole");
      }
      this.#greeted = true;
      return this.ready.resolve();
    }
    received += bytes.length;
    this.#partial += bytes.length;
    for (; this.#partial >= deliverySize; this.#partial -= deliverySize) this.onMessage?.();
  }
}

async function open(): Promise<Socket> {
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      open(socket) {
        socket.data = new Member();
        socket.write(upgrade);
      },
      data: (socket, bytes) => socket.data.take(bytes),
      error: (_, error) => {
        throw error;
      },
      close: () => {
        throw new Error("The server closed");
      },
    },
  });
  await socket.data.ready.promise;
  return socket;
}

function sleep(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}

for (let i = 1; i < members; i++) await open();
const sender = await open();
await sleep(100); // All have joined by then.
sender.data.onMessage = () => sender.write(frame);
for (let i = 0; i < flight; i++) sender.write(frame);
await sleep(Number(values.warmup));
const start = performance.now();
const before = received;
console.log("start");
await sleep(Number(values.time));
const deliveries = (received - before) / deliverySize;
console.log(JSON.stringify({ deliveries, rate: deliveries / (performance.now() - start) * 1000 }));
process.exit(0);
