/**
 * Bytes that arrive in parts and are wanted in one piece.
 *
 * @module
 */

import { borrowBuffer, returnBuffer } from "./buffer_pool.ts";

const EMPTY = new Uint8Array(0);

/** How many times as much memory is taken as bytes have come, at most, if it is known that so many more will come. */
const MAX_FORESIGHT = 16;

/**
 * Gathers parts in one buffer that grows as it fills, so the cost is linear in the bytes whatever their cut. What is held
 * stays below twice what was received; where it was announced how much there will be, below that and below sixteen times
 * what was received.
 *
 * It grows in buffers of the pool: what it outgrows, or gives up, is no garbage.
 */
export class ByteCollector {
  #buffer: Uint8Array = EMPTY;
  #length = 0;
  /** Whether somebody may still write to the buffer. */
  #lent = false;

  /** How many bytes have been gathered. */
  get length(): number {
    return this.#length;
  }

  /**
   * Copies a part behind those before it, unless it lies there already: in the {@linkcode ByteCollector.room}.
   *
   * @param part The bytes; they may be reused afterwards.
   * @param remaining How many more are to come, if that is known: the buffer then never outgrows the total.
   *   @default {Infinity}
   */
  append(part: Uint8Array, remaining: number = Infinity): void {
    const length = this.#length + part.length;
    if (length > this.#buffer.length) this.#grow(length, length + remaining);
    const inPlace = part.buffer === this.#buffer.buffer &&
      part.byteOffset === this.#buffer.byteOffset + this.#length;
    if (!inPlace) this.#buffer.set(part, this.#length);
    this.#length = length;
  }

  /**
   * Lends the memory where the next bytes will lie, for reading straight into it. It is good until the next call.
   *
   * @param remaining How many more are to come, as for {@linkcode ByteCollector.append}.
   * @returns At least one byte.
   */
  room(remaining: number): Uint8Array {
    if (this.#length === this.#buffer.length) this.#grow(this.#length + 1, this.#length + remaining);
    this.#lent = true;
    return this.#buffer.subarray(this.#length);
  }

  /** Hands over what was gathered, in a buffer of just its size, and starts anew. */
  take(): Uint8Array {
    const bytes = this.#buffer.length === this.#length ? this.#buffer : this.#buffer.slice(0, this.#length);
    if (bytes !== this.#buffer) returnBuffer(this.#buffer);
    this.#buffer = EMPTY;
    this.#length = 0;
    this.#lent = false;
    return bytes;
  }

  /** Throws away what was gathered. */
  discard(): void {
    // A read into the room may be under way.
    if (!this.#lent) returnBuffer(this.#buffer);
    this.#buffer = EMPTY;
    this.#length = 0;
    this.#lent = false;
  }

  /** Moves to a buffer of at least `needed` bytes, and of no more than the `total`. */
  #grow(needed: number, total: number): void {
    const wanted = total === Infinity ? this.#buffer.length * 2 : needed * MAX_FORESIGHT;
    const buffer = total <= wanted ? new Uint8Array(total) : borrowBuffer(Math.max(needed, wanted));
    buffer.set(this.#buffer.subarray(0, this.#length));
    returnBuffer(this.#buffer);
    this.#buffer = buffer;
  }
}
