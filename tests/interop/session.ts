/**
 * One open connection of a client, whichever library it comes from.
 *
 * @module
 */

import type { PerMessageDeflateOptions } from "ws";
import type { CompressionOptions } from "../../mod.ts";
import { sharedCertificate } from "../support/certificate.ts";
import { connect, WebSocketStream } from "../support/sluice.ts";

/** How a connection ended; `clean` says whether both Close frames were exchanged. */
export interface End {
  readonly code: number;
  readonly reason: string;
  readonly clean: boolean;
}

/** What every client can do. */
export interface Session {
  /** The extensions that were agreed on, as the client tells. */
  readonly extensions: string;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  /** Sends one text in several frames, where the client can. */
  sendFragments?(parts: readonly string[]): void;
  /** The next message; rejects if the connection ends instead. */
  receive(): Promise<string | Uint8Array>;
  /** Pings; resolves to the round trip, in milliseconds, once the same data has come back. */
  ping(data: Uint8Array<ArrayBuffer>): Promise<number>;
  close(code: number, reason: string): void;
  readonly closed: Promise<End>;
}

/** Names a client: the runtime's own, npm's `ws`, or ours, of which there are two. */
export type ClientName = "native" | "ws" | "sluice" | "sluice-stream";

/** How to compress: options of ours, or of `ws`. `true` is the default of both; the runtimes' own have no choice. */
export type ClientCompression = true | CompressionOptions | PerMessageDeflateOptions;

/** Opens connections. */
export const clients: Readonly<
  Record<ClientName, (url: string, compression?: ClientCompression) => Promise<Session>>
> = {
  native: openNative,
  ws: openWs,
  "sluice": openSluice,
  "sluice-stream": openSluiceStream,
};

/** Opens a connection with the runtime's own `WebSocket`. */
function openNative(url: string): Promise<Session> {
  const socket: PingingWebSocket = new WebSocket(url);
  return openStandard(socket, (onPong) => {
    socket.addEventListener("pong", (event) => onPong(new Uint8Array((event as MessageEvent).data)));
  });
}

async function openWs(url: string, perMessageDeflate: ClientCompression = true): Promise<Session> {
  const { WebSocket: Ws } = await import("ws");
  const socket = new Ws(url, { perMessageDeflate: perMessageDeflate as true | PerMessageDeflateOptions });
  const session = await openStandard(
    socket as unknown as PingingWebSocket,
    (onPong) => socket.on("pong", onPong),
  );
  return {
    ...session,
    sendFragments: (parts) => parts.forEach((part, i) => socket.send(part, { fin: i === parts.length - 1 })),
  };
}

/** The browsers' class; some clients add pings to it. */
interface PingingWebSocket extends WebSocket {
  ping?(data: Uint8Array): void;
}

async function openStandard(
  socket: PingingWebSocket,
  listenForPong: (onPong: (data: Uint8Array) => void) => void,
): Promise<Session> {
  socket.binaryType = "arraybuffer";
  const messages = new Queue<string | Uint8Array>();
  const closed = new Promise<End>((resolve) => {
    socket.addEventListener("close", ({ code, reason, wasClean: clean }) => {
      messages.end(`the connection closed with ${code}`);
      resolve({ code, reason, clean });
    });
  });
  socket.addEventListener("message", ({ data }) => {
    messages.push(typeof data === "string" ? data : new Uint8Array(data));
  });
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("error", () => reject(new Error("The connection failed")));
  });
  return {
    extensions: socket.extensions,
    send: (data) => socket.send(data),
    receive: () => messages.next(),
    ping: (data) =>
      new Promise((resolve, reject) => {
        const start = performance.now();
        listenForPong((answer) => {
          if (hex(answer) === hex(data)) resolve(performance.now() - start);
          else reject(new Error(`The Pong holds ${hex(answer)}, the Ping held ${hex(data)}`));
        });
        if (socket.ping === undefined) throw new Error("This client cannot ping");
        socket.ping(data);
      }),
    close: (code, reason) => socket.close(code, reason),
    closed,
  };
}

/** Trusts the certificate that was shared with this process, where the runtime does not do so by itself. */
function trust(): { tls?: { ca: string } } {
  const certificate = sharedCertificate();
  return certificate === undefined ? {} : { tls: { ca: certificate.cert } };
}

function ours(compression: ClientCompression | undefined): { compression?: true | CompressionOptions } {
  return compression === undefined ? {} : { compression: compression as true | CompressionOptions };
}

async function openSluice(url: string, compression?: ClientCompression): Promise<Session> {
  const socket = await connect(url, { ...trust(), ...ours(compression) });
  const messages = socket[Symbol.asyncIterator]();
  return {
    extensions: socket.extensions,
    send: (data) => void socket.send(data),
    async receive() {
      const { value, done } = await messages.next();
      if (done) throw new Error("The connection closed");
      return value;
    },
    ping: (data) => socket.ping({ data }),
    close: (closeCode, reason) => socket.close({ closeCode, reason }),
    closed: socket.closed.then(({ closeCode: code, reason }) => ({ code, reason, clean: true })),
  };
}

async function openSluiceStream(url: string, compression?: ClientCompression): Promise<Session> {
  const stream = new WebSocketStream(url, { ...trust(), ...ours(compression) });
  const { readable, writable, extensions } = await stream.opened;
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  return {
    extensions,
    send: (data) => void writer.write(data),
    async receive() {
      const { value, done } = await reader.read();
      if (done) throw new Error("The connection closed");
      return value;
    },
    ping: () => Promise.reject(new Error("This client cannot ping")),
    close: (closeCode, reason) => stream.close({ closeCode, reason }),
    closed: stream.closed.then(({ closeCode: code, reason }) => ({ code, reason, clean: true })),
  };
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (octet) => octet.toString(16).padStart(2, "0")).join(" ");
}

/** Keeps what comes until it is asked for. */
class Queue<T> {
  readonly #items: T[] = [];
  #end: string | undefined;
  #wake: (() => void) | undefined;

  push(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  end(why: string): void {
    this.#end = why;
    this.#wake?.();
  }

  async next(): Promise<T> {
    while (this.#items.length === 0) {
      if (this.#end !== undefined) throw new Error(`No message came: ${this.#end}`);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#items.shift()!;
  }
}
