/**
 * A {@linkcode Transport} over any pair of byte streams: TLS, a unix socket, HTTP/2, a pair in memory.
 *
 * @module
 */

import { copyBytes, copyRange } from "../protocol/bytes.ts";
import { ignore } from "./deferred.ts";
import type { RemoteAddress, Transport, TransportSink } from "./transport.ts";

/** Any byte stream that goes both ways. */
export interface ByteStream {
  /** What the peer sends. */
  readable: ReadableStream<Uint8Array>;
  /** What goes to the peer. */
  writable: WritableStream<Uint8Array>;
}

/** The most bytes that are handed on at a time: a chunk of many small messages must not take the whole turn. */
const SLICE = 65_536;

/** One turn of `for await` with a `send` in it takes four or five microtasks. */
const GATHER_HOPS = 6;

/** After how many turns in a row a flooded stream waits for a timer: nothing else happens between microtasks. */
const LOOK_EVERY = 8;

let turnsTaken = 0;

/** Reads and writes through locked streams. */
export class StreamTransport implements Transport {
  sink!: TransportSink;
  open = true;
  readonly remoteAddress: RemoteAddress | undefined = undefined;
  readonly secure: boolean = false;

  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #paused = true;
  #resumed: (() => void) | undefined;
  /** What is left of the chunk that is being handed on. */
  #unread: Uint8Array | undefined;
  /** How many more microtasks to wait before what has gathered is written; 0 if nothing has. */
  #hops = 0;

  /**
   * Locks both streams, or neither.
   *
   * @param stream The streams.
   * @throws {TypeError} If one is locked already.
   */
  constructor({ readable, writable }: ByteStream) {
    this.#reader = readable.getReader();
    try {
      this.#writer = writable.getWriter();
    } catch (error) {
      this.#reader.releaseLock();
      throw error;
    }
    // Its failures are seen by what reads and writes.
    this.#reader.closed.catch(ignore);
    this.#writer.closed.catch(ignore);
    this.#read();
  }

  resume(): void {
    this.#paused = false;
    this.#resumed?.();
  }

  pause(): void {
    this.#paused = true;
  }

  write(bytes: Uint8Array): boolean {
    // The stream may keep what it is given, and the caller wants its buffer back.
    this.#writer.write(copyBytes(bytes)).then(
      () => this.open && this.sink.drain(),
      (error) => this.#fail(error),
    );
    return false;
  }

  takeUnread(): readonly Uint8Array[] {
    if (this.open || this.#unread === undefined) return [];
    const unread = copyBytes(this.#unread);
    this.#unread = undefined;
    return [unread];
  }

  shutdown(): void {
    this.#writer.close().catch(ignore);
  }

  destroy(): void {
    this.#fail(undefined);
  }

  defer(): void {
    const idle = this.#hops === 0;
    this.#hops = GATHER_HOPS;
    if (idle) queueMicrotask(() => this.#hop());
  }

  yield(): void {
    const goOn = () => this.open && this.sink.goOn();
    if (++turnsTaken % LOOK_EVERY === 0) setTimeout(goOn);
    else queueMicrotask(goOn);
  }

  /** Waits until nothing was added for a few microtasks: a loop over the messages of one chunk answers them all. */
  #hop(): void {
    if (--this.#hops > 0) queueMicrotask(() => this.#hop());
    else if (this.open) this.sink.flush();
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        await this.#untilResumed();
        const { done, value } = await this.#reader.read();
        if (done) break;
        await this.#deliver(value);
      }
      await this.#untilResumed();
      if (this.open) this.sink.end();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Hands a chunk on: a copy, for masks are undone in place and the chunk is somebody else's. */
  async #deliver(chunk: Uint8Array): Promise<void> {
    if (!(chunk instanceof Uint8Array)) throw new TypeError("Cannot read stream: a chunk is no Uint8Array");
    for (let at = 0; at < chunk.length; at += SLICE) {
      this.#unread = chunk.subarray(at);
      await this.#untilResumed();
      if (!this.open) return;
      this.#unread = undefined;
      this.sink.data(copyRange(chunk, at, Math.min(at + SLICE, chunk.length)));
    }
  }

  async #untilResumed(): Promise<void> {
    while (this.#paused && this.open) await new Promise<void>((resolve) => this.#resumed = resolve);
  }

  /** Ends both streams; the sink hears of it afterwards. */
  #fail(error: unknown): void {
    if (!this.open) return;
    this.open = false;
    this.#resumed?.();
    this.#reader.cancel(error).catch(ignore);
    this.#writer.abort(error).catch(ignore);
    queueMicrotask(() => this.sink.gone(error));
  }
}
