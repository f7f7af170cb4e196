/**
 * Reads the head of an HTTP/1.1 message as its bytes arrive: the part that requests and responses share.
 *
 * Each octet is looked at once, whatever the chunks. A head that lies whole in one chunk is read where it lies; one
 * that spans chunks is gathered in a buffer that grows. All caps count octets from the head's own start, so that
 * neither the result nor the fault depends on where the network cut.
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import { HeaderFields } from "./header_fields.ts";
import { decodeLatin1 } from "./latin1.ts";
import { COLON, CR, FIELD, HTAB, LF, skip, SP, TOKEN } from "./octets.ts";

/** Bounds what a head may cost. */
export interface HeadLimits {
  /** The most octets in a head, its empty line included. @default 16384 */
  maxHeadSize?: number;
  /** The most header lines. @default 100 */
  maxHeaders?: number;
}

/** Reads the first line of a head, in which requests and responses differ. */
export interface StartLine {
  /** The fault of a line without end. */
  readonly overflow: "target-too-long" | "head-too-large";
  /** Tells whether the line has been read to its end. */
  readonly done: boolean;
  /**
   * Reads on.
   *
   * @param bytes The head so far; offsets into it stay what they are from call to call.
   * @param from Where to go on.
   * @param stop Where the octets end.
   * @returns Where reading ended: behind the line's LF, or `stop`.
   */
  read(bytes: Uint8Array, from: number, stop: number): number;
}

type Step = "start-line" | "line-start" | "name" | "value" | "lf" | "end-lf" | "done";

const MAX_HEAD_SIZE = 16_384;
const MAX_HEADERS = 100;
const FIRST_BUFFER = 1_024;
const NOTHING = new Uint8Array(0);

/** Reads a start line, header lines and the empty line behind them (RFC 9112 §2.1). */
export class HeadReader {
  readonly #startLine: StartLine;
  readonly #maxHeadSize: number;
  readonly #maxHeaders: number;
  #step: Step = "start-line";
  #buffer: Uint8Array = NOTHING;
  #filled = 0;
  #at = 0;
  #lineStart = 0;
  #colon = 0;
  // Where each name and value lies: name start, name end, value start, value end, and so on.
  readonly #spans: number[] = [];
  #text = "";
  #rest: Uint8Array = NOTHING;

  /**
   * Makes a reader for one head.
   *
   * @param startLine Reads the first line; made for this head alone.
   * @param limits What the head may cost.
   * @throws {RangeError} Where a limit is no positive whole number; `Infinity` lifts it.
   */
  constructor(startLine: StartLine, limits: HeadLimits) {
    this.#startLine = startLine;
    this.#maxHeadSize = checkLimit("maxHeadSize", limits.maxHeadSize ?? MAX_HEAD_SIZE);
    this.#maxHeaders = checkLimit("maxHeaders", limits.maxHeaders ?? MAX_HEADERS);
  }

  /** The whole head as latin-1 once it is complete. */
  get text(): string {
    return this.#text;
  }

  /** The octets behind the head, a view of the chunk that completed it; empty before. */
  get rest(): Uint8Array {
    return this.#rest;
  }

