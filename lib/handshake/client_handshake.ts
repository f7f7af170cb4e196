/**
 * The client's half of the opening handshake: a URL and options in, bytes and decisions out (RFC 6455 §4.1).
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import { readUserHeaders, writeField, writeFields } from "./field_lines.ts";
import type { HeadersInput } from "./field_lines.ts";
import { isToken, listHas } from "./grammar.ts";
import type { ResponseHead } from "./head_parser.ts";
import type { HeaderFields } from "./header_fields.ts";
import { encodeLatin1 } from "./latin1.ts";

/** Says what a client asks for beside the URL. */
export interface ClientHandshakeOptions {
  /** The subprotocols in order of preference. @default none */
  protocols?: readonly string[] | undefined;
  /** More headers, such as `Authorization` or `Cookie`. @default none */
  headers?: HeadersInput | undefined;
  /** The `Origin`, which clients that are no browsers may leave out. @default none */
  origin?: string | undefined;
  /** The offer for `Sec-WebSocket-Extensions`. @default none */
  extensions?: string | undefined;
}

/** Says what a client's own request makes it expect of the answer. */
export interface ExpectedAnswer {
  /** What `acceptKey` makes of the key that was sent. */
  accept: string;
  /** The subprotocols that were offered. */
  protocols: readonly string[];
  /** Whether any extension was offered. @default false */
  extensions?: boolean;
}

/**
 * Writes the request for an upgrade.
 *
 * A user name or password in the URL becomes `Authorization: Basic`, unless the headers have an `Authorization`.
 *
 * @param url `ws:` or `wss:`, as `parseWebSocketUrl` gives it.
 * @param key What `generateKey` gives, new for each request.
 * @param options What else to ask for.
 * @returns The whole head; the caller's own bytes.
 * @throws {TypeError} Where a header belongs to the handshake, comes twice, or cannot be sent.
 * @throws {SyntaxError} As {@linkcode validateProtocols} does.
 */
export function writeUpgradeRequest(
  url: URL,
  key: string,
  options: ClientHandshakeOptions = {},
): Uint8Array<ArrayBuffer> {
  const protocols = validateProtocols(options.protocols);
  const headers = readUserHeaders(options.headers, { reserved: "host" });
  let text = `GET ${url.pathname}${url.search} HTTP/1.1\r\n${writeField("Host", url.host)}` +
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
    writeField("Sec-WebSocket-Key", key);
  if (protocols.length > 0) text += writeField("Sec-WebSocket-Protocol", protocols.join(", "));
  if (options.extensions !== undefined) text += writeField("Sec-WebSocket-Extensions", options.extensions);
  if (options.origin !== undefined) {
    if (headers.has("origin")) throw new TypeError("Cannot write header: Origin is given twice");
    text += writeField("Origin", options.origin);
  }
  if ((url.username !== "" || url.password !== "") && !headers.has("authorization")) {
    text += writeField("Authorization", `Basic ${basicCredentials(url)}`);
  }
  return encodeLatin1(`${text}${writeFields(headers)}\r\n`);
}

/**
 * Checks a list of subprotocols as the `WebSocket` constructor does.
 *
 * @param protocols One, several or none.
 * @returns The list.
 * @throws {SyntaxError} Where one is not a token, or comes twice (RFC 6455 §4.1).
 */
export function validateProtocols(protocols: string | readonly string[] | undefined): readonly string[] {
  if (protocols === undefined) return [];
  const list = typeof protocols === "string" ? [protocols] : protocols;
  if (!list.every(isToken)) throw new SyntaxError("Cannot connect: a protocol is not a token");
  if (new Set(list).size < list.length) throw new SyntaxError("Cannot connect: a protocol is listed twice");
  return list;
}

/**
 * Checks the answer to an upgrade. Headers about a body, which a 101 cannot have, are ignored.
 *
 * @param head The answer.
 * @param expected What our request allows for.
 * @returns The subprotocol, and what `Sec-WebSocket-Extensions` lists, not parsed; empty where there is none.
 * @throws {HandshakeError} `"refused"` with the answer's status, `"upgrade-missing"`, `"accept-mismatch"`,
 * `"protocol-not-offered"`, `"extension-not-offered"`.
 */
export function checkUpgradeResponse(
  head: ResponseHead,
  expected: ExpectedAnswer,
): { protocol: string; extensions: string } {
  const headers = head.headers;
  if (head.status !== 101) throw new HandshakeError("refused", { status: head.status });
  if (headers.list("upgrade")?.toLowerCase() !== "websocket") throw new HandshakeError("upgrade-missing");
  if (!listHas(headers.list("connection"), "upgrade")) throw new HandshakeError("upgrade-missing");
  if (
    headers.count("sec-websocket-accept") !== 1 || headers.get("sec-websocket-accept") !== expected.accept
  ) {
    throw new HandshakeError("accept-mismatch");
  }
  const extensions = headers.list("sec-websocket-extensions");
  // An empty list is no list (RFC 6455 §9.1), and was not offered either.
  if (extensions === "" || (extensions !== undefined && !expected.extensions)) {
    throw new HandshakeError("extension-not-offered");
  }
  return { protocol: chosenProtocol(headers, expected.protocols), extensions: extensions ?? "" };
}

function chosenProtocol(headers: HeaderFields, offered: readonly string[]): string {
  const lines = headers.count("sec-websocket-protocol");
  if (lines === 0) return "";
  const protocol = headers.get("sec-websocket-protocol");
  // The name we offered is returned, and not the peer's, which would keep the text of its whole head alive.
  const chosen = lines === 1 ? offered.find((name) => name === protocol) : undefined;
  if (chosen === undefined) throw new HandshakeError("protocol-not-offered");
  return chosen;
}

/** Base64 of `user:password` in UTF-8 (RFC 7617 §2.1). */
function basicCredentials(url: URL): string {
  const octets = new TextEncoder().encode(`${decodePart(url.username)}:${decodePart(url.password)}`);
  return btoa(String.fromCharCode(...octets));
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw new TypeError("Cannot connect: the URL's user name or password is not well encoded", { cause });
  }
}
