/**
 * Decompressing with `node:zlib`: a message holds a decompressor from its first part to its end, a connection only the
 * window that the next message may refer to, and that only with context takeover.
 *
 * @module
 */

import { constants, createInflateRaw } from "node:zlib";
import { WebSocketError } from "../errors.ts";
import { copyRange } from "../protocol/bytes.ts";
import type { InflateOptions, Inflater, TakeBytes } from "../protocol/deflate_codec.ts";
import { OUTPUT_SIZE, Zlib } from "./zlib_stream.ts";

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

const NOTHING = new Uint8Array(0);

/** What all engines write to. */
const output = new Uint8Array(OUTPUT_SIZE);

/**
 * The engine whose latest output still lies there: it goes into the engine's window only when it is about to be
 * overwritten. Most messages end before, and need no window: 6 us less at 16 KiB on Node.
 */
let unkept: InflateEngine | undefined;

/** A decompressor for the length of one message, with the bytes that the message may refer to. */
class InflateEngine {
  readonly #zlib = new Zlib(createInflateRaw({ windowBits: 15, chunkSize: constants.Z_MIN_CHUNK }), output);
  #latest: Uint8Array = NOTHING;
  /** The output before the latest, at most a window of it. */
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
    let left = part.length;
    while (left > 0) {
      left = this.#inflate(part, left, take);
      if (left === 0) return;
      // A block said that it was the last (BFINAL), and others follow, as §7.2.1 allows: zlib has to begin anew.
      if (this.#restarts++ > FREE_RESTARTS + this.#total / BYTES_PER_RESTART) {
        throw new WebSocketError("invalid-deflate");
      }
      this.#restart();
    }
  }

  /** Ends a message; returns the latest output, `size` bytes of it if there are so many, in a buffer of its own. */
  end(size: number): Uint8Array {
    // A whole message has no more to give: what came out last stays where it is.
    if (unkept !== this) unkept?.keep();
    const extra = this.#zlib.write(PROBE, PROBE.length);
    if (extra?.length !== 0 || !RESTS.has(this.#zlib.left)) throw new WebSocketError("invalid-deflate");
    if (size === 0) return NOTHING;
    unkept?.keep();
    return copyRange(this.#window, Math.max(0, this.#size - size), this.#size);
  }

  /** Forgets the message. */
  close(): void {
    if (unkept === this) unkept = undefined;
  }

  /** Decompresses the last `left` bytes of a part; returns how many lie behind a last block. */
  #inflate(part: Uint8Array, left: number, take: TakeBytes): number {
    const zlib = this.#zlib;
    do {
      unkept?.keep();
      const latest = zlib.write(part, left);
      if (latest === undefined) throw new WebSocketError("invalid-deflate");
      this.#latest = latest;
      unkept = this;
      this.#total += latest.length;
      if (latest.length > 0) take(latest);
      left = zlib.left;
    } while (zlib.full);
    return left;
  }

  /** Begins a stream, and shows it the window: in stored blocks, whose output is what went in. */
  #restart(): void {
    unkept?.keep();
    this.#zlib.reset();
    const length = this.#size;
    if (length === 0) return;
    this.#zlib.write(Uint8Array.of(0, length, length >> 8, ~length, ~length >> 8), 5);
    this.#zlib.write(this.#window.subarray(0, length), length);
  }

  /** Puts the latest output into the window, before it is overwritten. */
  keep(): void {
    const latest = this.#latest.subarray(Math.max(0, this.#latest.length - MAX_WINDOW));
    const kept = Math.min(this.#size, MAX_WINDOW - latest.length);
    this.#window.copyWithin(0, this.#size - kept, this.#size);
    this.#window.set(latest, kept);
    this.#size = kept + latest.length;
    unkept = undefined;
  }
}

/** Decompressors that are not in use. */
const engines: InflateEngine[] = [];
const MAX_IDLE_ENGINES = 16;

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
    this.#window = this.#begin().end(this.#windowSize);
    this.#empty = true;
    this.close();
  }

  close(): void {
    if (this.#engine === undefined) return;
    this.#engine.close();
    if (engines.length < MAX_IDLE_ENGINES) engines.push(this.#engine);
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
