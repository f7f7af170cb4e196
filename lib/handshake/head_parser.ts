/**
 * Parses the heads of HTTP/1.1 requests and responses as their bytes arrive.
 *
 * Each byte is looked at once, in a table, whatever the chunks: a head that is not complete is one number, its state. Only
 * a head that spans chunks is copied. When the empty line has come, the head is right, and is cut as one text.
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import {
  DONE,
  HEADERS_END,
  type HeadGrammar,
  LINE_START,
  MALFORMED,
  REQUEST,
  RESPONSE,
  START,
  WRONG_VERSION,
} from "./head_grammar.ts";
import { HeaderFields } from "./header_fields.ts";
import { decodeLatin1 } from "./latin1.ts";
import { CR, HTAB, SP } from "./octets.ts";

/** Bounds what a head may cost. */
export interface HeadLimits {
  /** The most bytes in a head, its empty line included. @default 16384 */
  maxHeadSize?: number;
  /** The most header lines. @default 100 */
  maxHeaders?: number;
}

/** Holds the head of a request. */
export interface RequestHead {
  /** Tells it from a response's. */
  kind: "request";
  /** The method, case kept. */
  method: string;
  /** The request target as it was sent: no scheme, host or decoding applied (RFC 9112 §3.2). */
  target: string;
  /** The version; only in 1.1 can there be an upgrade. */
  httpVersion: "1.0" | "1.1";
  /** The header lines; values are latin-1. */
  headers: HeaderFields;
}

/** Holds the head of a response. */
export interface ResponseHead {
  /** Tells it from a request's. */
  kind: "response";
  /** The status, 100 to 999. */
  status: number;
  /** The reason phrase, often empty. */
  statusText: string;
  /** The header lines; values are latin-1. */
  headers: HeaderFields;
}

const MAX_HEAD_SIZE = 16_384;
const MAX_HEADERS = 100;
const FIRST_BUFFER = 1_024;
const NOTHING = new Uint8Array(0);

/** Parses one head; what differs between requests and responses is a grammar, and how a head that is right is cut. */
export class HeadParser<Head> {
  readonly #grammar: HeadGrammar;
  /** Cuts the text of a head that is right. */
  readonly #cut: (text: string) => Head;
  readonly #maxHeadSize: number;
  readonly #maxHeaders: number;
  #state = START;
  #lines = 0;
  /** The bytes of the chunks before. */
  #gathered: Uint8Array = NOTHING;
  #size = 0;
  #rest: Uint8Array = NOTHING;

  /** Makes a parser for one head. */
  protected constructor(
    grammar: HeadGrammar,
    cut: (text: string) => Head,
    { maxHeadSize, maxHeaders }: HeadLimits,
  ) {
    this.#grammar = grammar;
    this.#cut = cut;
    this.#maxHeadSize = checkLimit("maxHeadSize", maxHeadSize ?? MAX_HEAD_SIZE);
    this.#maxHeaders = checkLimit("maxHeaders", maxHeaders ?? MAX_HEADERS);
  }

  /** The bytes after the head, a view of the chunk that completed it; empty before. */
  get rest(): Uint8Array {
    return this.#rest;
  }

