/**
 * How a server accepts upgrades.
 *
 * @module
 */

import type { Sha1 } from "../handshake/accept_key.ts";
import { Compression } from "../handshake/compression.ts";
import { type CompressionOptions, readCompression } from "../handshake/deflate_negotiation.ts";
import { aHeadersInput, readUserHeaders } from "../handshake/field_lines.ts";
import { checkOriginPolicy, type OriginPolicy } from "../handshake/origin.ts";
import {
  checkProtocolChoice,
  type HeadersInput,
  type ProtocolChoice,
} from "../handshake/server_handshake.ts";
import { checkOptions, type OptionTable } from "../options/option_table.ts";
import type { DeflateCodec } from "../protocol/deflate_codec.ts";
import { type CheckedLimits, type Limits, limitTable, readLimits } from "./limits.ts";

/** How upgrades are accepted. */
export interface AcceptOptions extends Limits {
  /** The subprotocols that are spoken, the most wanted first, or a function that chooses. @default none */
  protocols?: ProtocolChoice;
  /**
   * Which web pages may connect: a list of origins beside the server's own, a function, or `"any"`. Requests without
   * an `Origin`, which do not come from a browser, always may.
   *
   * @default the server's own
   */
  origins?: OriginPolicy;
  /** More headers for the response that accepts. @default none */
  headers?: HeadersInput;
  /** Whether and how to compress messages (permessage-deflate, RFC 7692). @default {false} */
  compression?: boolean | CompressionOptions;
}

/** What options may be. */
export const acceptTable = (): OptionTable<AcceptOptions> => ({
  ...limitTable,
  protocols: checkProtocolChoice,
  origins: checkOriginPolicy,
  headers: aHeadersInput,
  compression: (value) => void readCompression(value as boolean | CompressionOptions),
});

/** Options that are checked, as far as they can be before a request comes. */
export interface AcceptSettings extends Pick<AcceptOptions, "protocols" | "origins" | "headers"> {
  /** The limits of connections. */
  readonly limits: CheckedLimits;
  /** How to compress. */
  readonly compression: Compression | undefined;
  /** How to compute digests. */
  readonly sha1: Sha1 | undefined;
}

/** What a runtime has for handshakes that the core does not. */
export interface HandshakePlatform {
  /** What compresses, unless the options have their own. */
  readonly codec?: DeflateCodec;
  /** What computes digests. @default `crypto.subtle` */
  readonly sha1?: Sha1;
}

/**
 * Checks the options.
 *
 * @param options What the user set.
 * @param platform What the runtime has.
 * @throws {TypeError | RangeError} If one is wrong; the message has its name.
 */
export function readAcceptOptions(options: AcceptOptions, platform: HandshakePlatform = {}): AcceptSettings {
  checkOptions("options", options, acceptTable(), "{ compression: true }");
  return resolveAcceptOptions(options, platform);
}

/**
 * Fills in defaults. Lists and headers are copied: changing them later changes nothing.
 *
 * @param options What the user set, checked against {@linkcode acceptTable}.
 * @param platform What the runtime has.
 * @throws {TypeError} If a header cannot be sent, or there is nothing to compress with.
 */
export function resolveAcceptOptions(options: AcceptOptions, platform: HandshakePlatform): AcceptSettings {
  const { protocols, origins, headers } = options;
  return {
    ...protocols && { protocols: typeof protocols === "function" ? protocols : [...protocols] },
    ...origins && { origins: typeof origins === "object" ? [...origins] : origins },
    ...headers && { headers: readUserHeaders(headers) },
    limits: readLimits(options),
    compression: Compression.read(options.compression, platform.codec),
    sha1: platform.sha1,
  };
}
