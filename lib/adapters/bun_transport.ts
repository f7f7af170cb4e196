/**
 * A socket of `Bun.listen` or `Bun.connect` as a {@linkcode Transport}.
 *
 * @module
 */

import { SocketTransport } from "../connection/socket_transport.ts";
import type { RemoteAddress, Transport } from "../connection/transport.ts";
import { flushAtEndOfTurn, goOnInNextTurn, turnIsOver } from "./turn.ts";

/** The part of Bun's sockets that is used here, typed by its shape: the package needs no types of the runtime. */
export interface BunSocket {
  data: BunTransport;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number;
  write(bytes: Uint8Array): number;
  pause(): void;
  resume(): void;
  shutdown(): void;
  close(): void;
  terminate(): void;
  unref(): void;
  setNoDelay(noDelay: boolean): void;
}

/** What Bun calls for what happens to a socket. */
export interface BunHandlers {
  open(socket: BunSocket): void;
  data(socket: BunSocket, bytes: Uint8Array): void;
  drain(socket: BunSocket): void;
  end(socket: BunSocket): void;
  close(socket: BunSocket, error?: unknown): void;
  handshake(socket: BunSocket, success: boolean, error: unknown): void;
  error(socket: BunSocket, error: unknown): void;
  connectError(socket: BunSocket, error: unknown): void;
}

/** What TypeScript does not know of an ArrayBuffer yet. */
type GivenBack = ArrayBuffer & { transfer(size: number): ArrayBuffer };

type BunSocketOptions = ({ hostname: string; port: number; tls?: object } | { unix: string }) & {
  allowHalfOpen: boolean;
  socket: BunHandlers;
};

interface BunNamespace {
  listen(options: BunSocketOptions): { hostname: string; port: number; stop(force?: boolean): void };
  connect(options: BunSocketOptions): Promise<BunSocket>;
}

/** The functions that make sockets. */
export const Bun: BunNamespace = (globalThis as unknown as { Bun: BunNamespace }).Bun;

/**
 * Up to this many bytes JavaScriptCore keeps in the typed array itself, and has to move them out for the first view: 200
 * ns for a message of 64 bytes, two copies 54.
 */
const COPY_UP_TO = 1_000;

/** How long TLS may take to hand its last record to the kernel, in milliseconds. */
const LAST_RECORD_TIME = 5_000;

/** Reads and writes through a socket that allows half-open connections. Bun calls the socket's handlers, and they this. */
export class BunTransport extends SocketTransport implements Transport {
  readonly remoteAddress: RemoteAddress | undefined;
  readonly secure: boolean;
  readonly copyUpTo: number = COPY_UP_TO;
  handshaking: boolean;
  due = false;
  readonly #socket: BunSocket;
  /** What Bun has not taken yet of the write under way. */
  #rest: Uint8Array | undefined;
  #destroyed = false;
  /** Set while a socket that is destroyed waits for room for its last record. */
  #late: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: BunSocket, { secure }: { secure: boolean }) {
    super();
    const { remoteAddress, remotePort } = socket;
    this.remoteAddress = remoteAddress === undefined
      ? undefined
      : { hostname: remoteAddress, port: remotePort };
    this.secure = secure;
    this.handshaking = secure;
    this.#socket = socket;
  }

  write(bytes: Uint8Array): boolean {
    // Bun tells how much it took, and keeps nothing of the rest.
    const taken = this.#socket.write(bytes);
    // The peer is gone, and Bun would never call `close` for a socket that is paused.
    if (taken < 0) this.#socket.terminate();
    this.#rest = taken === bytes.length ? undefined : bytes.subarray(Math.max(0, taken));
    return this.#rest === undefined;
  }

  goOnWriting(): void {
    if (this.#late !== undefined) {
      clearTimeout(this.#late);
      return this.#socket.close();
    }
    // It also tells of room when the socket opens.
    if (this.#rest === undefined || this.#destroyed) return;
    this.sink.progress?.();
    if (this.write(this.#rest)) this.sink.drain();
  }

  takeBytes(bytes: Uint8Array): void {
    if (this.#destroyed) return;
    // A Buffer is a Uint8Array with other habits, which users need not know. To ask one of up to 1,000 bytes for
    // its ArrayBuffer makes Bun move it: 190 ns for 70 bytes, a copy 50.
    const short = bytes.length <= COPY_UP_TO;
    this.received(
      short ? new Uint8Array(bytes) : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length),
    );
  }

  /**
   * Hands on a chunk. What the sink has a better place for is copied there; a chunk that was copied whole is freed at once:
   * Bun reads up to 512 KiB into fresh memory, and JavaScriptCore lets 30 MiB of that gather. A process that receives a
   * message of 4 GiB grows by 16 MiB in place of 43.
   */
  protected override deliver(chunk: Uint8Array): Uint8Array | undefined {
    for (let rest = chunk; rest.length > 0;) {
      if (this.paused) return rest;
      const target = this.sink.readTarget?.nextBuffer();
      if (target === undefined) {
        this.sink.data(rest);
        return undefined;
      }
      const part = rest.subarray(0, target.length);
      target.set(part);
      rest = rest.subarray(part.length);
      this.sink.data(target.subarray(0, part.length));
    }
    (chunk.buffer as GivenBack).transfer(0);
    return undefined;
  }

  takeEnd(): void {
    if (!this.#destroyed) this.peerEnded();
  }

  takeLoss(error: unknown): void {
    clearTimeout(this.#late);
    // Bun calls it from inside terminate().
    queueMicrotask(() => this.lost(error));
  }

  shutdown(): void {
    this.#socket.shutdown();
  }

  destroy(): void {
    if (this.#destroyed) return;
    if (this.handshaking) return this.reset();
    this.#destroyed = true;
    if (this.secure && this.#rest !== undefined) this.#closeLater();
    else this.#socket.close();
    // Bun does not always tell of the end of TLS.
    if (this.secure) queueMicrotask(() => this.lost());
  }

  /** As terminate() does: what the kernel still holds for a peer that reads slowly is lost with it. */
  reset(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#socket.terminate();
  }

  /**
   * Closes the socket once the kernel has room again. The last record may have gone out in part, which Bun counts as
   * written: close() would leave the socket to the peer then, for as long as that does not read.
   */
  #closeLater(): void {
    this.#socket.unref();
    this.#late = setTimeout(() => this.#socket.terminate(), LAST_RECORD_TIME);
    this.#late.unref();
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

  protected stopReading(): void {
    this.#socket.pause();
  }

  protected startReading(): void {
    this.#socket.resume();
  }
}
