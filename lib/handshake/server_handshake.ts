/**
 * The server's half of the opening handshake: requests and options in, decisions and bytes out (RFC 6455 §4.2).
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import { wrongType } from "../options/wrong_type.ts";
import { type Extension, parseExtensions } from "./extensions.ts";
import { isValidKey } from "./accept_key.ts";
import { readUserHeaders, writeField, writeFields } from "./field_lines.ts";
import type { HeadersInput } from "./field_lines.ts";
import { isToken, listHas, parseTokenList } from "./grammar.ts";
import type { RequestHead } from "./head_parser.ts";
import type { HeaderFields } from "./header_fields.ts";
import { encodeLatin1 } from "./latin1.ts";
import { DIGIT, isAll } from "./octets.ts";
import { isPromised } from "./promised.ts";

export type { HeadersInput } from "./field_lines.ts";

/** Holds what a client offers in an upgrade that can be accepted. */
export interface UpgradeOffer {
  /** The `Sec-WebSocket-Key`: 24 characters. */
  key: string;
  /** The subprotocols in the client's order, without duplicates; often none. */
  protocols: readonly string[];
  /** The extensions in the client's order; often none. */
  extensions: readonly Extension[];
}

/**
 * Checks what a user wants to speak.
 *
 * @throws {TypeError} If it is neither a list nor a function, or a name is not a token or is listed twice.
 */
export function checkProtocolChoice(choice: unknown, name: string): void {
  if (typeof choice === "function") return;
  if (!Array.isArray(choice)) throw wrongType(name, "a list of names or a function", choice);
  const seen = new Set<unknown>();
  for (const entry of choice as readonly unknown[]) {
    if (typeof entry !== "string") throw wrongType(name, "a list of strings", entry);
    if (!isToken(entry)) throw new TypeError(`Cannot set ${name}: ${JSON.stringify(entry)} is not a token`);
    if (seen.has(entry)) throw new TypeError(`Cannot set ${name}: ${entry} is listed twice`);
    seen.add(entry);
  }
}

/** Chooses the subprotocol: a list in order of preference, or a function that is asked when any are offered. */
export type ProtocolChoice = readonly string[] | ((offered: readonly string[]) => string | undefined);

const NONE: readonly string[] = [];

const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";

/**
 * Tells whether a request asks for an upgrade to WebSocket, rightly or wrongly.
 *
 * @param head The request.
 * @returns Whether `Upgrade` lists `websocket`.
 */
export function isUpgrade(head: RequestHead): boolean {
  return listHas(head.headers.list("upgrade"), "websocket");
}

/**
 * Checks that an upgrade is right, and reads what it offers (RFC 6455 §4.2.1).
 *
 * `Expect: 100-continue` is ignored, for there is no body to be continued. Host and target are
 * for `requestUrl`, the origin is for the server.
 *
 * @param head The request.
 * @returns The offer.
 * @throws {HandshakeError} `"not-an-upgrade"`, `"http-version"`, `"method"`, `"connection-header"`, `"version"`, `"key"`,
 * `"upgrade-body"`, `"protocol-header"`, `"extensions-header"`.
 */
export function checkUpgrade(head: RequestHead): UpgradeOffer {
  const headers = head.headers;
  if (!isUpgrade(head)) throw new HandshakeError("not-an-upgrade");
  if (head.httpVersion === "1.0") throw new HandshakeError("http-version");
  if (head.method !== "GET") throw new HandshakeError("method");
  if (!listHas(headers.list("connection"), "upgrade")) throw new HandshakeError("connection-header");
  // Before the key, since the drafts that had another version, or none, had other keys too.
  if (getOnly(headers, "sec-websocket-version") !== "13") throw new HandshakeError("version");
  const key = getOnly(headers, "sec-websocket-key");
  if (key === undefined || !isValidKey(key)) throw new HandshakeError("key");
  if (hasBody(headers)) throw new HandshakeError("upgrade-body");
  return { key, protocols: offeredProtocols(headers), extensions: offeredExtensions(headers) };
}

/**
 * Reads how long the body of a request is that is no upgrade (RFC 9112 §6.3).
 *
 * @param head The request.
 * @returns Bytes; 0 without `Content-Length`.
 * @throws {HandshakeError} `"framing"` where the length is doubled, malformed or contradicted, or HTTP/1.0 has a
 * `Transfer-Encoding`, `"length-required"` for any other.
 */