  /**
   * Reads on in the head.
   *
   * @param chunk The next octets; copied where they must be kept.
   * @returns Whether the head is complete.
   * @throws {HandshakeError} At the first octet that is at fault; the reader is of no use afterwards.
   * @throws {TypeError} When the head was complete before.
   */
  push(chunk: Uint8Array): boolean {
    if (this.#step === "done") throw new TypeError("Cannot read head: it is complete");
    const before = this.#filled;
    const bytes = before === 0 ? chunk : this.#gather(chunk);
    const available = before + chunk.length;
    const end = Math.min(available, this.#maxHeadSize);
    if (this.#read(bytes, end)) {
      this.#text = decodeLatin1(bytes.subarray(0, this.#at));
      this.#rest = chunk.subarray(this.#at - before);
      this.#buffer = NOTHING;
      return true;
    }
    if (end === this.#maxHeadSize) {
      throw new HandshakeError(this.#step === "start-line" ? this.#startLine.overflow : "head-too-large");
    }
    if (before === 0) this.#gather(chunk);
    this.#filled = available;
    return false;
  }

  /**
   * Cuts the header lines out of the complete head.
   *
   * @returns The lines in their order; the caller's own.
   */
  fields(): HeaderFields {
    const fields = new HeaderFields();
    const text = this.#text;
    const spans = this.#spans;
    for (let i = 0; i < spans.length; i += 4) {
      fields.append(text.slice(spans[i], spans[i + 1]), text.slice(spans[i + 2], spans[i + 3]));
    }
    return fields;
  }

  /** Puts a chunk behind what is kept, no further than a head may reach. */
  #gather(chunk: Uint8Array): Uint8Array {
    const room = this.#maxHeadSize - this.#filled;
    const kept = chunk.length <= room ? chunk : chunk.subarray(0, room);
    const size = this.#filled + kept.length;
    if (size > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(size, this.#buffer.length * 2, FIRST_BUFFER));
      grown.set(this.#buffer.subarray(0, this.#filled));
      this.#buffer = grown;
    }
    this.#buffer.set(kept, this.#filled);
    return this.#buffer;
  }

  #read(bytes: Uint8Array, end: number): boolean {
    if (this.#step === "start-line") {
      this.#at = this.#startLine.read(bytes, this.#at, end);
      if (this.#startLine.done) this.#step = "line-start";
    }
    while (this.#at < end && this.#step !== "done") {
      if (this.#step === "line-start") this.#beginLine(bytes[this.#at]!);
      else if (this.#step === "end-lf") this.#take(bytes, LF, "done");
      else this.#readLine(bytes, end);
    }
    return this.#step === "done";
  }

  #beginLine(octet: number): void {
    if (octet === CR) {
      this.#at++;
      this.#step = "end-lf";
      return;
    }
    if (this.#spans.length === this.#maxHeaders * 4) throw new HandshakeError("too-many-headers");
    this.#lineStart = this.#at;
    this.#step = "name";
  }

  #readLine(bytes: Uint8Array, end: number): void {
    if (this.#step === "name") {
      this.#at = skip(bytes, this.#at, end, TOKEN);
      if (this.#at < end) {
        // No name at all, or white space before it or behind it: what request smuggling is made of (RFC 9112 §5.1).
        if (this.#at === this.#lineStart) throw new HandshakeError("header-line");
        this.#colon = this.#at;
        this.#take(bytes, COLON, "value");
      }
    }
    if (this.#step === "value") {
      this.#at = skip(bytes, this.#at, end, FIELD);
      if (this.#at < end) this.#take(bytes, CR, "lf");
    }
    if (this.#step === "lf" && this.#at < end) {
      this.#keepLine(bytes);
      this.#take(bytes, LF, "line-start");
    }
  }

  #keepLine(bytes: Uint8Array): void {
    let start = this.#colon + 1;
    let end = this.#at - 1;
    while (start < end && isSpace(bytes[start])) start++;
    while (start < end && isSpace(bytes[end - 1])) end--;
    this.#spans.push(this.#lineStart, this.#colon, start, end);
  }

  #take(bytes: Uint8Array, octet: number, next: Step): void {
    if (bytes[this.#at] !== octet) throw new HandshakeError("header-line");
    this.#at++;
    this.#step = next;
  }
}

function isSpace(octet: number | undefined): boolean {
  return octet === SP || octet === HTAB;
}

function checkLimit(name: string, limit: number): number {
  if (limit > 0 && (Number.isSafeInteger(limit) || limit === Infinity)) return limit;
  throw new RangeError(`Cannot read head: ${name} is not a positive whole number`);
}
