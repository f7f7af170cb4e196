/**
 * The other end of a connection with Sluice, over a plain socket.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Role } from "../../lib/protocol/frame.ts";
import { UPGRADE } from "../support/wire.ts";
import { ByteQueue, type StreamEnd } from "./byte_queue.ts";
import type { FrameSpec, Step } from "./case.ts";
import { type Received, StrictReader } from "./strict_reader.ts";

/** What the two ends say in `Sec-WebSocket-Extensions`. */
export interface Extensions {
  readonly offer: string;
  readonly answer: string;
}

/** A socket on which frames go one way and are read strictly the other way. */
export class Peer {
  /** Whose end the other one is: Sluice's role. */
  readonly role: Role;
  readonly #socket: Socket;
  readonly #queue = new ByteQueue();
  readonly #reader: StrictReader;

  /**
   * Makes a peer of a socket that allows half-open connections.
   *
   * @param socket The socket, its opening handshake still to be done.
   * @param role What Sluice is at its other end.
   */
  constructor(socket: Socket, role: Role) {
    this.role = role;
    this.#socket = socket;
    this.#reader = new StrictReader(this.#queue, role);
    socket.setNoDelay(true);
    socket.on("data", (bytes: Uint8Array) => this.#queue.push(bytes));
    socket.on("end", () => this.#queue.end("FIN"));
    socket.on("error", () => this.#queue.end("reset"));
    socket.on("close", () => this.#queue.end("reset"));
  }

  /**
   * Connects to a Sluice server, and shakes hands.
   *
   * @param port Where it listens.
   * @param extensions What to offer, and what the answer to it must be.
   */
  static async open(port: number, extensions?: Extensions): Promise<Peer> {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const peer = new Peer(socket, "server");
    socket.write(extensions === undefined ? UPGRADE : UPGRADE.replace(/\r\n$/, lineOf(extensions.offer)));
    const head = await peer.takeHead();
    if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(`not upgraded: ${head}`);
    expectExtensions(head, extensions?.answer);
    return peer;
  }

  /**
   * Takes the request of a Sluice client, and answers it.
   *
   * @param extensionsFor What the offer to this target must be, and what to answer.
   * @returns What it asked for.
   */
  async accept(extensionsFor: (target: string) => Extensions | undefined = () => undefined): Promise<string> {
    const head = await this.takeHead();
    const target = /^GET (\S+) HTTP\/1\.1\r\n/.exec(head)?.[1];
    const key = /\r\nSec-WebSocket-Key: *(\S+)\r\n/i.exec(head)?.[1];
    if (target === undefined || key === undefined) throw new Error(`no request for an upgrade: ${head}`);
    const extensions = extensionsFor(target);
    expectExtensions(head, extensions?.offer);
    const answer = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    this.#socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${answer}\r\n` + lineOf(extensions?.answer),
    );
    return target;
  }

  /** Takes an HTTP head off the front. */
  async takeHead(): Promise<string> {
    let head = "";
    while (!head.endsWith("\r\n\r\n")) head += String.fromCharCode((await this.#queue.take(1))[0]!);
    return head;
  }

  /** Writes frames as a step says. What Sluice no longer takes is lost: what it then says counts. */
  async send({ frames, chop, range }: Step & { type: "send" }): Promise<void> {
    const encoded = frames.map((spec) => this.#encode(spec));
    if (range !== undefined) {
      const [whole, { payload }] = [encoded[0]!, frames[0]!];
      const start = whole.length - payload.length;
      await this.#write(whole.subarray(range[0] === 0 ? 0 : start + range[0], start + range[1]));
    } else if (chop === "frames") {
      for (const bytes of encoded) await this.#write(bytes);
    } else {
      const bytes = Buffer.concat(encoded);
      for (let at = 0; at < bytes.length; at += chop) await this.#write(bytes.subarray(at, at + chop));
    }
  }

  /** Reads the next message or control frame; `undefined` at the end of the stream. */
  next(): Promise<Received | undefined> {
    return this.#reader.next();
  }

  /** Allows RSV1, and says how to inflate. */
  inflate(run: (payload: Uint8Array) => Promise<Uint8Array>): void {
    this.#reader.inflate = run;
  }

  /** How Sluice's direction has ended, if it has. */
  get ended(): StreamEnd | undefined {
    return this.#queue.ended;
  }

  /** Ends our direction. */
  end(): void {
    this.#socket.end();
  }

  /** Cuts the connection, and what waits for something of it. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Writes octets, and lets the other end have them before more follow. */
  async #write(bytes: Uint8Array): Promise<void> {
    if (this.#socket.destroyed) return;
    if (!this.#socket.write(bytes)) {
      await Promise.race([once(this.#socket, "drain"), once(this.#socket, "close")]).catch(() => {});
    }
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Encodes a frame; what is sent to a server is masked. */
  #encode({ first, payload, length, wrongMask = false }: FrameSpec): Uint8Array {
    const header = [first, ...(length ?? shortestLength(payload.length))];
    if ((this.role === "server") === wrongMask) return Buffer.concat([Uint8Array.from(header), payload]);
    // The same for the same frame, so that it can be sent in parts.
    const mask = Math.imul(payload.length + 1, 0x9e37_79b1);
    const key = [mask >>> 24, (mask >>> 16) & 255, (mask >>> 8) & 255, mask & 255];
    header[1]! |= 0x80;
    const bytes = Buffer.concat([Uint8Array.from([...header, ...key]), payload]);
    const start = bytes.length - payload.length;
    for (let i = 0; i < payload.length; i++) bytes[start + i]! ^= key[i & 3]!;
    return bytes;
  }
}

function lineOf(extensions: string | undefined): string {
  return extensions === undefined ? "\r\n" : `Sec-WebSocket-Extensions: ${extensions}\r\n\r\n`;
}

function expectExtensions(head: string, wanted: string | undefined): void {
  const came = /^sec-websocket-extensions: *(.*?)\r$/im.exec(head)?.[1];
  if (normal(came) !== normal(wanted)) throw new Error(`Sluice said ${came}, not ${wanted}`);
}

/** The parameters in one order, which says nothing. */
function normal(extensions = ""): string {
  return extensions.split(/; */).sort().join("; ");
}

function shortestLength(size: number): number[] {
  if (size < 126) return [size];
  const octets = size < 65_536 ? 2 : 8;
  const hex = size.toString(16).padStart(2 * octets, "0");
  const bytes = Array.from({ length: octets }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
  return [octets === 2 ? 126 : 127, ...bytes];
}
