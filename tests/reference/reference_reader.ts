/**
 * Reads all that one end of a connection sends, and tells what it comes to: written from RFC 6455 and RFC 7692 alone.
 *
 * It is slow and plain, takes the whole of the bytes, begins anew with a message at each of its fragments, and shares no
 * code with what it checks.
 *
 * @module
 */

import { readUtf8 } from "../conformance/utf8_grammar.ts";
import { concat, show } from "../vectors/hex.ts";
import { inflate } from "./inflate.ts";

/** What the reader holds a stream to. */
export interface ReferenceOptions {
  /** Who sends: a client masks its frames, a server does not. */
  sender: "server" | "client";
  /** What was agreed on for what it compresses; without it nothing may be. */
  deflate?: { readonly bits: number; readonly takeover: boolean } | undefined;
  /**
   * Whether to hold it to what only a sender can break: nothing behind a Close, no masking key twice in a row, no copy
   * from behind the window.
   */
  strict?: boolean;
  /** The longest message. @default {Infinity} */
  maxMessageSize?: number;
  /** The most bytes of a compressed message on the wire. @default {Infinity} */
  maxCompressedSize?: number;
  /** How many empty fragments may come in a row. @default {Infinity} */
  maxEmptyFragments?: number;
}

/** What a stream comes to. */
export interface ReferenceLog {
  /** Messages, Pings, Pongs and the Close, as the vectors write them. */
  readonly events: readonly string[];
  /** The close code for what is wrong, and what that is; nothing behind it was read. */
  readonly violation?: { readonly closeCode: number; readonly what: string };
}

interface Header {
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly opcode: number;
  readonly length: number;
  readonly key: Uint8Array | undefined;
}

/** A message under way: what of it has come so far. */
interface Pending {
  readonly opcode: number;
  readonly compressed: boolean;
  readonly payload: Uint8Array;
  /** The bytes that its headers have announced. */
  readonly announced: number;
}

class Violation {
  readonly closeCode: number;
  readonly what: string;

  constructor(closeCode: number, what: string) {
    this.closeCode = closeCode;
    this.what = what;
  }
}

/** Thrown where the bytes end. */
class EndOfBytes {}

function demand(good: boolean, closeCode: number, what: string): void {
  if (!good) throw new Violation(closeCode, what);
}

/** RFC 6455 §7.4.1, §7.4.2, and IANA's registry for 1012 to 1014. */
const CLOSE_CODES: readonly (readonly [from: number, to: number])[] = [
  [1000, 1003],
  [1007, 1014],
  [3000, 4999],
];

/** What is wrong with a message that is over the limit, and not valid behind that. */
export const OVER_AND_INVALID = "a message over the limit, and compressed data that is not valid behind it";

const NO_HISTORY = new Uint8Array(0);

/** Reads one direction of a connection, from behind the head on. */
export class ReferenceReader {
  readonly #options: Required<Omit<ReferenceOptions, "deflate">> & Pick<ReferenceOptions, "deflate">;
  #bytes: Uint8Array = NO_HISTORY;
  #at = 0;
  #events: string[] = [];
  #pending: Pending | undefined;
  #empties = 0;
  #history: Uint8Array = NO_HISTORY;
  #lastKey: Uint8Array | undefined;
  #closed = false;

  /** @param options What to hold the stream to. */
  constructor(options: ReferenceOptions) {
    const none = { maxMessageSize: Infinity, maxCompressedSize: Infinity, maxEmptyFragments: Infinity };
    this.#options = { strict: false, ...none, ...options };
  }

