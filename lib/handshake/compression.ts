/**
 * The `compression` option, from what the user sets to what an endpoint does.
 *
 * @module
 */

import type { DeflateCodec } from "../protocol/deflate_codec.ts";
import {
  acceptDeflate,
  checkDeflateAnswer,
  type CompressionOptions,
  type DeflateAgreement,
  type DeflateSettings,
  offerDeflate,
  readCompression,
} from "./deflate_negotiation.ts";
import type { EndpointDeflate } from "../protocol/endpoint.ts";
import { type Extension, parseExtensions } from "./extensions.ts";

export type {
  DeflateCodec,
  DeflateOptions,
  Deflater,
  InflateOptions,
  Inflater,
} from "../protocol/deflate_codec.ts";
export type { CompressionOptions, ContextTakeover } from "./deflate_negotiation.ts";

/** What was agreed on: the header that says so, and what follows from it. */
export interface AgreedCompression {
  /** The value of `Sec-WebSocket-Extensions`. */
  readonly header: string;
  /** Makes the compressors of the connection. */
  start(): EndpointDeflate;
}

/** permessage-deflate, as a user wants it. */
export class Compression {
  readonly #settings: DeflateSettings;
  readonly #codec: DeflateCodec;

  private constructor(settings: DeflateSettings, codec: DeflateCodec) {
    this.#settings = settings;
    this.#codec = codec;
  }

  /**
   * Reads the option.
   *
   * @param option What the user set.
   * @param codec What compresses; the core has nothing that does.
   * @returns `undefined` if nothing is to be compressed.
   * @throws {TypeError | RangeError} If the option is wrong, or there is no codec.
   */
  static read(
    option: boolean | CompressionOptions | undefined,
    codec: DeflateCodec | undefined,
  ): Compression | undefined {
    const settings = readCompression(option);
    if (settings === undefined) return undefined;
    const chosen = (typeof option === "object" ? option.codec : undefined) ?? codec;
    if (chosen === undefined) {
      throw new TypeError("Cannot set compression: it needs a codec, such as zlibCodec");
    }
    return new Compression(settings, chosen);
  }

  /** The offer of a client. */
  get offer(): string {
    return offerDeflate(this.#settings);
  }

  /** Takes one of a client's offers, as a server; `undefined` to go without. */
  accept(offers: readonly Extension[]): AgreedCompression | undefined {
    const accepted = acceptDeflate(offers, this.#settings);
    return accepted && { header: accepted.header, start: () => this.#start(accepted.agreement) };
  }

  /** Reads a server's answer to the offer; `undefined` if it is none. */
  confirm(header: string): AgreedCompression | undefined {
    const agreement = checkDeflateAnswer(parseExtensions(header) ?? [], this.#settings);
    return agreement && { header, start: () => this.#start(agreement) };
  }

  #start({ inflateBits, inflateTakeover, deflateBits, deflateTakeover }: DeflateAgreement): EndpointDeflate {
    const { level, memLevel, threshold } = this.#settings;
    const deflating = { windowBits: deflateBits, takeover: deflateTakeover, level, memLevel };
    return {
      inflater: this.#codec.inflater({ windowBits: inflateBits, takeover: inflateTakeover }),
      // zlib has no window of 256 bytes; not to compress is always allowed (RFC 7692 §6.1).
      deflater: deflateBits < 9 ? undefined : this.#codec.deflater(deflating),
      threshold,
      optional: !deflateTakeover,
      profile: `${deflateBits} ${level} ${memLevel} ${threshold}`,
    };
  }
}
