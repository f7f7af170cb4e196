/**
 * permessage-deflate as the other end of Sluice does it (RFC 7692 §7.2): with zlib's own streams, and none of our code.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import {
  constants,
  createDeflateRaw,
  createInflateRaw,
  type DeflateRaw,
  type InflateRaw,
  type ZlibOptions,
} from "node:zlib";

/** What was agreed on for one direction. */
export interface Direction {
  /** The size of the window, as a power of two. */
  readonly bits: number;
  /** Whether a message may refer to those before it. */
  readonly takeover: boolean;
}

/** What a flush ends with, and a message is sent without. */
const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/** Compresses the messages of one connection. */
export class Deflater {
  readonly #stream: Flushed;

  constructor({ bits, takeover }: Direction) {
    this.#stream = new Flushed(() => createDeflateRaw({ windowBits: bits, level: 1 }), takeover);
  }

  /** Compresses a message. */
  async run(message: Uint8Array): Promise<Uint8Array> {
    const bytes = await this.#stream.run(message);
    if (Buffer.compare(bytes.subarray(-4), TAIL) !== 0) throw new Error("zlib did not flush");
    return bytes.subarray(0, -4);
  }

  /** Frees what it holds. */
  close(): void {
    this.#stream.close();
  }
}

/** Inflates the messages of one connection; what lies behind the window is an error. */
export class Inflater {
  readonly #stream: Flushed;

  constructor({ bits, takeover }: Direction) {
    const options: ZlibOptions = { windowBits: bits, finishFlush: constants.Z_SYNC_FLUSH };
    this.#stream = new Flushed(() => createInflateRaw(options), takeover);
  }

  /** Inflates a message. */
  run(payload: Uint8Array): Promise<Uint8Array> {
    return this.#stream.run(Buffer.concat([payload, TAIL]));
  }

  /** Frees what it holds. */
  close(): void {
    this.#stream.close();
  }
}

/** A stream of zlib that is asked for all that it has after each message; without takeover, a new one for each. */
class Flushed {
  readonly #make: () => DeflateRaw | InflateRaw;
  readonly #takeover: boolean;
  #stream: DeflateRaw | InflateRaw | undefined;

  constructor(make: () => DeflateRaw | InflateRaw, takeover: boolean) {
    this.#make = make;
    this.#takeover = takeover;
  }

  async run(bytes: Uint8Array): Promise<Uint8Array> {
    const stream = this.#stream ??= this.#make();
    const parts: Uint8Array[] = [];
    const collect = (part: Uint8Array) => void parts.push(part);
    stream.on("data", collect);
    await new Promise<void>((resolve, reject) => {
      stream.once("error", reject);
      stream.write(bytes);
      stream.flush(constants.Z_SYNC_FLUSH, () => {
        stream.off("error", reject);
        resolve();
      });
    });
    stream.off("data", collect);
    if (!this.#takeover) this.close();
    return Buffer.concat(parts);
  }

  close(): void {
    this.#stream?.close();
    this.#stream = undefined;
  }
}