  /**
   * Reads on.
   *
   * @param bytes Frames; only at the very end of a stream may one be cut short.
   * @returns What these bytes come to.
   */
  read(bytes: Uint8Array): ReferenceLog {
    [this.#bytes, this.#at, this.#events] = [bytes, 0, []];
    try {
      this.#readFrames();
    } catch (stop) {
      if (stop instanceof Violation) return { events: this.#events, violation: { ...stop } };
      if (!(stop instanceof EndOfBytes)) throw stop;
    }
    return { events: this.#events };
  }

  /** Reads up to the Close, or the end of the bytes. */
  #readFrames(): void {
    while (!this.#closed) {
      const header = this.#header();
      if (header.opcode < 8) this.#data(header);
      else this.#control(header);
    }
    if (this.#options.strict) demand(this.#at === this.#bytes.length, 1002, "something behind the Close");
  }

  #take(count: number): Uint8Array {
    if (this.#at + count > this.#bytes.length) throw new EndOfBytes();
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  /** §5.2, in the order of the bytes. */
  #header(): Header {
    const [first, second] = this.#take(2) as unknown as [number, number];
    const [fin, rsv1, opcode] = [first >= 0x80, (first & 0x40) !== 0, first & 0x0f];
    const starts = opcode === 1 || opcode === 2;
    demand((first & 0x30) === 0, 1002, "RSV2 or RSV3");
    demand(!rsv1 || (starts && this.#options.deflate !== undefined), 1002, "RSV1 out of place");
    demand([0, 1, 2, 8, 9, 10].includes(opcode), 1002, `opcode ${opcode}`);
    const masked = second >= 0x80;
    demand(masked === (this.#options.sender === "client"), 1002, masked ? "a mask" : "no mask");
    const short = second & 0x7f;
    if (opcode >= 8) {
      demand(fin, 1002, "a control frame in fragments");
      demand(short < 126, 1002, "a control frame of more than 125 bytes");
    } else {
      demand(starts === (this.#pending === undefined), 1002, `opcode ${opcode} out of turn`);
    }
    const length = this.#length(short);
    if (opcode < 8) this.#admit({ fin, rsv1, length });
    return { fin, rsv1, opcode, length, key: masked ? this.#key() : undefined };
  }

  #length(short: number): number {
    if (short < 126) return short;
    const bytes = this.#take(short === 126 ? 2 : 8);
    demand(bytes.length === 2 || bytes[0]! < 0x80, 1002, "a length with its highest bit set");
    const length = bytes.reduce((value, byte) => value * 256 + byte, 0);
    demand(length >= (short === 126 ? 126 : 65_536), 1002, "a length that is not in its shortest form");
    return length;
  }

  /** The limits that a header alone can break (§10.4). */
  #admit({ fin, rsv1, length }: { fin: boolean; rsv1: boolean; length: number }): void {
    const { maxMessageSize, maxCompressedSize, maxEmptyFragments } = this.#options;
    const asked = (this.#pending?.compressed ?? rsv1) ? maxCompressedSize : maxMessageSize;
    // Longer ones are no exact numbers, and over any limit.
    const limit = Math.min(asked, Number.MAX_SAFE_INTEGER);
    demand((this.#pending?.announced ?? 0) + length <= limit, 1009, "a message over the limit");
    this.#empties = !fin && length === 0 ? this.#empties + 1 : 0;
    demand(this.#empties <= maxEmptyFragments, 1008, "empty fragments over the limit");
  }

  #key(): Uint8Array {
    const key = this.#take(4).slice();
    const again = key.every((byte, i) => byte === this.#lastKey?.[i]);
    if (this.#options.strict) demand(!again, 1002, "the same masking key twice in a row");
    return this.#lastKey = key;
  }

  #payload({ length, key }: Header): Uint8Array {
    const bytes = this.#take(length);
    return key === undefined ? bytes : bytes.map((byte, i) => byte ^ key[i % 4]!); // §5.3
  }

  #control(header: Header): void {
    const payload = this.#payload(header);
    if (header.opcode !== 8) {
      this.#events.push(`${header.opcode === 9 ? "ping" : "pong"} ${show(payload)}`);
      return;
    }
    demand(payload.length !== 1, 1002, "a Close of one byte");
    const code = payload.length === 0 ? 1005 : payload[0]! * 256 + payload[1]!;
    const good = payload.length === 0 || CLOSE_CODES.some(([from, to]) => code >= from && code <= to);
    demand(good, 1002, `close code ${code}`);
    demand(readUtf8(payload.subarray(2)).type === "text", 1007, "a reason that is no UTF-8");
    this.#events.push(`close ${code} ${JSON.stringify(textOf(payload.subarray(2)))}`);
    this.#closed = true;
  }

  /** Takes a data frame; of one that the bytes do not hold whole, what there is. */
  #data(header: Header): void {
    const length = Math.min(header.length, this.#bytes.length - this.#at);
    const fin = header.fin && length === header.length;
    const payload = this.#payload({ ...header, length });
    const { opcode, rsv1: compressed } = header;
    const before = this.#pending ?? { opcode, compressed, payload: NO_HISTORY, announced: 0 };
    const announced = before.announced + header.length;
    const pending = { ...before, payload: concat([before.payload, payload]), announced };
    this.#pending = fin ? undefined : pending;
    this.#message(pending, fin);
    if (length < header.length) throw new EndOfBytes();
  }

  /** Looks at a message from its beginning: what is wrong with it must be told as soon as it shows (§8.1). */
  #message({ opcode, compressed, payload }: Pending, fin: boolean): void {
    const { maxMessageSize, deflate, strict } = this.#options;
    // Not one byte is no DEFLATE data, and yet what some send for an empty message.
    const inflated = compressed && payload.length > 0;
    const { bytes, end } = inflated
      ? inflate(payload, { history: this.#history, distance: strict ? 2 ** deflate!.bits : 32_768 })
      : { bytes: payload, end: "whole" };
    const fitting = bytes.subarray(0, maxMessageSize);
    const text = opcode === 1 ? readUtf8(fitting).type : "text";
    demand(text !== "neither", 1007, "a text that is no UTF-8");
    demand(
      fitting.length === bytes.length,
      1009,
      end === "invalid" ? OVER_AND_INVALID : "a message over the limit",
    );
    demand(end !== "invalid" && (!fin || end === "whole"), 1007, "compressed data that is not valid");
    if (!fin) return;
    demand(text === "text", 1007, "a text that ends within a character");
    if (inflated && deflate!.takeover) {
      this.#history = concat([this.#history, bytes]).slice(-(2 ** deflate!.bits));
    }
    this.#events.push(opcode === 1 ? `text ${JSON.stringify(textOf(bytes))}` : `binary ${show(bytes)}`);
  }
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/**
 * Reads the frames of one direction of a connection, from behind the head on.
 *
 * @param bytes All of them, or as many as there are: a frame at the end may be cut short.
 * @param options What to hold them to.
 */
export function readStream(bytes: Uint8Array, options: ReferenceOptions): ReferenceLog {
  return new ReferenceReader(options).read(bytes);
}
