/**
 * Bytes that arrive in parts and are wanted in one piece.
 *
 * @module
 */

import { borrowBuffer, returnBuffer } from "./buffer_pool.ts";

const EMPTY = new Uint8Array(0);

/**
 * Gathers parts in one buffer that doubles as it fills, so the cost is linear in the bytes whatever their cut, and what
 * is held stays below twice what was received.
 *
 * It grows in buffers of the pool: what it outgrows, or gives up, is no garbage.
 */
export class ByteCollector {
  #buffer: Uint8Array = EMPTY;
  #length = 0;

  /** How many bytes have been gathered. */
  get length(): number {
    return this.#length;
  }

  /**
   * Copies a part behind those before it.
   *
   * @param part The bytes; they may be reused afterwards.
   * @param remaining How many more are to come, if that is known: the buffer then never outgrows the total.
   *   @default {Infinity}
   */
  append(part: Uint8Array, remaining: number = Infinity): void {
    const length = this.#length + part.length;
    if (length > this.#buffer.length) this.#grow(length, length + remaining);
    this.#buffer.set(part, this.#length);
    this.#length = length;
  }

  /** Hands over what was gathered, in a buffer of just its size, and starts anew. */
  take(): Uint8Array {
    const bytes = this.#buffer.length === this.#length ? this.#buffer : this.#buffer.slice(0, this.#length);
    if (bytes !== this.#buffer) returnBuffer(this.#buffer);
    this.#buffer = EMPTY;
    this.#length = 0;
    return bytes;
  }

  /** Throws away what was gathered. */
  discard(): void {
    returnBuffer(this.#buffer);
    this.#buffer = EMPTY;
    this.#length = 0;
  }

  /** Moves to a buffer of at least `needed` bytes: twice the present one, or one of just the `total` if that is less. */
  #grow(needed: number, total: number): void {
    const capacity = Math.max(needed, this.#buffer.length * 2);
    const buffer = total <= capacity ? new Uint8Array(total) : borrowBuffer(capacity);
    buffer.set(this.#buffer.subarray(0, this.#length));
    returnBuffer(this.#buffer);
    this.#buffer = buffer;
  }
}
