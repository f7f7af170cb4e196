/**
 * Decompressing with `node:zlib`: a message holds a decompressor from its first part to its end, a connection only the
 * window that the next message may refer to, and that only with context takeover.
 *
 * @module
 */

import { constants, createInflateRaw } from "node:zlib";
import { WebSocketError } from "../errors.ts";
import type { InflateOptions, Inflater, TakeBytes } from "../protocol/deflate_codec.ts";
import { Zlib } from "./zlib_stream.ts";

const MAX_WINDOW = 32_768;

/** What a sender cuts off each message (RFC 7692 §7.2.1), and a last block that shows whether all before it was whole. */
const PROBE = Uint8Array.of(0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff, 0);
/**
 * How much of the probe a whole message leaves over: what is behind its last block; all behind what the sender cut off,
 * if that was the end of a block with BFINAL; or everything, if such a block ended in front of it.
 */
const RESTS: ReadonlySet<number> = new Set([1, 6, PROBE.length]);

/**
 * How many blocks with BFINAL a message may have for nothing, and how many bytes each further one must bring. To begin
 * anew behind one costs 8 us with a full window: a message of 1 MiB that is made of them blocked Node for 4 s.
 */
const FREE_RESTARTS = 64;
const BYTES_PER_RESTART = 1_024;

/** A decompressor for the length of one message, with the bytes that the message may refer to. */
class InflateEngine {
  readonly #zlib = new Zlib(createInflateRaw({ windowBits: 15, chunkSize: constants.Z_MIN_CHUNK }));
  /** The latest output, at most a window of it. */
  readonly #window = new Uint8Array(MAX_WINDOW);
  #size = 0;
  /** How many bytes of the message have come out, and how often zlib had to begin anew in it. */
  #total = 0;
  #restarts = 0;

  /** Makes ready for a message that may refer to a window. */
  begin(window: Uint8Array): void {
    this.#total = 0;
    this.#restarts = 0;
    this.#window.set(window);
    this.#size = window.length;
    this.#restart();
  }

  write(part: Uint8Array, take: TakeBytes): void {
    const keepAndTake = (bytes: Uint8Array) => {
      this.#keep(bytes);
      take(bytes);
    };
    for (let left = part.length; left > 0;) {
      const rest = this.#zlib.write(part.subarray(part.length - left), keepAndTake);
      if (rest === -1) throw new WebSocketError("invalid-deflate");
      if (rest === 0) return;
      // A block said that it was the last (BFINAL), and others follow, as §7.2.1 allows: zlib has to begin anew.
      left = rest;
      if (this.#restarts++ > FREE_RESTARTS + this.#total / BYTES_PER_RESTART) {
        throw new WebSocketError("invalid-deflate");
      }
      this.#restart();
    }
  }

  end(): void {
    let extra = 0;
    const rest = this.#zlib.write(PROBE, (bytes) => extra += bytes.length);
    if (extra > 0 || !RESTS.has(rest)) throw new WebSocketError("invalid-deflate");
  }

  /** The latest output, `size` bytes of it if there are so many; valid until the next message. */
  window(size: number): Uint8Array {
    return this.#window.subarray(Math.max(0, this.#size - size), this.#size);
  }

  /** Begins a stream, and shows it the window: in stored blocks, whose output is what went in. */
  #restart(): void {
    this.#zlib.reset();
    if (this.#size === 0) return;
    const { length } = this.window(MAX_WINDOW);
    this.#zlib.write(Uint8Array.of(0, length, length >> 8, ~length, ~length >> 8), ignore);
    this.#zlib.write(this.#window.subarray(0, length), ignore);
  }

  #keep(bytes: Uint8Array): void {
    this.#total += bytes.length;
    const kept = Math.min(this.#size, MAX_WINDOW - Math.min(bytes.length, MAX_WINDOW));
    this.#window.copyWithin(0, this.#size - kept, this.#size);
    this.#window.set(bytes.subarray(Math.max(0, bytes.length - MAX_WINDOW)), kept);
    this.#size = Math.min(kept + bytes.length, MAX_WINDOW);
  }
}

function ignore(): void {}

/** Decompressors that are not in use. */
const engines: InflateEngine[] = [];
const MAX_IDLE_ENGINES = 16;

const NOTHING = new Uint8Array(0);

/** Implements {@linkcode Inflater}. */
export class ZlibInflater implements Inflater {
  readonly #windowSize: number;
  /** What the next message may refer to. */
  #window: Uint8Array = NOTHING;
  #engine: InflateEngine | undefined;
  #empty = true;

  /** @param options The peer's window, and whether it is kept. */
  constructor({ windowBits, takeover }: InflateOptions) {
    this.#windowSize = takeover ? 2 ** windowBits : 0;
  }

  write(part: Uint8Array, take: TakeBytes): void {
    if (part.length === 0) return;
    this.#empty = false;
    this.#begin().write(part, take);
  }

  end(): void {
    // Not one byte is no DEFLATE stream, and yet what some send for an empty message.
    if (this.#empty) return;
    const engine = this.#begin();
    engine.end();
    if (this.#windowSize > 0) this.#window = engine.window(this.#windowSize).slice();
    this.#empty = true;
    this.close();
  }

  close(): void {
    if (this.#engine !== undefined && engines.length < MAX_IDLE_ENGINES) engines.push(this.#engine);
    this.#engine = undefined;
  }

  #begin(): InflateEngine {
    if (this.#engine === undefined) {
      this.#engine = engines.pop() ?? new InflateEngine();
      this.#engine.begin(this.#window);
    }
    return this.#engine;
  }
}
