/**
 * Reads a body in the chunked coding (RFC 9112 §7.1).
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import { CR, LF } from "./octets.ts";

type Step = "size" | "extension" | "size-lf" | "data" | "data-cr" | "data-lf" | "done";

/** More digits than any chunk needs that is read here. */
const MAX_SIZE = 2 ** 40;

/** Takes a body apart as its bytes arrive. Extensions are skipped, trailers are not read. */
export class ChunkedDecoder {
  #step: Step = "size";
  #size = 0;
  #digits = 0;

  /** Whether the last chunk has been read. */
  get done(): boolean {
    return this.#step === "done";
  }

  /**
   * Takes the next bytes.
   *
   * @param bytes Any number of them.
   * @returns The parts of the body in them, one by one: views.
   * @throws {HandshakeError} `"framing"` if it is not the chunked coding.
   */
  *push(bytes: Uint8Array): Generator<Uint8Array, void> {
    for (let at = 0; at < bytes.length && !this.done;) {
      if (this.#step === "data") {
        const part = bytes.subarray(at, at + this.#size);
        at += part.length;
        this.#size -= part.length;
        if (this.#size === 0) this.#step = "data-cr";
        yield part;
      } else this.#take(bytes[at++]!);
    }
  }

  #take(byte: number): void {
    if (this.#step === "size" && this.#takeDigit(byte)) return;
    if (this.#step === "size" && this.#digits > 0 && byte !== CR) this.#step = "extension";
    if (this.#step === "extension" && byte !== CR && byte !== LF) return;
    const next = NEXT[this.#step];
    if (next === undefined || byte !== next.byte) throw new HandshakeError("framing");
    this.#step = next.step;
    if (byte !== LF) return;
    if (next.step === "data" && this.#size === 0) this.#step = "done";
    if (next.step === "size") this.#digits = this.#size = 0;
  }

  #takeDigit(byte: number): boolean {
    const digit = Number.parseInt(String.fromCharCode(byte), 16);
    if (Number.isNaN(digit)) {
      if (this.#digits === 0) throw new HandshakeError("framing");
      return false;
    }
    this.#digits++;
    this.#size = this.#size * 16 + digit;
    if (this.#size > MAX_SIZE) throw new HandshakeError("framing");
    return true;
  }
}

/** The byte that ends a step, and the step after it. */
const NEXT: Readonly<Partial<Record<Step, { readonly byte: number; readonly step: Step }>>> = {
  "size": { byte: CR, step: "size-lf" },
  "extension": { byte: CR, step: "size-lf" },
  "size-lf": { byte: LF, step: "data" },
  "data-cr": { byte: CR, step: "data-lf" },
  "data-lf": { byte: LF, step: "size" },
};
