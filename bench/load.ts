/**
 * The load: keeps a number of messages in flight on a number of connections, over raw sockets with frames prepared
 * once, and counts the replies by their bytes, of which the first tells how many there are. Runs on Bun, whose sockets
 * cost the least.
 *
 * Prints one line of JSON: messages echoed per second.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { constants, deflateRawSync } from "node:zlib";
import { headerSize, writeFrame } from "../lib/protocol/frame_encoder.ts";
import { Opcode } from "../lib/protocol/frame.ts";
import { jsonMessage } from "./json.ts";

interface Socket {
  data: Client;
  write(bytes: Uint8Array): number;
}

declare const Bun: {
  connect(options: {
    hostname: string;
    port: number;
    socket: {
      open(socket: Socket): void;
      data(socket: Socket, bytes: Uint8Array): void;
      drain(socket: Socket): void;
      error(socket: Socket, error: unknown): void;
      close(socket: Socket): void;
    };
  }): Promise<Socket>;
};

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "" },
    connections: { type: "string", default: "64" },
    flight: { type: "string", default: "16" },
    size: { type: "string", default: "64" },
    text: { type: "boolean", default: false },
    deflate: { type: "boolean", default: false },
    warmup: { type: "string", default: "500" },
    time: { type: "string", default: "2000" },
  },
});
const [connections, flight, size] = [Number(values.connections), Number(values.flight), Number(values.size)];
const { hostname, port } = new URL(values.url);

/** What is sent: bytes, or JSON that is compressed without context. */
function makePayload(): Uint8Array {
  if (!values.deflate) return new Uint8Array(size).map((_, i) => 32 + i % 90);
  const options = { windowBits: 12, memLevel: 5, level: 1, finishFlush: constants.Z_SYNC_FLUSH };
  return new Uint8Array(deflateRawSync(jsonMessage(size, 1), options).subarray(0, -4));
}

/** `flight` frames in one buffer, so that any number of them goes out as one write. */
const payload = makePayload();
const opcode = values.text || values.deflate ? Opcode.Text : Opcode.Binary;
const frame = { fin: true, rsv1: values.deflate, opcode, payload };
const frameSize = headerSize(payload.length, true) + payload.length;
const frames = new Uint8Array(frameSize * flight);
for (let i = 0; i < flight; i++) writeFrame(frames, i * frameSize, frame, 0x1234_5678 + i);

/** How many bytes a reply has: all are alike. */
let replySize = 0;

/** Reads the size of the first reply from its header. */
function readReplySize(bytes: Uint8Array): number {
  const form = bytes[1]!;
  if (form < 126) return 2 + form;
  const extended = bytes.subarray(2, form === 126 ? 4 : 10);
  return 2 + extended.length + extended.reduce((value, byte) => value * 256 + byte, 0);
}

let replies = 0;

class Client {
  #greeted = false;
  /** Bytes of replies that do not make a whole one yet. */
  #partial = 0;
  /** Bytes that the kernel has not taken yet: whole frames, and what is left of one. */
  #unsent = 0;

  takeBytes(socket: Socket, bytes: Uint8Array): void {
    if (!this.#greeted) {
      this.#greeted = true;
      if (!String.fromCharCode(...bytes.subarray(0, 12)).endsWith("101")) throw new Error("No upgrade");
      const rest = bytes.length - headLength(bytes);
      if (rest > 0) throw new Error("The server speaks first");
      return this.#send(socket, flight);
    }
    replySize ||= readReplySize(bytes);
    const length = this.#partial + bytes.length;
    const whole = Math.floor(length / replySize);
    this.#partial = length - whole * replySize;
    replies += whole;
    if (whole > 0) this.#send(socket, whole);
  }

  write(socket: Socket): void {
    while (this.#unsent > 0) {
      const skip = (frameSize - this.#unsent % frameSize) % frameSize;
      const end = Math.min(frames.length, skip + this.#unsent);
      const taken = socket.write(frames.subarray(skip, end));
      this.#unsent -= Math.max(0, taken);
      if (taken < end - skip) return;
    }
  }

  #send(socket: Socket, count: number): void {
    this.#unsent += count * frameSize;
    this.write(socket);
  }
}

function headLength(bytes: Uint8Array): number {
  for (let i = 3; i < bytes.length; i++) {
    if (bytes[i] === 10 && bytes[i - 1] === 13 && bytes[i - 2] === 10 && bytes[i - 3] === 13) return i + 1;
  }
  throw new Error("The head came in parts");
}

const DEFLATE_OFFER = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; " +
  "client_no_context_takeover; client_max_window_bits\r\n";

const upgrade = new TextEncoder().encode(
  `GET / HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
    (values.deflate ? DEFLATE_OFFER : "") + "\r\n",
);

for (let i = 0; i < connections; i++) {
  await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      open(socket) {
        socket.data = new Client();
        socket.write(upgrade);
      },
      data: (socket, bytes) => socket.data.takeBytes(socket, bytes),
      drain: (socket) => socket.data.write(socket),
      error: (_, error) => {
        throw error;
      },
      close: () => {
        throw new Error("The server closed");
      },
    },
  });
}
await sleep(Number(values.warmup));
const start = performance.now();
const before = replies;
console.log("start");
await sleep(Number(values.time));
const rate = (replies - before) / (performance.now() - start) * 1000;
console.log(JSON.stringify({ messages: replies - before, rate, replySize }));
process.exit(0);

function sleep(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}
