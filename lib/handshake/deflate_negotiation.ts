/**
 * Agreeing on permessage-deflate (RFC 7692 §5, §7.1), both sides, as pure functions.
 *
 * @module
 */

import { aBoolean, aNumber, checkNumber, checkShape } from "../options/checks.ts";
import { checkOptions, type OptionTable } from "../options/option_table.ts";
import { wrongType } from "../options/wrong_type.ts";
import type { DeflateCodec } from "../protocol/deflate_codec.ts";
import { type Extension, formatExtension } from "./extensions.ts";

/** Whether a direction may refer to its earlier messages: smaller messages, for a window of memory on both ends. */
export interface ContextTakeover {
  /** What the server sends. @default {false} */
  server?: boolean;
  /** What the client sends. @default {false} */
  client?: boolean;
}

/** How to compress. */
export interface CompressionOptions {
  /** The size of the window as a power of two, 9 to 15: 512 bytes to 32 KiB. @default {12} */
  windowBits?: number;
  /** How much memory zlib takes for its other tables, 1 to 9. @default {5} */
  memLevel?: number;
  /** How hard zlib tries, 0 to 9. @default {1} */
  level?: number;
  /** Messages of fewer bytes are not compressed. @default {256} */
  threshold?: number;
  /** Whether windows are kept from message to message. @default {false} */
  contextTakeover?: boolean | ContextTakeover;
  /** What compresses. @default {`zlibCodec`, where the entry point is that of a runtime} */
  codec?: DeflateCodec;
}

/** Options that are checked and complete. */
export interface DeflateSettings {
  readonly windowBits: number;
  readonly memLevel: number;
  readonly level: number;
  readonly threshold: number;
  readonly contextTakeover: Required<ContextTakeover>;
}

/** What was agreed on, as one end sees it. */
export interface DeflateAgreement {
  /** The window that we compress with, as a power of two; 8 means that we cannot, and do not. */
  readonly deflateBits: number;
  /** Whether our messages may refer to earlier ones. */
  readonly deflateTakeover: boolean;
  /** The window that the peer compresses with, as a power of two. */
  readonly inflateBits: number;
  /** Whether its messages may refer to earlier ones. */
  readonly inflateTakeover: boolean;
}

/** The name in the header. */
export const PERMESSAGE_DEFLATE = "permessage-deflate";

/** How many offers a server looks at. */
const MAX_OFFERS = 16;

/** What one offer or answer says; a number of 0 stands for a parameter without a value. */
interface Parameters {
  server_no_context_takeover?: 0;
  client_no_context_takeover?: 0;
  server_max_window_bits?: number;
  client_max_window_bits?: number;
}

const takeoverTable: OptionTable<ContextTakeover> = { server: aBoolean, client: aBoolean };

const compressionTable: OptionTable<CompressionOptions> = {
  windowBits: (value, name) => checkNumber(value, name, { from: 9, to: 15 }),
  memLevel: (value, name) => checkNumber(value, name, { from: 1, to: 9 }),
  level: (value, name) => checkNumber(value, name, { from: 0, to: 9 }),
  threshold: aNumber,
  contextTakeover: (value, name) => {
    if (typeof value === "boolean") return;
    if (typeof value !== "object" || value === null) throw wrongType(name, "a boolean or an object", value);
    checkOptions(name, value, takeoverTable);
  },
  codec: (value, name) => checkShape(value, name, "a codec, such as zlibCodec", ["deflater", "inflater"]),
};

/**
 * Checks the options.
 *
 * @param options `false`: not to compress; `true`: to do so with the defaults.
 * @throws {TypeError | RangeError} If one is wrong; the message has its name.
 */
export function readCompression(options: boolean | CompressionOptions = false): DeflateSettings | undefined {
  if (options === false) return undefined;
  if ((typeof options !== "object" || options === null) && options !== true) {
    throw wrongType("compression", "a boolean or an object", options);
  }
  const given = options === true ? {} : options;
  checkOptions("compression", given, compressionTable);
  const { windowBits = 12, memLevel = 5, level = 1, threshold = 256, contextTakeover = false } = given;
  const both = { server: contextTakeover === true, client: contextTakeover === true };
  const takeover = typeof contextTakeover === "object" ? contextTakeover : both;
  return {
    windowBits,
    memLevel,
    level,
    threshold,
    contextTakeover: { server: takeover.server ?? false, client: takeover.client ?? false },
  };
}

/**
 * Takes the first offer that can be accepted, as a server.
 *
 * @param offers What the client offers, of all extensions.
 * @returns What was agreed on, and the header that says so; `undefined` to go without compression.
 */
