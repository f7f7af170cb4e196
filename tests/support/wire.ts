/**
 * A raw TCP socket for the tests that speak the protocol by hand, on any runtime.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import type { Server } from "../../lib/server/server.ts";
import { Opcode } from "../../lib/protocol/frame.ts";
import { headerSize, writeFrame } from "../../lib/protocol/frame_encoder.ts";
import { securedClient } from "./links.ts";
import { SentBytes } from "./sent_bytes.ts";

/** The head that every test sends that is not about heads; its key is the RFC's own sample. */
export const UPGRADE: string =
  "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/** Encodes one masked frame, as a client sends it. */
export function clientFrame(opcode: number, payload: string | Uint8Array = "", fin = true): Uint8Array {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  const target = new Uint8Array(headerSize(bytes.length, true) + bytes.length);
  writeFrame(target, 0, { fin, rsv1: false, opcode: opcode as Opcode, payload: bytes }, 0x37fa213d);
  return target;
}

/** Encodes a masked Close frame. */
export function clientClose(code: number, reason = ""): Uint8Array {
  return clientFrame(Opcode.Close, Uint8Array.of(code >> 8, code & 255, ...new TextEncoder().encode(reason)));
}

/** The port that a server listens on. */
export function portOf(server: Server): number {
  if (!("port" in server.address)) throw new Error("The server has no port");
  return server.address.port;
}

/** A socket with everything it has received. */
export class Wire {
  readonly socket: Socket;
  /** The TCP socket: `socket` itself, or what is below its TLS. */
  readonly #below: Socket;
  /** Resolves when the peer has ended its direction or the socket is gone; whether that was clean. */
  readonly ended: Promise<"end" | "reset">;
  #received: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #wake: () => void = () => {};
  /** What the other end, which is Sluice, sends: the reference reads it when the socket is done. */
  readonly #watched = new SentBytes();

  private constructor(socket: Socket, below = socket) {
    this.socket = socket;
    this.#below = below;
    socket.on("data", (bytes: Uint8Array) => {
      this.#watched.sent(bytes);
      const joined = new Uint8Array(this.#received.length + bytes.length);
      joined.set(this.#received);
      joined.set(bytes, this.#received.length);
      this.#received = joined;
      this.#wake();
    });
    this.ended = new Promise((resolve) => {
      socket.on("end", () => resolve("end"));
      socket.on("error", () => resolve("reset"));
      socket.on("close", () => resolve("reset"));
    });
    this.ended.then(() => {
      this.#wake();
      this.#watched.check();
    });
  }

  /** Connects to a port of this machine: over TLS, where the running test goes over that. */
  static open(port: number): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        securedClient(socket).then((secured) => resolve(new Wire(secured, socket)), reject);
      });
    });
  }

  /** Takes over a socket that is connected, such as one that a server accepted. */
  static over(socket: Socket, below?: Socket): Wire {
    return new Wire(socket, below);
  }

  /** Connects, and shakes hands; a `path` takes the place of `/`. */
  static async upgrade(port: number, path = "/"): Promise<Wire> {
    const wire = await Wire.open(port);
    wire.send(UPGRADE.replace("/", path));
    const head = await wire.head();
    if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(`Not upgraded: ${head}`);
    return wire;
  }

  /** Sends text, or bytes. */
  send(data: string | Uint8Array): void {
    // Deno's TLS ends the stream at an empty write.
    if (data.length === 0) return;
    this.#watched.received(data);
    this.socket.write(data);
  }

  /** Takes `size` bytes off the front of what was received, waiting for them. */
  async take(size: number): Promise<Uint8Array> {
    await this.#until(() => this.#received.length >= size, `${size} bytes`);
    const bytes = this.#received.subarray(0, size);
    this.#received = this.#received.slice(size);
    return bytes;
  }

  /** Takes an HTTP head off the front, waiting for it. */
  async head(): Promise<string> {
    await this.#until(() => latin1(this.#received).includes("\r\n\r\n"), "a head");
    const text = latin1(this.#received);
    return latin1(await this.take(text.indexOf("\r\n\r\n") + 4));
  }

  /** Takes one unmasked frame off the front, waiting for it. */
  async frame(): Promise<{ opcode: number; payload: Uint8Array }> {
    const [first, second] = await this.take(2) as unknown as [number, number];
    const extended = second === 126 ? 2 : second === 127 ? 8 : 0;
    const length = (await this.take(extended)).reduce(
      (value, byte) => value * 256 + byte,
      extended ? 0 : second,
    );
    return { opcode: first & 15, payload: await this.take(length) };
  }

  /** Takes a Close frame off the front, and returns its code. */
  async closeCode(): Promise<number | undefined> {
    const { opcode, payload } = await this.frame();
    if (opcode !== Opcode.Close) throw new Error(`Expected a Close frame, got opcode ${opcode}`);
    return payload.length === 0 ? undefined : (payload[0]! << 8) | payload[1]!;
  }

  /** Everything that comes up to the end of the stream. */
  async rest(): Promise<Uint8Array> {
    await this.ended;
    return this.#received;
  }

  /** Reads no more: Deno's TLS would go on below. */
  pause(): void {
    this.socket.pause();
    const handle = (this.#below as unknown as { _handle: { readStop?(): void } | null })._handle;
    if (this.socket !== this.#below) handle?.readStop?.();
  }

  /** Reads on. */
  resume(): void {
    const handle = (this.#below as unknown as { _handle: { readStart?(): void } | null })._handle;
    if (this.socket !== this.#below) handle?.readStart?.();
    this.socket.resume();
  }

  /** Resets the connection. */
  reset(): void {
    this.#below.resetAndDestroy();
    if (this.socket !== this.#below) this.socket.destroy();
  }

  /** Cuts the connection; with a reset if there is anything left to read. */
  destroy(): void {
    this.socket.destroy();
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    let over = false;
    this.ended.then(() => over = true);
    while (!condition()) {
      if (over) throw new Error(`The stream ended before ${what}: ${latin1(this.#received)}`);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
