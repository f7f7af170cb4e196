/**
 * Bytes that arrive in parts and are wanted in one piece.
 *
 * @module
 */

import { bufferPool, type PooledBuffer } from "./buffer_pool.ts";
import { copyRange } from "./bytes.ts";

const EMPTY = new Uint8Array(0);

/** How many times as much memory is taken as bytes have come, at most, if it is known or expected that so many more will come. */
const MAX_FORESIGHT = 16;

/**
 * Gathers parts in one buffer that grows as it fills, so the cost is linear in the bytes whatever their cut. What is held
 * stays below twice what was received; where it was announced how much there will be, below that and below sixteen times
 * what was received.
 *
 * It grows in buffers of the pool: what it outgrows, or gives up, is no garbage. A buffer that someone else has seen never
 * goes back there: neither one that was lent to be read into, nor one that was handed over.
 */
export class ByteCollector {
  #buffer: Uint8Array = EMPTY;
  #length = 0;
  /** The buffer, if it is the pool's and nobody else has seen it: only then is it given back. */
  #pooled: PooledBuffer | undefined;

  /** How many bytes have been gathered. */
  get length(): number {
    return this.#length;
  }

  /**
   * Copies a part behind those before it, unless it lies there already: in the {@linkcode ByteCollector.readTarget}.
   *
   * @param part The bytes; they may be reused afterwards.
   * @param remaining How many more are to come, if that is known: the buffer then never outgrows the total.
   *   @default {Infinity}
   * @param expected About how many more are to come, where that is not known. @default {0}
   */
  append(part: Uint8Array, remaining: number = Infinity, expected: number = 0): void {
    const length = this.#length + part.length;
    if (length > this.#buffer.length) this.#grow(length, length + remaining, length + expected);
    const inPlace = part.buffer === this.#buffer.buffer &&
      part.byteOffset === this.#buffer.byteOffset + this.#length;
    if (!inPlace) this.#buffer.set(part, this.#length);
    this.#length = length;
  }

  /**
   * Lends the memory where the next bytes will lie, for reading straight into it. It is good until the next call.
   *
   * It is never memory of the pool, from now on: a read into it may end after the collector has given it up, and what was
   * read may be handed out as it lies there.
   *
   * @param remaining How many more are to come, as for {@linkcode ByteCollector.append}.
   * @returns At least one byte.
   */
  readTarget(remaining: number): Uint8Array {
    if (this.#length === this.#buffer.length) this.#grow(this.#length + 1, this.#length + remaining, 0);
    this.#pooled = undefined;
    return this.#buffer.subarray(this.#length);
  }

  /** Hands over what was gathered, in a buffer that holds nothing else and is the caller's own, and starts again. */
  take(): Uint8Array {
    if (this.#buffer.length > this.#length) {
      const bytes = copyRange(this.#buffer, 0, this.#length);
      this.discard();
      return bytes;
    }
    const bytes = this.#length === 0 ? new Uint8Array(0) : this.#buffer;
    this.#buffer = EMPTY;
    this.#length = 0;
    this.#pooled = undefined;
    return bytes;
  }

  /** What was gathered, where it lies; good until the next call. */
  get gathered(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Throws away what was gathered. */
  discard(): void {
    this.#replace(EMPTY, undefined);
    this.#length = 0;
  }

  /** Moves to a buffer of at least `needed` bytes, and of no more than the `total`. */
  #grow(needed: number, total: number, expected: number): void {
    const most = needed * MAX_FORESIGHT;
    // What is expected may be too little again and again: only doubling keeps the cost linear.
    const wanted = total === Infinity ? Math.max(this.#buffer.length * 2, Math.min(expected, most)) : most;
    const pooled = total > wanted ? bufferPool.borrow(Math.max(needed, wanted)) : undefined;
    const buffer = pooled ?? new Uint8Array(total);
    buffer.set(this.#buffer.subarray(0, this.#length));
    this.#replace(buffer, pooled);
  }

  /** Lets go of the buffer, which goes back to the pool if nobody else has seen it. */
  #replace(buffer: Uint8Array, pooled: PooledBuffer | undefined): void {
    if (this.#pooled !== undefined) bufferPool.giveBack(this.#pooled);
    this.#buffer = buffer;
    this.#pooled = pooled;
  }
}
