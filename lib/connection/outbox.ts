/**
 * The way out of a connection: frames gather in one buffer, and go to the transport one write at a time.
 *
 * @module
 */

import type { SendBuffer } from "../protocol/send_buffer.ts";
import { Deferred } from "./deferred.ts";
import type { Transport } from "./transport.ts";

/**
 * How many bytes the transport is given at a time. That a peer has read some of a large message is only known when a
 * write is done; without it, one that reads slowly would be taken for dead.
 */
const WRITE_SIZE = 262_144;

/** One allocation for all calls of `send` that need not wait. */
const DONE: Promise<void> = Promise.resolve();

/** Writes what a {@linkcode SendBuffer} gathers, and holds back who sends too much. */
export class Outbox {
  readonly #transport: Transport;
  readonly #buffer: SendBuffer;
  readonly #highWaterMark: number;
  /** What is being written, if anything; how much of it the transport was given, and how much of that is done. */
  #writing: Uint8Array | undefined;
  #given = 0;
  #done = 0;
  /** What those wait for who sent while too much was waiting. */
  #relief: Deferred<void> | undefined;

  /**
   * Makes the way out.
   *
   * @param transport Where the bytes go.
   * @param buffer Where the frames are gathered.
   * @param highWaterMark How many bytes may wait before senders are held back.
   */
  constructor(transport: Transport, buffer: SendBuffer, highWaterMark: number) {
    this.#transport = transport;
    this.#buffer = buffer;
    this.#highWaterMark = highWaterMark;
  }

  /** The bytes that the kernel has not taken yet, headers included. */
  get size(): number {
    return this.#buffer.size + (this.#writing === undefined ? 0 : this.#writing.length - this.#done);
  }

  /** Whether little enough waits for more to be sent. */
  get relieved(): boolean {
    return this.size < this.#highWaterMark || this.size === 0;
  }

  /** Sees to it that what was just encoded goes out: at the end of the turn, or now if that is much. */
  push(): void {
    if (this.#buffer.size >= this.#highWaterMark) this.flush();
    else if (this.#writing === undefined) this.#transport.defer();
  }

  /** Writes what has gathered, unless a write is under way. */
  flush(): void {
    if (this.#writing === undefined && this.#buffer.size > 0) this.#begin();
    if (this.#relief === undefined || !this.relieved) return;
    this.#relief.resolve();
    this.#relief = undefined;
  }

  /** Takes note that the write under way is done. */
  drain(): void {
    if (this.#writing === undefined) return;
    this.#done = this.#given;
    this.#goOn(this.#writing);
  }

  /** Waits until little enough is left. */
  untilRelieved(): Promise<void> {
    return this.relieved ? DONE : (this.#relief ??= new Deferred()).promise;
  }

  /** Gives up: nothing will be written any more. */
  fail(error: () => unknown): void {
    this.#writing = undefined;
    this.#relief?.reject(error());
    this.#relief = undefined;
  }

  #begin(): void {
    this.#writing = this.#buffer.take();
    this.#given = this.#done = 0;
    this.#goOn(this.#writing);
  }

  /** Gives the transport one part after the other, until one has to wait. */
  #goOn(bytes: Uint8Array): void {
    while (this.#given < bytes.length) {
      const start = this.#given;
      this.#given = Math.min(start + WRITE_SIZE, bytes.length);
      const whole = this.#given - start === bytes.length;
      if (!this.#transport.write(whole ? bytes : bytes.subarray(start, this.#given))) return;
      this.#done = this.#given;
    }
    this.#writing = undefined;
    this.#buffer.recycle();
  }
}
