/**
 * Compressing with `node:zlib`: all connections that keep no context share a compressor, the others have their own.
 *
 * @module
 */

import { constants, createDeflateRaw } from "node:zlib";
import { ByteCollector } from "../../protocol/byte_collector.ts";
import type { DeflateOptions, Deflater } from "../../protocol/deflate_codec.ts";
import { OUTPUT_SIZE, Zlib } from "./stream.ts";

/** How many bytes of each flush are not sent: `00 00 ff ff` (RFC 7692 §7.2.1). */
const TAIL_LENGTH = 4;

/** What all write to: what comes out is copied before the next write. */
const output = new Uint8Array(OUTPUT_SIZE);

/** Compressors for messages that refer to no others: one for each set of parameters. */
const shared = new Map<string, Zlib>();

/** Implements {@linkcode Deflater}. */
export class ZlibDeflater implements Deflater {
  readonly #zlib: Zlib;
  readonly #takeover: boolean;
  #closed = false;

  /** @param options Window, effort, and whether messages refer to earlier ones. */
  constructor(options: DeflateOptions) {
    this.#takeover = options.takeover;
    this.#zlib = options.takeover ? makeDeflate(options) : sharedDeflate(options);
  }

  deflate(message: Uint8Array): Uint8Array {
    // zlib has nothing to say of nothing, and §7.2.3.6 wants a block.
    if (message.length === 0) return Uint8Array.of(0);
    if (!this.#takeover) this.#zlib.reset();
    const payload = compress(this.#zlib, message);
    return payload.subarray(0, payload.length - TAIL_LENGTH);
  }

  close(): void {
    if (this.#takeover && !this.#closed) this.#zlib.close();
    this.#closed = true;
  }
}

/** Compresses a message up to a sync flush. What fits the output of one write is not copied. */
function compress(zlib: Zlib, message: Uint8Array): Uint8Array {
  const part = write(zlib, message, message.length);
  if (!zlib.full) return part;
  const collector = new ByteCollector();
  collector.append(part);
  while (zlib.full) collector.append(write(zlib, message, zlib.left));
  return collector.take();
}

function write(zlib: Zlib, message: Uint8Array, left: number): Uint8Array {
  const part = zlib.write(message, left);
  if (part === undefined) throw new Error("Cannot compress: zlib failed");
  return part;
}

function makeDeflate({ windowBits, level, memLevel }: DeflateOptions): Zlib {
  // The stream's own output buffer is not used: the smallest there is.
  return new Zlib(
    createDeflateRaw({ windowBits, level, memLevel, chunkSize: constants.Z_MIN_CHUNK }),
    output,
  );
}

function sharedDeflate(options: DeflateOptions): Zlib {
  const key = `${options.windowBits} ${options.level} ${options.memLevel}`;
  let zlib = shared.get(key);
  if (zlib === undefined) shared.set(key, zlib = makeDeflate(options));
  return zlib;
}
