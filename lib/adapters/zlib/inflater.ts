/**
 * Decompressing with `node:zlib`: a message holds a decompressor from its first part to its end, a connection only the
 * window that the next message may refer to, and that only with context takeover.
 *
 * @module
 */

import { constants, createInflateRaw } from "node:zlib";
import { WebSocketError } from "../../errors.ts";
import { copyRange } from "../../protocol/bytes.ts";
import type { InflateOptions, Inflater } from "../../protocol/deflate_codec.ts";
import { OUTPUT_SIZE, Zlib } from "./stream.ts";

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

/**
 * How many bytes zlib is given at a time. Some 12 bytes can be a block whose tables take 3 us and that brings nothing: 64 KiB
 * of them held Node for 13 ms, Bun's reads of 512 KiB for 170.
 */
const MAX_INPUT = 4_096;

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
  /** The part that is being decompressed, and how much of it zlib has taken. */
  #part: Uint8Array = NOTHING;
  #taken = 0;
  /** How many bytes have come out of it. */
  #given = 0;
  /** Whether zlib has more to give of what it has taken. */
  #more = false;
  /** Whether what is left lies behind a last block. */
  #ended = false;

  /** Makes ready for a message that may refer to a window. */
  begin(window: Uint8Array): void {
    this.#total = 0;
    this.#restarts = 0;
    this.#part = NOTHING;
    this.#taken = 0;
    this.#more = this.#ended = false;
    this.#window.set(window);
    this.#size = window.length;
    this.#restart();
  }

  write(part: Uint8Array): void {
    this.#part = part;
    this.#taken = this.#given = 0;
  }

  /** What is left of the part, if it is compressed as well as what came before. */
  get expected(): number {
    return Math.ceil((this.#part.length - this.#taken) * this.#given / (this.#taken || 1));
  }

  read(): Uint8Array | undefined {
    const zlib = this.#zlib;
    const left = this.#part.length - this.#taken;
    if (left === 0 && !this.#more) return undefined;
    if (this.#ended) this.#restartInMessage();
    unkept?.keep();
    const end = this.#taken + Math.min(left, MAX_INPUT);
    const latest = zlib.write(left > MAX_INPUT ? this.#part.subarray(0, end) : this.#part, end - this.#taken);
    if (latest === undefined) throw new WebSocketError("invalid-deflate");
    this.#latest = latest;
    unkept = this;
    this.#total += latest.length;
    this.#given += latest.length;
    this.#taken = end - zlib.left;
    this.#more = zlib.full;
    this.#ended = zlib.left > 0 && !zlib.full;
    return latest;
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
    this.#part = NOTHING;
    if (unkept === this) unkept = undefined;
  }

  /** Frees what it holds: it is not needed any more. */
  free(): void {
    this.#zlib.close();
  }

  /** Begins a new stream behind a block that said it was the last (BFINAL): others may follow (§7.2.1). */
  #restartInMessage(): void {
    if (this.#restarts++ > FREE_RESTARTS + this.#total / BYTES_PER_RESTART) {
      throw new WebSocketError("invalid-deflate");
    }
    this.#restart();
    this.#ended = false;
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

  write(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#empty = false;
    this.#begin().write(part);
  }

  read(): Uint8Array | undefined {
    return this.#engine?.read();
  }

  get expected(): number {
    return this.#engine?.expected ?? 0;
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
    else this.#engine.free();
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
