/**
 * Reading the body of a `Response` that somebody else made.
 *
 * @module
 */

import { ignorable, ignore } from "./deferred.ts";

/** How much is read before the head is written, in bytes: a body that ends before has a known length. */
const AHEAD_SIZE = 65_536;
/** How long a chunk may take before the head is written without it, in milliseconds. */
const AHEAD_TIME = 10;

const LATE = Symbol();

/** Reads a body chunk by chunk. The stream stays locked, so that a response that is returned twice is noticed. */
export class ResponseBody {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** A read that was begun and not taken. */
  #reading: Promise<Uint8Array | undefined> | undefined;
  readonly #ahead: Uint8Array[] = [];
  #ended = false;

  /**
   * Takes the body of a response.
   *
   * @param stream The body.
   * @param options `used`: whether it was read before.
   * @throws {TypeError} If it was read before, or somebody else reads it.
   */
  constructor(stream: ReadableStream<Uint8Array>, { used }: { used: boolean }) {
    if (used) throw new TypeError("Cannot answer request: the body of the response was read before");
    if (stream.locked) throw new TypeError("Cannot answer request: the body of the response is locked");
    this.#reader = stream.getReader();
  }

  /**
   * Reads what is there at once: all of a short body, the start of a long one, nothing of one that has nothing yet.
   *
   * @param options `first`: whether to wait for the first chunk, however long it takes.
   * @returns The length of the body in bytes, if that was all of it.
   */
  async readAhead({ first }: { first: boolean }): Promise<number | undefined> {
    let size = 0;
    while (size < AHEAD_SIZE) {
      this.#reading ??= ignorable(this.#read());
      const chunk = await (first && size === 0 ? this.#reading : inTime(this.#reading));
      if (chunk === LATE) return undefined;
      this.#reading = undefined;
      if (chunk === undefined) {
        this.#ended = true;
        return size;
      }
      this.#ahead.push(chunk);
      size += chunk.length;
    }
    return undefined;
  }

  /** The first chunk, if it was read ahead; else no bytes. */
  get start(): Uint8Array {
    return this.#ahead[0] ?? new Uint8Array(0);
  }

  /**
   * Reads the next chunk, which is never empty.
   *
   * @returns The chunk; `undefined` at the end.
   * @throws {TypeError} If a chunk is not a `Uint8Array`. What the body fails with, if it does.
   */
  async next(): Promise<Uint8Array | undefined> {
    const chunk = this.#ahead.shift();
    if (chunk !== undefined || this.#ended) return chunk;
    const reading = this.#reading ?? this.#read();
    this.#reading = undefined;
    return await reading;
  }

  /** Stops reading; without effect at the end. */
  cancel(reason?: unknown): void {
    this.#reader.cancel(reason).catch(ignore);
  }

  async #read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      if (!(value instanceof Uint8Array)) {
        throw new TypeError("Cannot answer request: a chunk of the body is not a Uint8Array");
      }
      if (value.length > 0) return value;
    }
  }
}

async function inTime<T>(promise: Promise<T>): Promise<T | typeof LATE> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<typeof LATE>((resolve) => timer = setTimeout(() => resolve(LATE), AHEAD_TIME));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
