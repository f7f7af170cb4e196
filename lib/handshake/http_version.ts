/**
 * Reads `HTTP/1.1`, the one version that can be upgraded (RFC 6455 §4.1).
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import { DIGIT, skip } from "./octets.ts";

/** How a version is spelled; `0` stands for any digit (RFC 9112 §2.3). */
const FORM = "HTTP/0.0";
const ANY_DIGIT = 0x30;
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
 * @throws {HandshakeError} `malformed`, at the first wrong octet, or `"http-version"` when it is not HTTP/1.1.
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
    const fits = form === ANY_DIGIT ? skip(bytes, at, at + 1, DIGIT) > at : bytes[at] === form;
    if (!fits) throw new HandshakeError(malformed);
  }
  if (bytes[end - 3] !== DIGIT_ONE || bytes[end - 1] !== DIGIT_ONE) throw new HandshakeError("http-version");
  return end;
}
