/**
 * Writes the responses that are no upgrade. None of them keeps the connection.
 *
 * @module
 */

import type { HandshakeError } from "../errors.ts";
import { writeFields } from "./field_lines.ts";
import { isFieldValue } from "./grammar.ts";
import { encodeLatin1 } from "./latin1.ts";

/**
 * What goes behind a status that comes without a phrase (RFC 9110 §15), where Sluice sends it or many do. With another
 * there is none: nobody may depend on it (RFC 9112 §4).
 */
const PHRASES: ReadonlyMap<number, string> = new Map([
  [200, "OK"],
  [204, "No Content"],
  [301, "Moved Permanently"],
  [302, "Found"],
  [304, "Not Modified"],
  [400, "Bad Request"],
  [401, "Unauthorized"],
  [403, "Forbidden"],
  [404, "Not Found"],
  [405, "Method Not Allowed"],
  [408, "Request Timeout"],
  [411, "Length Required"],
  [413, "Content Too Large"],
  [414, "URI Too Long"],
  [417, "Expectation Failed"],
  [421, "Misdirected Request"],
  [426, "Upgrade Required"],
  [429, "Too Many Requests"],
  [431, "Request Header Fields Too Large"],
  [499, "Client Closed Request"],
  [500, "Internal Server Error"],
  [501, "Not Implemented"],
  [502, "Bad Gateway"],
  [503, "Service Unavailable"],
  [505, "HTTP Version Not Supported"],
]);

/** What a refusal has to tell besides its status. */
const REFUSAL_HEADERS: ReadonlyMap<number, readonly (readonly [string, string])[]> = new Map(
  [
    [405, [["Allow", "GET"]]],
    [426, [["Upgrade", "websocket"], ["Sec-WebSocket-Version", "13"]]],
    [503, [["Retry-After", "1"]]],
  ] as const,
);

/** The fields that are about a connection, not about what is sent over it (RFC 9110 §7.6.1). */
const HOP_BY_HOP: readonly string[] = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/**
 * Writes the head of a response; it ends with `Connection: close`.
 *
 * @param response `status` 200 to 599; `statusText`, where empty or absent the usual phrase; `headers`, of which those
 * that are about a connection are left out, and those that `Connection` names; `framing`, the field that says how long
 * the body is.
 * @returns The head with its empty line; the caller's own bytes.
 * @throws {RangeError} Where the status is out of range.
 * @throws {TypeError} Where a header or the phrase cannot be sent.
 */
export function writeResponseHead(response: {
  status: number;
  statusText?: string;
  headers: Iterable<readonly [string, string]>;
  framing?: readonly [string, string] | undefined;
}): Uint8Array<ArrayBuffer> {
  const { status, statusText, headers, framing } = response;
  const fields = [...endToEnd(headers), ...framing === undefined ? [] : [framing]];
  // Whoever asks for an upgrade has to say which (RFC 9110 §15.5.22).
  if (status === 426) fields.push(["Upgrade", "websocket"]);
  return encodeLatin1(headText(status, statusText, fields));
}

/**
 * Writes the whole response that answers a handshake's fault.
 *
 * @param error The fault; its message is the body, and 405, 426 and 503 say in a header what would do.
 * @returns Head and body; the caller's own bytes.
 */
export function writeRefusal(error: HandshakeError): Uint8Array<ArrayBuffer> {
  const body = `${error.message}\n`;
  const { status = 500 } = error;
  const head = headText(status, undefined, [
    ["Content-Type", "text/plain"],
    ["Content-Length", String(body.length)],
    ...REFUSAL_HEADERS.get(status) ?? [],
  ]);
  return encodeLatin1(head + body);
}

function headText(
  status: number,
  statusText: string | undefined,
  headers: Iterable<readonly [string, string]>,
): string {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new RangeError("Cannot write response: its status is not 200 to 599");
  }
  const phrase = statusText || PHRASES.get(status) || "";
  if (!isFieldValue(phrase)) throw new TypeError("Cannot write response: its status text cannot be sent");
  return `HTTP/1.1 ${status} ${phrase}\r\n${writeFields(headers)}Connection: close\r\n\r\n`;
}

/** Leaves out the fields that are about a connection: this one is not the one that they were meant for. */
function endToEnd(headers: Iterable<readonly [string, string]>): (readonly [string, string])[] {
  const fields = [...headers];
  const dropped = new Set(HOP_BY_HOP);
  for (const [name, value] of fields) {
    if (name.toLowerCase() !== "connection") continue;
    for (const option of value.split(",")) dropped.add(option.trim().toLowerCase());
  }
  return fields.filter(([name]) => !dropped.has(name.toLowerCase()));
}
