/**
 * Reads the first line of a request.
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import type { StartLine } from "./head_reader.ts";
import { readVersion, VERSION_LENGTH, versionBefore } from "./http_version.ts";
import { CR, LF, skip, SP, TOKEN, VISIBLE } from "./octets.ts";

type Step = "begin" | "blank-lf" | "method" | "target" | "version" | "cr" | "lf" | "done";

/** Reads `METHOD SP target SP HTTP/1.x CRLF`, with one empty line allowed before it (RFC 9112 §2.2, §3). */
export class RequestLine implements StartLine {
  /** The fault of a line without end. */
  readonly overflow = "target-too-long";
  #step: Step = "begin";
  #methodStart = 0;
  #methodEnd = 0;
  #targetEnd = 0;
  #httpVersion: "1.0" | "1.1" = "1.1";

  /** Tells whether the line has been read to its end. */
  get done(): boolean {
    return this.#step === "done";
  }

  /** The version, once the line has been read to its end. */
  get httpVersion(): "1.0" | "1.1" {
    return this.#httpVersion;
  }

  /**
   * Reads on.
   *
   * @param bytes The head so far; offsets into it stay what they are from call to call.
   * @param from Where to go on.
   * @param stop Where the octets end.
   * @returns Where reading ended: behind the line's LF, or `stop`.
   * @throws {HandshakeError} `"request-line"`, `"http-version"`.
   */
  read(bytes: Uint8Array, from: number, stop: number): number {
    let at = from;
    if (this.#step === "begin" && at < stop) {
      if (bytes[at] === CR) at = this.#take(bytes, at, CR, "blank-lf");
      else this.#step = "method";
    }
    if (this.#step === "blank-lf" && at < stop) {
      at = this.#take(bytes, at, LF, "method");
      this.#methodStart = at;
    }
    if (this.#step === "method") at = this.#readMethod(bytes, at, stop);
    if (this.#step === "target") at = this.#readTarget(bytes, at, stop);
    if (this.#step === "version") {
      const start = this.#targetEnd + 1;
      at = readVersion(bytes, start, at, stop, "request-line");
      if (at === start + VERSION_LENGTH) {
        this.#httpVersion = versionBefore(bytes, at);
        this.#step = "cr";
      }
    }
    if (this.#step === "cr" && at < stop) at = this.#take(bytes, at, CR, "lf");
    if (this.#step === "lf" && at < stop) at = this.#take(bytes, at, LF, "done");
    return at;
  }

  /**
   * Cuts the method out of the head's text.
   *
   * @param text The whole head.
   * @returns The method.
   */
  method(text: string): string {
    return text.slice(this.#methodStart, this.#methodEnd);
  }

  /**
   * Cuts the target out of the head's text.
   *
   * @param text The whole head.
   * @returns The request target, as it was sent.
   */
  target(text: string): string {
    return text.slice(this.#methodEnd + 1, this.#targetEnd);
  }

  #readMethod(bytes: Uint8Array, from: number, stop: number): number {
    const at = skip(bytes, from, stop, TOKEN);
    if (at === stop) return at;
    if (at === this.#methodStart) throw new HandshakeError("request-line");
    this.#methodEnd = at;
    return this.#take(bytes, at, SP, "target");
  }

  #readTarget(bytes: Uint8Array, from: number, stop: number): number {
    const at = skip(bytes, from, stop, VISIBLE);
    if (at === stop) return at;
    if (at === this.#methodEnd + 1) throw new HandshakeError("request-line");
    this.#targetEnd = at;
    return this.#take(bytes, at, SP, "version");
  }

  #take(bytes: Uint8Array, at: number, octet: number, next: Step): number {
    if (bytes[at] !== octet) throw new HandshakeError("request-line");
    this.#step = next;
    return at + 1;
  }
}