  /**
   * Takes the next bytes.
   *
   * @param chunk Any number of bytes; the caller may reuse it afterwards, but for what {@linkcode rest} shows.
   * @returns The head once it is complete, else undefined.
   * @throws {HandshakeError} At the first byte that is at fault; the parser is of no use afterwards.
   * @throws {TypeError} If the head was complete before.
   */
  push(chunk: Uint8Array): Head | undefined {
    if (this.#state === DONE) throw new TypeError("Cannot read head: it is complete");
    const stop = Math.min(chunk.length, this.#maxHeadSize - this.#size);
    const at = this.#scan(chunk, stop);
    if (this.#state === DONE) {
      this.#rest = chunk.subarray(at);
      const text = decodeLatin1(this.#join(chunk.subarray(0, at)));
      this.#gathered = NOTHING;
      return this.#cut(text);
    }
    if (this.#size + stop === this.#maxHeadSize) {
      throw new HandshakeError(this.#state > HEADERS_END ? this.#grammar.overflow : "head-too-large");
    }
    this.#gather(chunk);
    return undefined;
  }

  /** Follows the bytes through the grammar. Returns where the head ends, or `stop`. */
  #scan(chunk: Uint8Array, stop: number): number {
    const { next } = this.#grammar;
    let state = this.#state;
    for (let at = 0; at < stop; at++) {
      const byte = chunk[at]!;
      const to = next[state * 256 + byte]!;
      // Most bytes change nothing, which is predicted if it is asked first: 0.25 to 0.45 µs for 275 bytes in place of 0.6.
      if (to === state) continue;
      if (state === LINE_START && byte !== CR && this.#lines++ === this.#maxHeaders) {
        throw new HandshakeError("too-many-headers");
      }
      if (to <= DONE) return this.#end(to, { before: state, at });
      state = to;
    }
    this.#state = state;
    return stop;
  }

  #end(state: number, { before, at }: { before: number; at: number }): number {
    if (state === WRONG_VERSION) throw new HandshakeError("http-version");
    if (state === MALFORMED) {
      throw new HandshakeError(before > HEADERS_END ? this.#grammar.malformed : "header-line");
    }
    this.#state = DONE;
    return at + 1;
  }

  /** Keeps a chunk. */
  #gather(chunk: Uint8Array): void {
    const size = this.#size + chunk.length;
    if (size > this.#gathered.length) {
      const grown = new Uint8Array(Math.max(size, this.#gathered.length * 2, FIRST_BUFFER));
      grown.set(this.#gathered.subarray(0, this.#size));
      this.#gathered = grown;
    }
    this.#gathered.set(chunk, this.#size);
    this.#size = size;
  }

  /** Puts the last part behind what is kept; a head in one chunk is read where it lies. */
  #join(last: Uint8Array): Uint8Array {
    if (this.#size === 0) return last;
    this.#gather(last);
    return this.#gathered.subarray(0, this.#size);
  }
}

/**
 * Parses the head of one request.
 *
 * It is strict where leniency lets two parsers read two different requests: bare LF and CR, folded lines, white space
 * around names, and control characters are faults (RFC 9112 §2.2, §5). Cost is linear, however the bytes are cut.
 *
 * @example
 * ```ts
 * const parser = new RequestHeadParser();
 * const head = parser.push(new TextEncoder().encode("GET /chat HTTP/1.1\r\nHost: example.com\r\n\r\n"));
 * console.log(head?.target, head?.headers.get("host")); // "/chat" "example.com"
 * ```
 */
export class RequestHeadParser extends HeadParser<RequestHead> {
  /**
   * Makes a parser for one head.
   *
   * @param limits What the head may cost.
   * @throws {RangeError} If a limit is not a positive whole number; `Infinity` lifts it.
   */
  constructor(limits: HeadLimits = {}) {
    super(REQUEST, cutRequest, limits);
  }
}

/** Parses the head of one response, as strictly as {@linkcode RequestHeadParser} does a request's. */
export class ResponseHeadParser extends HeadParser<ResponseHead> {
  /**
   * Makes a parser for one head.
   *
   * @param limits What the head may cost.
   * @throws {RangeError} If a limit is not a positive whole number; `Infinity` lifts it.
   */
  constructor(limits: HeadLimits = {}) {
    super(RESPONSE, cutResponse, limits);
  }
}

function cutRequest(text: string): RequestHead {
  const start = text.startsWith("\r\n") ? 2 : 0;
  const methodEnd = text.indexOf(" ", start);
  const targetEnd = text.indexOf(" ", methodEnd + 1);
  const versionEnd = targetEnd + " HTTP/1.1".length;
  return {
    kind: "request",
    method: text.slice(start, methodEnd),
    target: text.slice(methodEnd + 1, targetEnd),
    httpVersion: text[versionEnd - 1] === "1" ? "1.1" : "1.0",
    headers: cutFields(text, versionEnd + 2),
  };
}

function cutResponse(text: string): ResponseHead {
  const statusStart = "HTTP/1.1 ".length;
  const statusEnd = statusStart + 3;
  const lineEnd = text.indexOf("\r", statusEnd);
  return {
    kind: "response",
    status: Number(text.slice(statusStart, statusEnd)),
    statusText: text.slice(statusEnd + 1, lineEnd),
    headers: cutFields(text, lineEnd + 2),
  };
}

/** Cuts the header lines, which are right, out of a head. */
function cutFields(text: string, start: number): HeaderFields {
  const fields = new HeaderFields();
  for (let at = start; text.charCodeAt(at) !== CR;) {
    const colon = text.indexOf(":", at);
    const lineEnd = text.indexOf("\r", colon);
    let from = colon + 1;
    let to = lineEnd;
    while (from < to && isSpace(text.charCodeAt(from))) from++;
    while (from < to && isSpace(text.charCodeAt(to - 1))) to--;
    fields.append(text.slice(at, colon), text.slice(from, to));
    at = lineEnd + 2;
  }
  return fields;
}

function isSpace(code: number): boolean {
  return code === SP || code === HTAB;
}

function checkLimit(name: string, limit: number): number {
  if (limit > 0 && (Number.isSafeInteger(limit) || limit === Infinity)) return limit;
  throw new RangeError(`Cannot read head: ${name} is not a positive whole number`);
}
