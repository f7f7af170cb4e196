/**
 * Compressing with `node:zlib`: all connections that keep no context share a compressor, the others have their own.
 *
 * @module
 */

import { constants, createDeflateRaw } from "node:zlib";
import type { DeflateOptions, Deflater } from "../protocol/deflate_codec.ts";
import { Zlib } from "./zlib_stream.ts";

/** How many bytes of each flush are not sent: `00 00 ff ff` (RFC 7692 §7.2.1). */
const TAIL_LENGTH = 4;

/** What has come out of the call under way; a larger one than this is not kept. */
let payload = new Uint8Array(65_536);
let size = 0;
const MAX_KEPT = 1_048_576;

function append(bytes: Uint8Array): void {
  if (size + bytes.length > payload.length) {
    const grown = new Uint8Array(Math.max(size + bytes.length, payload.length * 2));
    grown.set(payload.subarray(0, size));
    payload = grown;
  }
  payload.set(bytes, size);
  size += bytes.length;
}

/** Hands over what has come out, without its tail. */
function takePayload(): Uint8Array {
  const taken = payload.subarray(0, size - TAIL_LENGTH);
  if (payload.length > MAX_KEPT) payload = new Uint8Array(65_536);
  return taken;
}

/** Compressors for messages that refer to no others: one for each set of parameters. */
const shared = new Map<string, Zlib>();

/** Implements {@linkcode Deflater}. */
export class ZlibDeflater implements Deflater {
  readonly #zlib: Zlib;
  readonly #takeover: boolean;

  /** @param options Window, effort, and whether messages refer to earlier ones. */
  constructor(options: DeflateOptions) {
    this.#takeover = options.takeover;
    this.#zlib = options.takeover ? makeDeflate(options) : sharedDeflate(options);
  }

  deflate(message: Uint8Array): Uint8Array {
    // zlib has nothing to say of nothing, and §7.2.3.6 wants a block.
    if (message.length === 0) return Uint8Array.of(0);
    if (!this.#takeover) this.#zlib.reset();
    // What a call before this one left behind, if it failed, is another message.
    size = 0;
    if (this.#zlib.write(message, append) !== 0) throw new Error("Cannot compress: zlib failed");
    return takePayload();
  }
}

function makeDeflate({ windowBits, level, memLevel }: DeflateOptions): Zlib {
  // The stream's own output buffer is not used: the smallest there is.
  return new Zlib(createDeflateRaw({ windowBits, level, memLevel, chunkSize: constants.Z_MIN_CHUNK }));
}

function sharedDeflate(options: DeflateOptions): Zlib {
  const key = `${options.windowBits} ${options.level} ${options.memLevel}`;
  let zlib = shared.get(key);
  if (zlib === undefined) shared.set(key, zlib = makeDeflate(options));
  return zlib;
}
