/**
 * Reads the first line of a response.
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import type { StartLine } from "./head_reader.ts";
import { readVersion, VERSION_LENGTH, versionBefore } from "./http_version.ts";
import { CR, DIGIT, FIELD, LF, skip, SP } from "./octets.ts";

type Step = "version" | "space" | "status" | "after-status" | "reason" | "lf" | "done";

const STATUS_START = VERSION_LENGTH + 1;
const STATUS_END = STATUS_START + 3;
const DIGIT_ZERO = 0x30;

/** Reads `HTTP/1.1 SP 3DIGIT SP reason CRLF`; an empty reason may leave out its space (RFC 9112 §4). */
export class StatusLine implements StartLine {
  /** The fault of a line without end. */
  readonly overflow = "head-too-large";
  #step: Step = "version";
  #reasonEnd = 0;

  /** Tells whether the line has been read to its end. */
  get done(): boolean {
    return this.#step === "done";
  }

  /**
   * Reads on.
   *
   * @param bytes The head so far; offsets into it stay what they are from call to call.
   * @param from Where to go on.
   * @param stop Where the octets end.
   * @returns Where reading ended: behind the line's LF, or `stop`.
   * @throws {HandshakeError} `"status-line"`, `"http-version"`.
   */
  read(bytes: Uint8Array, from: number, stop: number): number {
    let at = from;
    if (this.#step === "version") {
      at = readVersion(bytes, 0, at, stop, "status-line");
      if (at === VERSION_LENGTH) {
        if (versionBefore(bytes, at) !== "1.1") throw new HandshakeError("http-version");
        this.#step = "space";
      }
    }
    if (this.#step === "space" && at < stop) at = this.#take(bytes, at, SP, "status");
    if (this.#step === "status") at = this.#readStatus(bytes, at, stop);
    if (this.#step === "after-status" && at < stop) {
      // The grammar wants the space, servers without a reason leave it out, and the CR is then looked at below.
      if (bytes[at] === SP) at++;
      else if (bytes[at] !== CR) throw new HandshakeError("status-line");
      this.#step = "reason";
    }
    if (this.#step === "reason") at = this.#readReason(bytes, at, stop);
    if (this.#step === "lf" && at < stop) at = this.#take(bytes, at, LF, "done");
    return at;
  }

  /**
   * Reads the status out of the head's text.
   *
   * @param text The whole head.
   * @returns 100 to 999.
   */
  status(text: string): number {
    return Number(text.slice(STATUS_START, STATUS_END));
  }

  /**
   * Cuts the reason phrase out of the head's text.
   *
   * @param text The whole head.
   * @returns The phrase, often empty.
   */
  statusText(text: string): string {
    return text.slice(STATUS_END + 1, this.#reasonEnd);
  }

  #readStatus(bytes: Uint8Array, from: number, stop: number): number {
    const at = skip(bytes, from, Math.min(stop, STATUS_END), DIGIT);
    // Nothing below 100 is a status (RFC 9110 §15).
    if (at > STATUS_START && bytes[STATUS_START] === DIGIT_ZERO) throw new HandshakeError("status-line");
    if (at === STATUS_END) this.#step = "after-status";
    else if (at < stop) throw new HandshakeError("status-line");
    return at;
  }

  #readReason(bytes: Uint8Array, from: number, stop: number): number {
    const at = skip(bytes, from, stop, FIELD);
    if (at === stop) return at;
    this.#reasonEnd = at;
    return this.#take(bytes, at, CR, "lf");
  }

  #take(bytes: Uint8Array, at: number, octet: number, next: Step): number {
    if (bytes[at] !== octet) throw new HandshakeError("status-line");
    this.#step = next;
    return at + 1;
  }
}
