/**
 * Reads the version of a message: HTTP/1.1, or HTTP/1.0, in which there are no upgrades.
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import { DIGIT, skip } from "./octets.ts";

/** How a version is spelled; each `0` stands for any digit (RFC 9112 §2.3). */
const FORM = "HTTP/0.0";
const DIGIT_ZERO = 0x30;
const DIGIT_ONE = 0x31;

/** Is how many octets a version takes. */
export const VERSION_LENGTH = 8;

/**
 * Walks over the octets of a version, which may have begun in an earlier chunk.
 *
 * @param bytes The head so far.
 * @param start Where the version begins.
 * @param from Where to go on.
 * @param stop Where the octets end.
 * @param malformed The fault to throw when these octets are no version.
 * @returns Where the walk ended: `start + VERSION_LENGTH` when the version is whole, else `stop`.
 * @throws {HandshakeError} `malformed`, at the first wrong octet.
 */
export function readVersion(
  bytes: Uint8Array,
  start: number,
  from: number,
  stop: number,
  malformed: "request-line" | "status-line",
): number {
  const end = start + VERSION_LENGTH;
  for (let at = from; at < end; at++) {
    if (at === stop) return stop;
    const form = FORM.charCodeAt(at - start);
    const fits = form === DIGIT_ZERO ? skip(bytes, at, at + 1, DIGIT) > at : bytes[at] === form;
    if (!fits) throw new HandshakeError(malformed);
  }
  return end;
}

/**
 * Tells which version was read.
 *
 * @param bytes The head so far.
 * @param end Where the version ends.
 * @throws {HandshakeError} `"http-version"` when it is neither.
 */
export function versionBefore(bytes: Uint8Array, end: number): "1.0" | "1.1" {
  const minor = bytes[end - 1];
  if (bytes[end - 3] === DIGIT_ONE && minor === DIGIT_ONE) return "1.1";
  if (bytes[end - 3] === DIGIT_ONE && minor === DIGIT_ZERO) return "1.0";
  throw new HandshakeError("http-version");
}
