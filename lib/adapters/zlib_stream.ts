/**
 * A stream of `node:zlib` that is written to synchronously.
 *
 * The public face of `node:zlib` has no synchronous stream: its one-shot calls make a new stream for each message (5 to
 * 8 us, and on Deno they ignore a dictionary, so that there is no context takeover), its streams are asynchronous. Below
 * that face, a stream's handle has a synchronous `writeSync` that the one-shot calls use. It is the same on Node 22 to
 * 26, Deno 2 and Bun 1, and compresses 128 bytes of JSON in 0.6 to 2.4 us.
 *
 * @module
 */

import { constants, type DeflateRaw, type InflateRaw } from "node:zlib";
import type { TakeBytes } from "../protocol/deflate_codec.ts";

/** What lies below a stream of `node:zlib`. */
interface ZlibStream {
  readonly _handle: {
    onerror: (message: string, errno: number, code: string) => void;
    writeSync(
      flush: number,
      input: Uint8Array,
      inputAt: number,
      inputLength: number,
      output: Uint8Array,
      outputAt: number,
      outputLength: number,
    ): void;
    reset(): void;
  };
  /** After a write: how much room is left in the output, and how much of the input was not taken. */
  readonly _writeState: Uint32Array;
}

const OUTPUT_SIZE = 65_536;

/** Every write goes through this: what comes out is taken or copied before the next. */
const output = new Uint8Array(OUTPUT_SIZE);

/** A stream that is written to synchronously. */
export class Zlib {
  readonly #stream: ZlibStream;
  #failed = false;

  /** @param stream One of the raw streams of `node:zlib`; it is used by nobody else. */
  constructor(stream: DeflateRaw | InflateRaw) {
    this.#stream = stream as unknown as ZlibStream;
    this.#stream._handle.onerror = () => this.#failed = true;
  }

  /**
   * Writes all of the input, or as much as is taken.
   *
   * @returns How many bytes were not taken: the stream ended before them. -1: it failed.
   */
  write(input: Uint8Array, take: TakeBytes): number {
    const { _handle: handle, _writeState: state } = this.#stream;
    let left = input.length;
    for (;;) {
      handle.writeSync(constants.Z_SYNC_FLUSH, input, input.length - left, left, output, 0, OUTPUT_SIZE);
      if (this.#failed) return -1;
      const room = state[0]!;
      left = state[1]!;
      if (room < OUTPUT_SIZE) take(output.subarray(0, OUTPUT_SIZE - room));
      // A full output may mean that there is more to come.
      if (room > 0) return left;
    }
  }

  /** Begins anew. */
  reset(): void {
    this.#failed = false;
    this.#stream._handle.reset();
  }
}
