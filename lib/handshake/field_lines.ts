/**
 * Writes header lines that nothing can break out of.
 *
 * @module
 */

import { checkShape } from "../options/checks.ts";
import { isFieldValue, isToken } from "./grammar.ts";
import { HeaderFields } from "./header_fields.ts";

/** Is what a user may give as headers: `Headers`, pairs, or a record; `HeadersInit` where the DOM's types are. */
export type HeadersInput = Iterable<readonly [string, string]> | Readonly<Record<string, string>>;

/** Demands what may be given as headers; what is in it is for {@linkcode readUserHeaders} to check. */
export function aHeadersInput(value: unknown, name: string): void {
  checkShape(value, name, "Headers, a list of pairs or an object");
}

/** Belongs to the handshake, on either side: two of one of these, or another value, would undo it. */
const OWN_NAMES: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "transfer-encoding",
  "upgrade",
]);
const OWN_PREFIX = "sec-websocket-";

/**
 * Writes one header line.
 *
 * @param name A token.
 * @param value What may stand in a header.
 * @returns The line with its CRLF.
 * @throws {TypeError} Where either cannot be sent, such as a value with CR, LF, NUL or a character above U+00FF.
 */
export function writeField(name: string, value: string): string {
  if (!isToken(name)) throw new TypeError("Cannot write header: its name is not a token");
  if (!isFieldValue(value)) throw new TypeError(`Cannot write header: the value of ${name} cannot be sent`);
  return `${name}: ${value}\r\n`;
}

/**
 * Writes header lines.
 *
 * @param fields Names and values in their order.
 * @returns The lines, each with its CRLF.
 * @throws {TypeError} As {@linkcode writeField} does.
 */
export function writeFields(fields: Iterable<readonly [string, string]>): string {
  let lines = "";
  for (const [name, value] of fields) lines += writeField(name, value);
  return lines;
}

/**
 * Reads the headers that a user adds to a handshake.
 *
 * @param headers What the user gave; each `Set-Cookie` remains a line of its own.
 * @param options `reserved`: one more name, in lower case, that is the handshake's own on this side.
 * @returns The lines, names in lower case.
 * @throws {TypeError} Where a name belongs to the handshake (`Sec-WebSocket-*`, `Upgrade`, `Connection`,
 * `Content-Length`, `Transfer-Encoding`), or a name or value cannot be sent.
 */
export function readUserHeaders(
  headers: HeadersInput | undefined,
  options: { reserved?: string } = {},
): HeaderFields {
  const fields = new HeaderFields();
  if (headers === undefined) return fields;
  for (const [name, value] of isIterable(headers) ? headers : Object.entries(headers)) {
    // Before its case is changed: U+212A in lower case is a "k", and then a token.
    writeField(name, value);
    const lowercased = name.toLowerCase();
    if (lowercased === options.reserved || OWN_NAMES.has(lowercased) || lowercased.startsWith(OWN_PREFIX)) {
      throw new TypeError(`Cannot write header: ${lowercased} belongs to the handshake`);
    }
    fields.append(lowercased, value);
  }
  return fields;
}

function isIterable(headers: HeadersInput): headers is Iterable<readonly [string, string]> {
  return Symbol.iterator in headers;
}
