/**
 * A socket of `node:net` as a {@linkcode Transport}.
 *
 * @module
 */

import type { Socket } from "node:net";
import { SocketTransport } from "../connection/socket_transport.ts";
import type { RemoteAddress, Transport } from "../connection/transport.ts";
import { kReader, type OwnedSocket, readInto, type SocketReader } from "./node_reader.ts";
import { flushAtEndOfTurn, goOnInNextTurn, turnIsOver } from "./turn.ts";

type Owned = OwnedSocket<NodeTransport>;

/** What lies below a socket, undocumented: how many bytes wait there to be written; for TLS what lies below that, too. */
interface Handle {
  readonly writeQueueSize?: number;
  readonly _parent?: { readonly writeQueueSize?: number };
}

/** Reads and writes through a socket that allows half-open connections. */
export class NodeTransport extends SocketTransport implements Transport, SocketReader {
  readonly remoteAddress: RemoteAddress | undefined;
  readonly secure: boolean;
  handshaking = false;
  due = false;
  afterLargeRead = false;
  readonly #socket: Socket;
  /** How many writes Node has not called back for yet. */
  #unconfirmed = 0;
  #writing = false;
  /** How many bytes libuv still had to write when it was asked last. */
  #queued = 0;
  #error: Error | undefined;

  /**
   * Takes over a socket.
   *
   * @param socket It allows half-open connections.
   * @param options `fresh`: whether it has no TLS, and nobody has read from it.
   */
  constructor(socket: Socket, { fresh }: { fresh: boolean }) {
    super();
    // Sockets of Bun's http.Server have it too, and it is false.
    this.secure = "encrypted" in socket && socket.encrypted === true;
    this.remoteAddress = remoteAddressOf(socket);
    this.#socket = socket;
    const owned: Owned = Object.assign(socket, { [kReader]: this });
    if (fresh && readInto(owned)) owned.resume();
    else owned.on("data", NodeTransport.#onData);
    owned.on("end", NodeTransport.#onEnd);
    owned.on("error", NodeTransport.#onError);
    owned.on("close", NodeTransport.#onClose);
  }

  // The same for all sockets, which they are methods of: closures take 0.2 KiB for each.

  static #onData(this: Owned, { buffer, byteOffset, length }: Uint8Array): void {
    // A Buffer is a Uint8Array with other habits, which users need not know.
    this[kReader].received(new Uint8Array(buffer, byteOffset, length));
  }

  static #onEnd(this: Owned): void {
    this[kReader].peerEnded();
  }

  static #onError(this: Owned, error: Error): void {
    this[kReader].#error = error;
  }

  static #onClose(this: Owned): void {
    this[kReader].lost(this[kReader].#error);
  }

  write(bytes: Uint8Array): boolean {
    this.#unconfirmed++;
    this.#socket.write(bytes, this.#onWritten);
    // Node tries to write at once. What the kernel took whole is no longer counted here, long before the callback. Nor is
    // what it refused, or what came behind the end: that is not done, and `gone` follows.
    this.#writing = this.#socket.writableLength > 0 || !this.#socket.writable;
    return !this.#writing;
  }

  readonly #onWritten = (error?: Error | null): void => {
    // Callbacks of writes that were done at once come late: only the last one belongs to the write under way.
    if (--this.#unconfirmed > 0 || !this.#writing || error) return;
    this.#writing = false;
    if (this.open) this.sink.drain();
  };

  lookForProgress(): void {
    const { _handle: handle } = this.#socket as unknown as { _handle: Handle | null };
    // TLS counts what it has encrypted until all of it is written: it is the socket below that tells.
    const queued = (handle?.writeQueueSize ?? 0) + (handle?._parent?.writeQueueSize ?? 0);
    if (this.open && queued < this.#queued) this.sink.progress?.();
    this.#queued = queued;
  }

  shutdown(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  defer(): void {
    flushAtEndOfTurn(this);
  }

  turnIsOver(): boolean {
    return turnIsOver();
  }

  yield(): void {
    goOnInNextTurn(this);
  }

  override takeUnread(): readonly Uint8Array[] {
    const unread = super.takeUnread();
    if (this.open) return unread;
    // What a TLS socket has decrypted and was not asked for. To read it would also hand it to those who listen.
    const rest: Uint8Array | null = this.#socket.removeAllListeners("data").read();
    return rest === null ? unread : [...unread, rest];
  }

  protected stopReading(): void {
    this.#socket.pause();
  }

  protected startReading(): void {
    this.#socket.resume();
  }
}

/** Tells where the other end of a socket is, if it knows. */
export function remoteAddressOf({ remoteAddress, remotePort }: Socket): RemoteAddress | undefined {
  return remoteAddress === undefined ? undefined : { hostname: remoteAddress, port: remotePort! };
}
