/**
 * Parses the heads of HTTP/1.1 requests and responses as their bytes arrive.
 *
 * @module
 */

import { HeadReader } from "./head_reader.ts";
import type { HeadLimits } from "./head_reader.ts";
import type { HeaderFields } from "./header_fields.ts";
import { RequestLine } from "./request_line.ts";
import { StatusLine } from "./status_line.ts";

export type { HeadLimits } from "./head_reader.ts";

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
export class RequestHeadParser {
  readonly #line: RequestLine = new RequestLine();
  readonly #reader: HeadReader;

  /**
   * Makes a parser for one head.
   *
   * @param limits What the head may cost.
   * @throws {RangeError} Where a limit is no positive whole number; `Infinity` lifts it.
   */
  constructor(limits: HeadLimits = {}) {
    this.#reader = new HeadReader(this.#line, limits);
  }

  /** The octets behind the head, a view of the chunk that completed it; empty before. */
  get rest(): Uint8Array {
    return this.#reader.rest;
  }

  /**
   * Takes the next bytes.
   *
   * @param chunk Any number of bytes; the caller may reuse it afterwards, but for what {@linkcode rest} shows.
   * @returns The head once it is complete, else undefined.
   * @throws {HandshakeError} At the first octet that is at fault; the parser is of no use afterwards.
   * @throws {TypeError} When the head was complete before.
   */
  push(chunk: Uint8Array): RequestHead | undefined {
    if (!this.#reader.push(chunk)) return undefined;
    const text = this.#reader.text;
    return {
      kind: "request",
      method: this.#line.method(text),
      target: this.#line.target(text),
      httpVersion: this.#line.httpVersion,
      headers: this.#reader.fields(),
    };
  }
}

/** Parses the head of one response, as strictly as {@linkcode RequestHeadParser} does a request's. */
export class ResponseHeadParser {
  readonly #line: StatusLine = new StatusLine();
  readonly #reader: HeadReader;

  /**
   * Makes a parser for one head.
   *
   * @param limits What the head may cost.
   * @throws {RangeError} Where a limit is no positive whole number; `Infinity` lifts it.
   */
  constructor(limits: HeadLimits = {}) {
    this.#reader = new HeadReader(this.#line, limits);
  }

  /** The octets behind the head, a view of the chunk that completed it; empty before. */
  get rest(): Uint8Array {
    return this.#reader.rest;
  }

  /**
   * Takes the next bytes.
   *
   * @param chunk Any number of bytes; the caller may reuse it afterwards, but for what {@linkcode rest} shows.
   * @returns The head once it is complete, else undefined.
   * @throws {HandshakeError} At the first octet that is at fault; the parser is of no use afterwards.
   * @throws {TypeError} When the head was complete before.
   */
  push(chunk: Uint8Array): ResponseHead | undefined {
    if (!this.#reader.push(chunk)) return undefined;
    const text = this.#reader.text;
    return {
      kind: "response",
      status: this.#line.status(text),
      statusText: this.#line.statusText(text),
      headers: this.#reader.fields(),
    };
  }
}
