/**
 * Stands between a client and a server, and counts what of their messages is compressed on the wire.
 *
 * @module
 */

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Messages that went one way. */
export interface Count {
  messages: number;
  /** Those whose first frame had RSV1 set. */
  compressed: number;
}

/** Passes on whatever comes, both ways. */
export class Tap {
  /** What the server's answers had in `Sec-WebSocket-Extensions`; empty where it was missing. */
  readonly answers: Set<string> = new Set();
  readonly fromClient: Count = { messages: 0, compressed: 0 };
  readonly fromServer: Count = { messages: 0, compressed: 0 };
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: URL) {
    this.#listener = createServer({ noDelay: true }, (client) => {
      const server = connect({ port: Number(target.port), host: target.hostname, noDelay: true });
      const heads = { client: (_head: string) => {}, server: (head: string) => this.#answered(head) };
      this.#pass(client, server, new FrameCounter(this.fromClient, heads.client));
      this.#pass(server, client, new FrameCounter(this.fromServer, heads.server));
    });
  }

  /** Listens for connections that are to go to `target`, a server's URL. */
  static async open(target: string): Promise<Tap> {
    const tap = new Tap(new URL(target));
    tap.#listener.listen(0, "127.0.0.1");
    await once(tap.#listener, "listening");
    return tap;
  }

  /** Where clients connect to. */
  get url(): string {
    return `ws://127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  /** Cuts all connections, and listens no more. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#listener.close();
  }

  #answered(head: string): void {
    this.answers.add(/^sec-websocket-extensions: *(.*?) *\r$/im.exec(head)?.[1] ?? "");
  }

  #pass(from: Socket, to: Socket, counter: FrameCounter): void {
    this.#sockets.add(from);
    from.on("data", (bytes: Uint8Array) => counter.read(bytes));
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroySoon();
    });
    from.pipe(to);
  }
}

/** Reads an HTTP head and the headers of the frames behind it; payloads are only skipped. */
class FrameCounter {
  readonly #count: Count;
  readonly #onHead: (head: string) => void;
  #head = "";
  #inHead = true;
  #header: number[] = [];
  #payload = 0;

  constructor(count: Count, onHead: (head: string) => void) {
    this.#count = count;
    this.#onHead = onHead;
  }

  read(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#payload > 0) {
        const skipped = Math.min(this.#payload, bytes.length - at);
        this.#payload -= skipped;
        at += skipped;
      } else if (this.#inHead) {
        this.#readHead(bytes[at++]!);
      } else {
        this.#readHeader(bytes[at++]!);
      }
    }
  }

  #readHead(octet: number): void {
    this.#head += String.fromCharCode(octet);
    if (!this.#head.endsWith("\r\n\r\n")) return;
    this.#inHead = false;
    this.#onHead(this.#head);
  }

  #readHeader(octet: number): void {
    this.#header.push(octet);
    const [first = 0, second] = this.#header;
    if (second === undefined) return;
    const length = second & 127;
    const extended = length === 126 ? 2 : length === 127 ? 8 : 0;
    if (this.#header.length < 2 + extended + (second >= 128 ? 4 : 0)) return;
    const wide = this.#header.slice(2, 2 + extended);
    this.#payload = wide.reduce((value, octet) => value * 256 + octet, extended === 0 ? length : 0);
    this.#header = [];
    const opcode = first & 15;
    if (opcode !== 1 && opcode !== 2) return;
    this.#count.messages++;
    if ((first & 0x40) !== 0) this.#count.compressed++;
  }
}