export function acceptDeflate(
  offers: readonly Extension[],
  settings: DeflateSettings,
): { agreement: DeflateAgreement; header: string } | undefined {
  for (const offer of offers.slice(0, MAX_OFFERS)) {
    const parameters = offer.name === PERMESSAGE_DEFLATE ? readParameters(offer) : undefined;
    // A window of 256 bytes is more than zlib can promise: it would use 512.
    if (parameters === undefined || parameters.server_max_window_bits === 0) continue;
    if (parameters.server_max_window_bits === 8) continue;
    return answerOffer(parameters, settings);
  }
  return undefined;
}

function answerOffer(
  offer: Parameters,
  { windowBits, contextTakeover }: DeflateSettings,
): { agreement: DeflateAgreement; header: string } {
  const asked = offer.client_max_window_bits;
  const agreement = {
    deflateBits: Math.min(windowBits, offer.server_max_window_bits ?? 15),
    deflateTakeover: contextTakeover.server && offer.server_no_context_takeover === undefined,
    inflateBits: asked === undefined ? 15 : Math.min(windowBits, asked || 15),
    // A client that cannot be held to the window we want does not get to keep one (§7.1.1.2 lets us say so unasked).
    inflateTakeover: contextTakeover.client && offer.client_no_context_takeover === undefined &&
      (asked !== undefined || windowBits === 15),
  };
  const parameters: [string, string | undefined][] = [];
  if (!agreement.deflateTakeover) parameters.push(["server_no_context_takeover", undefined]);
  if (!agreement.inflateTakeover) parameters.push(["client_no_context_takeover", undefined]);
  if (offer.server_max_window_bits !== undefined) {
    parameters.push(["server_max_window_bits", `${agreement.deflateBits}`]);
  }
  if (asked !== undefined) parameters.push(["client_max_window_bits", `${agreement.inflateBits}`]);
  return { agreement, header: formatExtension({ name: PERMESSAGE_DEFLATE, parameters }) };
}

/** Writes the offer of a client. */
export function offerDeflate({ windowBits, contextTakeover }: DeflateSettings): string {
  const parameters: [string, string | undefined][] = [["client_max_window_bits", undefined]];
  if (!contextTakeover.server) parameters.push(["server_no_context_takeover", undefined]);
  // Without a takeover no window of the server's outlives its message.
  else if (windowBits < 15) parameters.push(["server_max_window_bits", `${windowBits}`]);
  if (!contextTakeover.client) parameters.push(["client_no_context_takeover", undefined]);
  return formatExtension({ name: PERMESSAGE_DEFLATE, parameters });
}

/**
 * Checks what the server made of the offer, as a client (RFC 7692 §7.1).
 *
 * @param answer The extensions of its answer.
 * @param settings What {@linkcode offerDeflate} offered.
 * @returns What was agreed on; `undefined` if the answer is not one to the offer.
 */
export function checkDeflateAnswer(
  answer: readonly Extension[],
  { windowBits, contextTakeover }: DeflateSettings,
): DeflateAgreement | undefined {
  const [extension] = answer;
  if (answer.length !== 1 || extension?.name !== PERMESSAGE_DEFLATE) return undefined;
  const parameters = readParameters(extension);
  if (parameters === undefined) return undefined;
  const { server_max_window_bits: server = 15, client_max_window_bits: client = 15 } = parameters;
  const offered = contextTakeover.server ? windowBits : 15;
  if (server === 0 || client === 0 || (parameters.server_max_window_bits !== undefined && server > offered)) {
    return undefined;
  }
  return {
    deflateBits: Math.min(windowBits, client),
    deflateTakeover: contextTakeover.client && parameters.client_no_context_takeover === undefined,
    inflateBits: server,
    inflateTakeover: parameters.server_no_context_takeover === undefined,
  };
}

/** Reads the parameters; `undefined` if one is unknown, doubled, or has a value that it must not have (§7.1). */
function readParameters({ parameters }: Extension): Parameters | undefined {
  const read = new Map<string, number>();
  for (const [name, value] of parameters) {
    const number = readParameter(name, value);
    if (number === undefined || read.has(name)) return undefined;
    read.set(name, number);
  }
  return Object.fromEntries(read);
}

function readParameter(name: string, value: string | undefined): number | undefined {
  switch (name) {
    case "server_no_context_takeover":
    case "client_no_context_takeover":
      return value === undefined ? 0 : undefined;
    case "server_max_window_bits":
    case "client_max_window_bits":
      return value === undefined ? 0 : WINDOW_BITS.get(value);
    default:
      return undefined;
  }
}

/** The values that a window may have: decimal, without a leading zero (§7.1.2). */
const WINDOW_BITS: ReadonlyMap<string, number> = new Map(
  [8, 9, 10, 11, 12, 13, 14, 15].map((bits) => [`${bits}`, bits]),
);
