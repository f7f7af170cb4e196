/**
 * A connection of `Deno.listen` or `Deno.connect` as a {@linkcode Transport}.
 *
 * @module
 */

import { SocketTransport } from "../connection/socket_transport.ts";
import type { RemoteAddress, Transport } from "../connection/transport.ts";
import { flushAtEndOfTurn, goOnBehindLook, turnIsOver } from "./turn.ts";

/** The part of Deno's sockets that is used here, typed by its shape: the package needs no types of the runtime. */
export interface DenoConn {
  readonly remoteAddr: { hostname: string; port: number } | { path: string };
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
  setNoDelay?(noDelay?: boolean): void;
}

/** A socket that listens. */
export interface DenoListener {
  readonly addr: { hostname: string; port: number };
  accept(): Promise<DenoConn>;
  close(): void;
}

/** Where to listen, or to connect to. */
export type DenoAddress = { hostname: string; port: number } | { transport: "unix"; path: string };

interface DenoNamespace {
  listen(address: DenoAddress): DenoListener;
  connect(address: DenoAddress & { signal?: AbortSignal }): Promise<DenoConn>;
}

/** The functions that make sockets. */
export const Deno: DenoNamespace = (globalThis as unknown as { Deno: DenoNamespace }).Deno;

/** The sizes of the buffer that is read into, in bytes: an idle connection holds one. */
const MIN_READ = 1_024;
const MAX_READ = 65_536;

/** How much is read behind a frame that was read to where it belongs: if another follows, what comes with its header is copied. */
const HEAD_READ = 8_192;

/** Reads and writes through a connection, one read and one write at a time. */
export class DenoTransport extends SocketTransport implements Transport {
  readonly remoteAddress: RemoteAddress | undefined;
  readonly secure = false;
  due = false;
  readonly #conn: DenoConn;
  #buffer = new Uint8Array(MIN_READ);
  #used = 0;
  /** How much is read at most, unless the sink has a better place. */
  #size = MIN_READ;
  #stopped = false;
  #restart: (() => void) | undefined;

  constructor(conn: DenoConn) {
    super();
    const { remoteAddr } = conn;
    this.remoteAddress = "port" in remoteAddr
      ? { hostname: remoteAddr.hostname, port: remoteAddr.port }
      : undefined;
    this.#conn = conn;
    conn.setNoDelay?.();
    this.#readAll();
  }

  write(bytes: Uint8Array): boolean {
    this.#writeAll(bytes);
    return false;
  }

  shutdown(): void {
    this.#conn.closeWrite().catch(() => {});
  }

  destroy(): void {
    if (this.open) queueMicrotask(() => this.#close());
  }

  defer(): void {
    flushAtEndOfTurn(this);
  }

  turnIsOver(): boolean {
    return turnIsOver();
  }

  yield(): void {
    goOnBehindLook(this);
  }

  protected stopReading(): void {
    this.#stopped = true;
  }

  protected startReading(): void {
    this.#stopped = false;
    this.#restart?.();
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) {
        const taken = await this.#conn.write(bytes.subarray(at));
        // The first time the kernel may have had room as it was.
        if (at > 0 && this.open) this.sink.progress?.();
        at += taken;
      }
      if (this.open) this.sink.drain();
    } catch (error) {
      this.#close(error);
    }
  }

  async #readAll(): Promise<void> {
    try {
      while (this.open) {
        const target = this.nextBuffer() ?? this.#leftover();
        const size = await this.#conn.read(target);
        if (size === null) return this.peerEnded();
        this.#take(target, size);
        if (this.#stopped) await new Promise<void>((resolve) => this.#restart = resolve);
      }
    } catch (error) {
      this.#close(error);
    }
  }

  /** Passes on what was read. What filled its place is followed by a larger read. */
  #take(target: Uint8Array, size: number): void {
    if (target.buffer !== this.#buffer.buffer) this.#size = HEAD_READ;
    else if (size === target.length) this.#size = Math.min(this.#size * 2, MAX_READ);
    if (target.buffer === this.#buffer.buffer) this.#used += size;
    this.received(size === target.length ? target : target.subarray(0, size));
  }

  /** Returns what is left of the buffer, or a new one. */
  #leftover(): Uint8Array {
    if (this.#buffer.length - this.#used < MIN_READ / 2) {
      this.#buffer = new Uint8Array(this.#size);
      this.#used = 0;
    }
    return this.#buffer.subarray(this.#used, this.#used + this.#size);
  }

  #close(error?: unknown): void {
    if (!this.open) return;
    this.#conn.close();
    this.#restart?.();
    this.lost(error);
  }
}
