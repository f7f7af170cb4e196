/**
 * Bytes in, frames out (RFC 6455 §5.2).
 *
 * @module
 */

import { WebSocketError } from "../errors.ts";
import { ByteCollector } from "./byte_collector.ts";
import { copyRange, joinBytes } from "./bytes.ts";
import { type Frame, isControl, Opcode, type Role } from "./frame.ts";
import { type HeaderContext, headerFault, LENGTH_INVALID, LENGTH_UNKNOWN } from "./header.ts";
import { mask, maskRange, rotate, wordsIn } from "./mask.ts";

/** The default of every limit on the size of a frame or message: 1 MiB. */
export const DEFAULT_MAX_SIZE = 1_048_576;

/** How many empty fragments in a row are taken, unless told otherwise. */
export const DEFAULT_MAX_EMPTY_FRAGMENTS = 1_024;

const NOTHING = new Uint8Array(0);

/** The longest length that is exact as a number: what is longer is too big, whatever the limit. */
const MAX_LENGTH = Number.MAX_SAFE_INTEGER;

/** The longest header: two bytes, a 64-bit length, a masking key. */
const MAX_HEADER_SIZE = 14;

/** What a {@linkcode FrameDecoder} demands of the frames. */
export interface FrameDecoderOptions {
  /** Whose side we are: a `"server"` demands masked frames, a `"client"` unmasked ones. @default {"server"} */
  role?: Role;
  /** The longest payload of a data frame, in bytes. @default {Infinity} */
  maxFrameSize?: number;
  /**
   * The longest message, in bytes, all its frames together. One that is compressed may have a little more, for data that
   * cannot be compressed grows: whoever decompresses has to see to the limit.
   *
   * @default {Infinity}
   */
  maxMessageSize?: number;
  /** How many empty fragments may come in a row. @default {1024} */
  maxEmptyFragments?: number;
  /** Whether an extension that uses RSV1 has been negotiated. @default {false} */
  rsv1?: boolean;
  /**
   * Whether a data frame that does not lie whole in one chunk is handed on as its bytes arrive, as fragments
   * (RFC 6455 §5.4 allows any intermediary to do the same), rather than held back until it is complete.
   *
   * @default {false}
   */
  pieces?: boolean;
  /** Up to how many bytes a payload is copied out of its chunk, to a buffer of its own. @default {0} */
  copyUpTo?: number | undefined;
  /** Whether a payload that is a whole binary message is copied, however long it is. @default {false} */
  ownMessages?: boolean;
}

/**
 * Decodes frames from bytes that are cut anywhere.
 *
 * Call {@linkcode FrameDecoder.push} with a chunk, then {@linkcode FrameDecoder.next} until it returns `undefined`, then
 * push the next chunk. A frame that lies whole in its chunk is a view into it, unless it is to be copied; one that does not
 * is gathered in one growing buffer, which then holds nothing else, or passed on in pieces. Either way the cost is linear in
 * the bytes, whatever their cut.
 *
 * The decoder is itself the frame that it has just decoded, so that a frame costs no object.
 */
export class FrameDecoder implements Frame {
  fin = false;
  rsv1 = false;
  opcode: Opcode = Opcode.Continuation;
  payload: Uint8Array = NOTHING;

  readonly #context: HeaderContext;
  readonly #pieces: boolean;
  readonly #keySize: number;
  readonly #copyUpTo: number;
  /** Whether a payload that is a whole binary message is copied to a buffer of its own. */
  ownMessages: boolean;

  #chunk: Uint8Array = NOTHING;
  #at = 0;
  /** The words of the chunk, from the first frame on that is masked. */
  #words: Int32Array | undefined;

  /** A header of which only a part has arrived; made when that happens. */
  #header: Uint8Array | undefined;
  #headerLength = 0;

  /** Whether the header of a frame has been read and its payload has not. */
  #inFrame = false;
  /** Whether it is the last one of its message: a piece of it may not be. */
  #last = false;
  #key = 0;
  #length = 0;
  /** How many bytes of the payload have been passed on or gathered. */
  #done = 0;
  #collector: ByteCollector | undefined;