export function bodyLength(head: RequestHead): number {
  const headers = head.headers;
  const lines = headers.count("content-length");
  if (headers.has("transfer-encoding")) {
    // HTTP/1.0 has no such thing: whoever passed it on may have framed the body otherwise (RFC 9112 §6.1).
    const isFaulty = lines > 0 || head.httpVersion === "1.0";
    throw new HandshakeError(isFaulty ? "framing" : "length-required");
  }
  if (lines === 0) return 0;
  const value = getOnly(headers, "content-length");
  // `Number` alone would take "", "+1", "0x10" and "1e3".
  if (value === undefined || !isAll(value, DIGIT)) throw new HandshakeError("framing");
  const length = Number(value);
  if (!Number.isSafeInteger(length)) throw new HandshakeError("framing");
  return length;
}

/**
 * Chooses the subprotocol.
 *
 * @param offered What the client offers.
 * @param supported What the server speaks; the first of these that is offered wins.
 * @returns The protocol, or undefined to go without one.
 * @throws {TypeError} If a function returns what was not offered, a promise included: it has to choose at once.
 */
export function chooseProtocol(
  offered: readonly string[],
  supported: ProtocolChoice | undefined,
): string | undefined {
  if (supported === undefined || offered.length === 0) return undefined;
  if (typeof supported !== "function") return supported.find((protocol) => offered.includes(protocol));
  const chosen: unknown = supported(offered);
  if (isPromised(chosen)) {
    throw new TypeError("Cannot choose protocol: protocols returned a promise, it has to choose at once");
  }
  if (chosen === undefined || offered.includes(chosen as string)) return chosen as string | undefined;
  throw new TypeError("Cannot choose protocol: protocols returned one that the client did not offer");
}

/**
 * Writes the response that accepts an upgrade (RFC 6455 §4.2.2).
 *
 * @param options `accept`: what `acceptKey` made; `protocol` and `extensions`: what was chosen, if anything;
 * `headers`: the user's own.
 * @returns The whole 101; the caller's own bytes.
 * @throws {TypeError} Where one of the user's headers belongs to the handshake, or cannot be sent.
 */
export function writeAccept(options: {
  accept: string;
  protocol?: string | undefined;
  extensions?: string | undefined;
  headers?: HeadersInput | undefined;
}): Uint8Array<ArrayBuffer> {
  const { accept, protocol, extensions, headers } = options;
  let text = SWITCHING + writeField("Sec-WebSocket-Accept", accept);
  if (protocol !== undefined) {
    if (!isToken(protocol)) throw new TypeError("Cannot accept upgrade: the protocol is not a token");
    text += writeField("Sec-WebSocket-Protocol", protocol);
  }
  if (extensions !== undefined) text += writeField("Sec-WebSocket-Extensions", extensions);
  if (headers !== undefined) text += writeFields(readUserHeaders(headers));
  return encodeLatin1(text + "\r\n");
}

/** One line or none will do: what is doubled is not there. */
function getOnly(headers: HeaderFields, name: string): string | undefined {
  return headers.count(name) === 1 ? headers.get(name) : undefined;
}

/** Bytes of a body would be read as frames, by us or by a proxy before us: this is how requests are smuggled. */
function hasBody(headers: HeaderFields): boolean {
  if (headers.has("transfer-encoding")) return true;
  return headers.has("content-length") && getOnly(headers, "content-length") !== "0";
}

function offeredProtocols(headers: HeaderFields): readonly string[] {
  const value = headers.list("sec-websocket-protocol");
  if (value === undefined) return NONE;
  const protocols = parseTokenList(value);
  // §4.1 item 10: the elements are unique.
  if (protocols === undefined || new Set(protocols).size < protocols.length) {
    throw new HandshakeError("protocol-header");
  }
  return protocols;
}

/** The header's grammar is ASCII (§9.1), and what was accepted of it is sent back. */
function offeredExtensions(headers: HeaderFields): readonly Extension[] {
  const value = headers.list("sec-websocket-extensions");
  const extensions = value === undefined ? [] : parseExtensions(value);
  if (extensions === undefined) throw new HandshakeError("extensions-header");
  return extensions;
}
