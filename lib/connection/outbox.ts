/**
 * The way out of a connection: frames gather in one buffer, and go to the transport one write at a time.
 *
 * @module
 */

import type { SendBuffer } from "../protocol/send_buffer.ts";
import { Deferred } from "./deferred.ts";
import type { Transport } from "./transport.ts";

/** One allocation for all calls of `send` that need not wait. */
const DONE: Promise<void> = Promise.resolve();

/** Writes what a {@linkcode SendBuffer} gathers, and holds back who sends too much. */
export class Outbox {
  readonly #transport: Transport;
  readonly #buffer: SendBuffer;
  readonly #highWaterMark: number;
  /** The write under way, if any. */
  #writing: Uint8Array | undefined;
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
    return this.#buffer.size + (this.#writing?.length ?? 0);
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
    if (this.#writing === undefined && this.#buffer.size > 0) this.#write(this.#buffer.take());
    if (this.#relief === undefined || !this.relieved) return;
    this.#relief.resolve();
    this.#relief = undefined;
  }

  /** Takes note that the write under way is done. */
  drain(): void {
    if (this.#writing !== undefined) this.#buffer.recycle();
    this.#writing = undefined;
  }

  /** Waits until little enough is left. */
  untilRelieved(): Promise<void> {
    return this.relieved ? DONE : (this.#relief ??= new Deferred()).promise;
  }

  /** Gives up: nothing will be written any more. */
  fail(error: unknown): void {
    this.#writing = undefined;
    this.#relief?.reject(error);
    this.#relief = undefined;
  }

  #write(bytes: Uint8Array): void {
    if (this.#transport.write(bytes)) this.#buffer.recycle();
    else this.#writing = bytes;
  }
}
