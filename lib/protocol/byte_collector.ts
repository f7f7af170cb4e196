/**
 * Bytes that arrive in parts and are wanted in one piece.
 *
 * @module
 */

const EMPTY = new Uint8Array(0);

/** The smallest capacity to start with: one-byte parts shall not make it grow at every step. */
const MIN_CAPACITY = 64;

/**
 * Gathers parts in one buffer that doubles as it fills, so the cost is linear in the bytes whatever their cut, and what
 * is held stays below twice what was received.
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

  /** Hands over what was gathered, and starts anew. */
  take(): Uint8Array {
    const bytes = this.#length === this.#buffer.length
      ? this.#buffer
      : this.#buffer.subarray(0, this.#length);
    this.#buffer = EMPTY;
    this.#length = 0;
    return bytes;
  }

  /** Moves to a buffer of at least `needed` bytes: twice the present one, but no more than `total`. */
  #grow(needed: number, total: number): void {
    const capacity = Math.min(Math.max(needed, this.#buffer.length * 2, MIN_CAPACITY), total);
    const buffer = new Uint8Array(capacity);
    buffer.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = buffer;
  }
}
