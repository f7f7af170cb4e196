/**
 * Marking where the body of a response ends, so that a client sees whether it got all of it (RFC 9112 §6, §8).
 *
 * @module
 */

import { encodeLatin1 } from "./latin1.ts";

const NOTHING = new Uint8Array(0);
const CRLF_LENGTH = 2;
/** The chunk that ends a chunked body, without trailers (RFC 9112 §7.1). */
const LAST_CHUNK = "0\r\n\r\n";

/** How the end of a body is marked: by its length, by the chunked coding, or only by the end of the stream. */
export type Framing = { readonly length: number } | "chunked" | "close";

/** Says of a response what its framing depends on. */
export interface FramingInput {
  /** The status. */
  readonly status: number;
  /** The Content-Length that the response came with, if that is one number. */
  readonly declared: number | undefined;
  /** The length of the body in bytes, if it is known. */
  readonly actual: number | undefined;
  /** Whether the request was HEAD. */
  readonly headOnly: boolean;
  /** Whether the client knows the chunked coding. */
  readonly chunked: boolean;
}

/**
 * Chooses how to mark the end of a body.
 *
 * @returns The framing; `undefined` where there is no body, and no length to tell.
 * @throws {TypeError} If the declared length is not that of the body.
 */
export function chooseFraming(
  { status, declared, actual, headOnly, chunked }: FramingInput,
): Framing | undefined {
  if (status === 204) return undefined;
  if (headOnly || status === 304) {
    // It is the length that a GET would have been answered with (RFC 9110 §8.6); 304 knows it only if it was told.
    // Whoever answers HEAD may leave the body out, as `fetch` does: then there is nothing to tell it from.
    const length = declared ?? (status === 304 || actual === 0 ? undefined : actual);
    return length === undefined ? undefined : { length };
  }
  if (declared !== undefined && actual !== undefined && declared !== actual) {
    throw wrongLength(declared, actual);
  }
  const length = declared ?? actual;
  if (length !== undefined) return { length };
  return chunked ? "chunked" : "close";
}

/**
 * Writes the header line of a framing.
 *
 * @returns Name and value; `undefined` if it has none.
 */
export function framingField(framing: Framing | undefined): readonly [string, string] | undefined {
  if (framing === undefined || framing === "close") return undefined;
  if (framing === "chunked") return ["Transfer-Encoding", "chunked"];
  return ["Content-Length", String(framing.length)];
}

/** Frames a body chunk by chunk, and holds it to the length that was announced. */
export class BodyFramer {
  readonly #framing: Framing;
  #size = 0;

  /**
   * Makes a framer for one body.
   *
   * @param framing How its end is marked.
   */
  constructor(framing: Framing) {
    this.#framing = framing;
  }

  /**
   * Frames a chunk.
   *
   * @param chunk The bytes, at least one; they may be returned as they are.
   * @throws {TypeError} If the body is longer than announced.
   */
  frame(chunk: Uint8Array): Uint8Array {
    this.#size += chunk.length;
    if (this.#framing === "close") return chunk;
    if (this.#framing !== "chunked") {
      if (this.#size > this.#framing.length) throw wrongLength(this.#framing.length, this.#size);
      return chunk;
    }
    const size = encodeLatin1(`${chunk.length.toString(16)}\r\n`);
    const framed = new Uint8Array(size.length + chunk.length + CRLF_LENGTH);
    framed.set(size);
    framed.set(chunk, size.length);
    framed.set(encodeLatin1("\r\n"), size.length + chunk.length);
    return framed;
  }

  /**
   * Ends the body.
   *
   * @returns What ends it; often nothing.
   * @throws {TypeError} If the body is shorter than announced.
   */
  end(): Uint8Array {
    if (this.#framing === "close") return NOTHING;
    if (this.#framing === "chunked") return encodeLatin1(LAST_CHUNK);
    if (this.#size < this.#framing.length) throw wrongLength(this.#framing.length, this.#size);
    return NOTHING;
  }
}

function wrongLength(declared: number, actual: number): TypeError {
  return new TypeError(
    `Cannot answer request: Content-Length is ${declared}, but the body has ${
      actual > declared ? "more" : `only ${actual}`
    } bytes`,
  );
}
