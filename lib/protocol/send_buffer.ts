/**
 * Frames on their way out: one buffer that many frames are encoded into, and that goes out as one write.
 *
 * @module
 */

import { bufferPool, type PooledBuffer } from "./buffer_pool.ts";
import { type Frame, Opcode, type Role } from "./frame.ts";
import { type FrameFlags, headerSize, writeFrame, writeHeader } from "./frame_encoder.ts";
import { mask } from "./mask.ts";
import { nextMaskingKey } from "./masking_key.ts";

const encoder = new TextEncoder();
const EMPTY = new Uint8Array(0) as PooledBuffer;
const TEXT: FrameFlags = { fin: true, rsv1: false, opcode: Opcode.Text };

/** Up to this many UTF-16 units of ASCII are written here: calling the platform's encoder costs more than the work. */
const SHORT = 32;

/** Encodes frames one behind the other, masked with a fresh key each if we are the client. */
export class SendBuffer {
  readonly #masked: boolean;
  #bytes: PooledBuffer = EMPTY;
  #size = 0;
  /** The buffer that was taken out and not given back. */
  #taken: PooledBuffer = EMPTY;

  /**
   * Makes an empty buffer.
   *
   * @param role Whose side we are.
   */
  constructor(role: Role) {
    this.#masked = role === "client";
  }

  /** How many bytes are waiting, headers included. */
  get size(): number {
    return this.#size;
  }

  /** Puts bytes in that are no frame: the end of the opening handshake. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#size);
    this.#size += bytes.length;
  }

  /** Encodes a frame. Its payload is copied, so it is the caller's again when this returns. */
  frame(frame: Frame): void {
    const length = frame.payload.length;
    this.#reserve(headerSize(length, this.#masked) + length);
    this.#size = writeFrame(this.#bytes, this.#size, frame, this.#key());
  }

  /** Encodes a whole text message as one frame. Lone surrogates become U+FFFD, as everywhere on the platform. */
  text(text: string): void {
    // A UTF-16 unit becomes one to three bytes: the payload is encoded where it goes if all are ASCII.
    const most = text.length * 3;
    this.#reserve(headerSize(most, this.#masked) + most);
    const guess = this.#size + headerSize(text.length, this.#masked);
    const length = encodeUtf8(text, this.#bytes, guess);
    const start = this.#size + headerSize(length, this.#masked);
    if (start !== guess) this.#bytes.copyWithin(start, guess, guess + length);
    const key = this.#key();
    writeHeader(this.#bytes, this.#size, TEXT, length, key);
    this.#size = start + length;
    if (key !== undefined) mask(this.#bytes.subarray(start, this.#size), key);
  }

  /** Takes out all that waits, for one write. What was taken out before must have been given back. */
  take(): Uint8Array {
    const bytes = this.#bytes.subarray(0, this.#size);
    this.#taken = this.#bytes;
    this.#bytes = EMPTY;
    this.#size = 0;
    return bytes;
  }

  /**
   * Takes back what {@linkcode SendBuffer.take} gave out, so that its memory is used again. Only once it is written: where a
   * write fails, nobody knows whether the system still reads there, and this is not called.
   */
  recycle(): void {
    release(this.#taken);
    this.#taken = EMPTY;
  }

  #key(): number | undefined {
    return this.#masked ? nextMaskingKey() : undefined;
  }

  /** Makes room for `needed` more bytes. */
  #reserve(needed: number): void {
    const size = this.#size + needed;
    if (size <= this.#bytes.length) return;
    // Twice as much each time: to copy all of it for each frame would cost the square of what waits.
    const outgrown = this.#bytes;
    this.#bytes = bufferPool.borrow(Math.max(size, outgrown.length * 2));
    this.#bytes.set(outgrown.subarray(0, this.#size));
    release(outgrown);
  }
}

function release(bytes: PooledBuffer): void {
  if (bytes !== EMPTY) bufferPool.giveBack(bytes);
}

/** Writes text as UTF-8 at `bytes[at]`; returns how many bytes it took. */
function encodeUtf8(text: string, bytes: Uint8Array, at: number): number {
  const length = text.length;
  if (length <= SHORT) {
    let i = 0;
    for (; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) break;
      bytes[at + i] = unit;
    }
    if (i === length) return length;
  }
  return encoder.encodeInto(text, bytes.subarray(at)).written;
}