  /**
   * Makes a decoder for one direction of one connection.
   *
   * @param options What to demand of the frames.
   */
  constructor(options: FrameDecoderOptions = {}) {
    const role = options.role ?? "server";
    this.#pieces = options.pieces ?? false;
    this.#copyUpTo = options.copyUpTo ?? 0;
    this.ownMessages = options.ownMessages ?? false;
    this.#keySize = role === "server" ? 4 : 0;
    this.#context = {
      masked: role === "server",
      rsv1: options.rsv1 ?? false,
      fragmented: false,
      maxFrameSize: options.maxFrameSize ?? Infinity,
      maxMessageSize: MAX_LENGTH,
      maxCompressedSize: MAX_LENGTH,
      compressed: false,
      messageSize: 0,
      maxEmptyFragments: options.maxEmptyFragments ?? DEFAULT_MAX_EMPTY_FRAGMENTS,
      emptyFragments: 0,
    };
    if (options.maxMessageSize !== undefined) this.limit(options.maxMessageSize);
  }

  /** Sets how long a message may be, in bytes, as the option does. */
  limit(maxMessageSize: number): void {
    this.#context.maxMessageSize = Math.min(maxMessageSize, MAX_LENGTH);
    // Fast compressors write random bytes in the fixed code: 9 bits for most of them, where others add 5 % at most.
    this.#context.maxCompressedSize = Math.min(maxMessageSize + maxMessageSize / 7 + 1_024, MAX_LENGTH);
  }

  /** Whether the bytes so far end between two frames. */
  get idle(): boolean {
    return !this.#inFrame && this.#headerLength === 0 && this.#at >= this.#chunk.length;
  }

  /**
   * How many bytes the message lacks after the data frame just returned, if that is known: the frame was part of its
   * last one. Otherwise `Infinity`.
   */
  get remaining(): number {
    if (!this.#last) return Infinity;
    return this.#inFrame ? this.#length - this.#done : 0;
  }

  /** How many bytes are still to come of the data frame under way that is passed on in pieces. */
  get missing(): number {
    return this.#inFrame && this.#pieces && !this.#isControl ? this.#length - this.#done : 0;
  }

  /**
   * Gives the decoder its next chunk. What is left of the one before, if {@linkcode FrameDecoder.next} has not used it up,
   * is copied in front of it.
   *
   * @param chunk The bytes. They belong to the decoder from now on: it unmasks in place, and payloads are views of them.
   */
  push(chunk: Uint8Array): void {
    this.#chunk = this.#at < this.#chunk.length ? joinBytes(this.#chunk.subarray(this.#at), chunk) : chunk;
    this.#at = 0;
    this.#words = undefined;
  }

  /**
   * Decodes the next frame of the chunk.
   *
   * @returns The frame, which is the decoder itself and so good until the next call; `undefined` if the rest of the chunk
   *   holds no more.
   * @throws {WebSocketError} If a header breaks a rule. All frames before it have been returned by then, and the decoder
   *   cannot be used further.
   */
  next(): Frame | undefined {
    if ((this.#inFrame || this.#readHeader()) && this.#readPayload()) return this;
    // Neither a message nor the chunk is kept until the next comes: that may take hours. A chunk that is used up may have
    // been a message whose buffer its receiver has transferred: it has no length then.
    this.payload = NOTHING;
    if (this.#at >= this.#chunk.length) {
      this.#chunk = NOTHING;
      this.#at = 0;
    }
    return undefined;
  }

  /** Tells whether the chunk completes the frame under way, or brings a piece of it. */
  #readPayload(): boolean {
    const end = this.#at + this.#length - this.#done;
    const chunkEnd = this.#chunk.length;
    if (this.#done === 0 && end <= chunkEnd) return this.#takeWhole(end);
    if (this.#pieces && !this.#isControl) return this.#takePiece(Math.min(end, chunkEnd));
    return this.#collect(Math.min(end, chunkEnd));
  }

  /** Takes a frame whose payload lies whole in the chunk. */
  #takeWhole(end: number): boolean {
    const copied = this.#length <= this.#copyUpTo || (this.ownMessages && this.#isMessage);
    this.payload = this.#payload(end, { copied });
    this.#at = end;
    this.#inFrame = false;
    return true;
  }

  /** Takes what the chunk holds of a long data frame, as a fragment of its own; tells whether that is anything. */
  #takePiece(end: number): boolean {
    if (end === this.#at) return false;
    if (this.#done > 0) {
      this.rsv1 = false;
      this.opcode = Opcode.Continuation;
    }
    this.payload = this.#payload(end, { copied: end - this.#at <= this.#copyUpTo });
    this.#at = end;
    this.#done += this.payload.length;
    this.#inFrame = this.#done < this.#length;
    this.fin = this.#last && !this.#inFrame;
    return true;
  }

  get #isControl(): boolean {
    return isControl(this.opcode);
  }

  /** Whether the frame is a binary message that needs no more work. */
  get #isMessage(): boolean {
    return this.opcode === Opcode.Binary && this.fin && !this.rsv1;
  }

  /** Unmasks the chunk in place up to `end`, and returns that. */
  #payload(end: number, { copied }: { readonly copied: boolean }): Uint8Array {
    if (this.#key !== 0) {
      this.#words ??= wordsIn(this.#chunk);
      maskRange(this.#chunk, this.#words, { start: this.#at, end }, rotate(this.#key, this.#done));
    }
    return copied ? copyRange(this.#chunk, this.#at, end) : this.#chunk.subarray(this.#at, end);
  }

  /** Gathers what the chunk holds of a frame; tells whether that completes it. */
  #collect(end: number): boolean {
    const part = this.#chunk.subarray(this.#at, end);
    this.#at = end;
    this.#done += part.length;
    const collector = (this.#collector ??= new ByteCollector());
    collector.append(part, this.#length - this.#done);
    if (this.#done < this.#length) return false;
    this.payload = collector.take();
    this.#collector = undefined;
    if (this.#key !== 0) mask(this.payload, this.#key);
    this.#inFrame = false;
    return true;
  }

  /** Reads a header, if the rest of the chunk completes one. */
  #readHeader(): boolean {
    if (this.#headerLength > 0) return this.#continueHeader();
    const size = this.#parseHeader(this.#chunk, this.#at, this.#chunk.length);
    if (size > 0) {
      this.#at += size;
      return true;
    }
    if (this.#at < this.#chunk.length) {
      this.#header ??= new Uint8Array(MAX_HEADER_SIZE);
      this.#header.set(this.#chunk.subarray(this.#at));
      this.#headerLength = this.#chunk.length - this.#at;
      this.#at = this.#chunk.length;
    }
    return false;
  }

  /** Goes on with a header that began in an earlier chunk, byte by byte so as to take none of the payload. */
  #continueHeader(): boolean {
    const header = this.#header!;
    while (this.#at < this.#chunk.length) {
      header[this.#headerLength++] = this.#chunk[this.#at++]!;
      if (this.#parseHeader(header, 0, this.#headerLength) > 0) {
        this.#headerLength = 0;
        return true;
      }
    }
    return false;
  }

  /**
   * Parses the header at `bytes[at..end)` and opens the frame.
   *
   * @returns The size of the header; 0 if it is not complete, and fine as far as it goes.
   */
  #parseHeader(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < 2) return 0;
    const first = bytes[at]!;
    const second = bytes[at + 1]!;
    const form = second & 0x7f;
    const lengthSize = form < 126 ? 0 : form === 126 ? 2 : 8;
    const length = lengthSize === 0
      ? form
      : end - at < 2 + lengthSize
      ? LENGTH_UNKNOWN
      : readLength(bytes, at + 2, lengthSize);
    const fault = headerFault(first, second, length, this.#context);
    if (fault !== undefined) throw new WebSocketError(fault);
    const size = 2 + lengthSize + this.#keySize;
    if (end - at < size) return 0;
    this.#key = this.#keySize === 0 ? 0 : readUint(bytes, at + size - 4, 4);
    this.#open(first, length);
    return size;
  }

  /** Begins a frame, its header having passed all rules. */
  #open(first: number, length: number): void {
    this.#inFrame = true;
    this.fin = this.#last = (first & 0x80) !== 0;
    this.rsv1 = (first & 0x40) !== 0;
    this.opcode = (first & 0x0f) as Opcode;
    this.#length = length;
    this.#done = 0;
    if (this.#isControl) return;
    const context = this.#context;
    if (this.opcode !== Opcode.Continuation) context.compressed = this.rsv1;
    context.fragmented = !this.fin;
    context.messageSize = this.fin ? 0 : context.messageSize + length;
    context.emptyFragments = !this.fin && length === 0 ? context.emptyFragments + 1 : 0;
  }
}

/** Reads an extended length. */
function readLength(bytes: Uint8Array, at: number, size: number): number {
  // 2^63 - 1, the longest that is allowed, becomes 2^63 as a number.
  return size === 8 && bytes[at]! > 0x7f ? LENGTH_INVALID : readUint(bytes, at, size);
}

/** Reads an unsigned integer of `size` bytes, the highest first. Beyond 2^53 it is no longer exact. */
function readUint(bytes: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let i = at; i < at + size; i++) value = value * 256 + bytes[i]!;
  return value;
}
