/**
 * An echo server that shows its bytes: TCP, two taps, and `acceptStream` on top.
 *
 * `serve` keeps its sockets to itself. But a WebSocket needs no more than a pair of byte streams, and those can be
 * listened in on. `node:net` is there on Deno and Bun too.
 *
 * @module
 */

import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { Readable, Writable } from "node:stream";
import { type ByteStream, receiveUpgrade, type WebSocketConnection } from "../../mod.ts";

/** Hears the bytes of a connection, as they are on the wire. A chunk may only be read, and only until it returns. */
export interface Wire {
  /** The client sent them. */
  received(chunk: Uint8Array): void;
  /** We sent them. */
  sent(chunk: Uint8Array): void;
}

/** A tapped echo server that runs. */
export interface TappedEcho {
  /** Where it listens. */
  readonly port: number;
  /** Stops listening and tells the clients that it goes away. */
  close(): Promise<void>;
}

/**
 * Listens on any free port.
 *
 * @param hostname Where.
 * @param wireFor Finds who listens in on a connection, by the key in its URL; those that nobody knows are refused.
 */
export async function tapEcho(
  hostname: string,
  wireFor: (key: string) => Wire | undefined,
): Promise<TappedEcho> {
  const open = new Set<WebSocketConnection>();
  const listener = createServer({ noDelay: true, allowHalfOpen: true }, async (socket) => {
    const connection = await accept(socket, wireFor).catch(() => undefined);
    if (connection === undefined) return; // refused, and told so
    open.add(connection);
    // A peer that vanishes fails the pipe; that is the end of it too.
    await connection.readable.pipeTo(connection.writable).catch(() => {});
    open.delete(connection);
  });
  listener.listen(0, hostname);
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    async close() {
      listener.close();
      for (const connection of open) connection.close({ closeCode: 1001 });
      await Promise.allSettled(Array.from(open, (connection) => connection.closed));
    },
  };
}

/** Accepts a socket if its key is known. */
async function accept(
  socket: Socket,
  wireFor: (key: string) => Wire | undefined,
): Promise<WebSocketConnection> {
  const line = new Line();
  const upgrade = await receiveUpgrade(tapped(bytesOf(socket), line));
  const wire = wireFor(upgrade.url.searchParams.get("key") ?? "");
  if (wire === undefined) {
    await upgrade.reject(new Response("No inspector has this key.\n", { status: 403 }));
    throw new Error("Cannot accept: the key is not known");
  }
  line.connect(wire);
  // The page comes from another port, that of the site. Only it can know the key.
  return await upgrade.accept({ origins: "any" });
}

/** How much of what a client sends is kept before it is known who listens, in bytes: a head, and a little more. */
const EARLY_LIMIT = 65_536;

/** Keeps what was heard until it is known who listens: the first bytes are those that have the key. */
class Line implements Wire {
  /** `undefined` once too much has come: no inspector will ever see this client. */
  #early: Uint8Array[] | undefined = [];
  #size = 0;
  #wire: Wire | undefined;

  connect(wire: Wire): void {
    this.#wire = wire;
    for (const chunk of this.#early ?? []) wire.received(chunk);
    this.#early = undefined;
  }

  received(chunk: Uint8Array): void {
    if (this.#wire !== undefined) return this.#wire.received(chunk);
    this.#size += chunk.length;
    // What follows a head that is refused is read and thrown away for a while, however much it is.
    if (this.#size > EARLY_LIMIT) this.#early = undefined;
    this.#early?.push(new Uint8Array(chunk));
  }

  sent(chunk: Uint8Array): void {
    this.#wire?.sent(chunk); // before that we have sent nothing, or a refusal
  }
}

/** Puts a tap on each direction. */
function tapped({ readable, writable }: ByteStream, wire: Wire): ByteStream {
  const inbound = tap((chunk) => wire.received(chunk));
  const outbound = tap((chunk) => wire.sent(chunk));
  outbound.readable.pipeTo(writable).catch(() => {}); // the connection hears of it from `readable`
  return { readable: readable.pipeThrough(inbound), writable: outbound.writable };
}

/** Shows each chunk to `listen`, and passes it on. */
function tap(listen: (chunk: Uint8Array) => void): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(chunk, controller) {
      listen(chunk);
      controller.enqueue(chunk);
    },
  });
}

/** Makes Web Streams of a socket. */
function bytesOf(socket: Socket): ByteStream {
  return {
    readable: Readable.toWeb(socket) as ReadableStream<Uint8Array>,
    writable: Writable.toWeb(socket) as WritableStream<Uint8Array>,
  };
}
