/**
 * What a server must answer to a request for an upgrade, as raw bytes and a status. No origin, port or path in it is
 * special, so that the rows can be sent to any server.
 *
 * @module
 */

import type { HandshakeErrorCode } from "../../lib/errors.ts";
import { BROKEN_OFFERS } from "./deflate_offers.ts";

export interface ServerRow {
  name: string;
  section: string;
  /** The bytes, one latin-1 character each. */
  request: string;
  /** The status that answers it: 101, or a refusal. */
  expect: number;
  /** The fault behind a refusal. */
  code?: HandshakeErrorCode;
  /** What follows the head in `request` and is no part of it. */
  rest?: string;
}

export const SAMPLE_KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const SAMPLE_ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const BASE: readonly string[] = [
  "Host: example.com",
  "Upgrade: websocket",
  "Connection: Upgrade",
  `Sec-WebSocket-Key: ${SAMPLE_KEY}`,
  "Sec-WebSocket-Version: 13",
];

interface Change {
  /** In place of `GET /chat HTTP/1.1`. */
  line?: string;
  /** Names, as BASE spells them, to leave out. */
  without?: string;
  /** Lines to add. */
  add?: readonly string[];
  /** What to put behind the head. */
  rest?: string;
}

/** The bytes of a right request with one thing changed. */
export function request(change: Change = {}): string {
  const without = change.without ?? "";
  const kept = BASE.filter((line) => !without.split(" ").includes(line.slice(0, line.indexOf(":"))));
  const lines = [change.line ?? "GET /chat HTTP/1.1", ...kept, ...change.add ?? []];
  return lines.join("\r\n") + "\r\n\r\n" + (change.rest ?? "");
}

/** The same with one of the base's lines replaced: those that begin like `line`, up to its colon. */
export function replaced(line: string): string {
  return request({ without: line.slice(0, line.indexOf(":")), add: [line] });
}

/** A masked text frame, "Hello" (RFC 6455 §5.7). */
export const HELLO = "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";

const accepted = (name: string, section: string, request: string, rest?: string): ServerRow => (
  rest === undefined
    ? { name, section, request, expect: 101 }
    : { name, section, request: request + rest, expect: 101, rest }
);
const refused = (
  name: string,
  section: string,
  expect: number,
  code: HandshakeErrorCode,
  request: string,
): ServerRow => ({ name, section, request, expect, code });

const filler = (count: number): string[] => Array.from({ length: count }, (_, i) => `X-${i}: ${i}`);

export const SERVER_ROWS: readonly ServerRow[] = [
  accepted(
    "the RFC's own sample",
    "RFC 6455 §1.3",
    request({
      add: [
        "Origin: http://example.com",
        "Sec-WebSocket-Protocol: chat, superchat",
      ],
    }),
  ),

  // The request line.
  refused("POST", "RFC 6455 §4.2.1", 405, "method", request({ line: "POST /chat HTTP/1.1" })),
  refused("a method in lower case", "RFC 9110 §9.1", 405, "method", request({ line: "get /chat HTTP/1.1" })),
  refused("HTTP/1.0", "RFC 9112 §2.3", 505, "http-version", request({ line: "GET /chat HTTP/1.0" })),
  refused("HTTP/0.1", "RFC 9112 §2.3", 505, "http-version", request({ line: "GET /chat HTTP/0.1" })),
  refused("HTTP/0.9", "RFC 9112 §3", 400, "request-line", "GET /\r\n"),
  refused("HTTP/2.0", "RFC 9112 §2.3", 505, "http-version", request({ line: "GET /chat HTTP/2.0" })),
  refused("the HTTP/2 preface", "RFC 9113 §3.4", 505, "http-version", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  refused("HTTP/1.2", "RFC 9112 §2.3", 505, "http-version", request({ line: "GET /chat HTTP/1.2" })),
  refused("HTTP/2.1", "RFC 9112 §2.3", 505, "http-version", request({ line: "GET /chat HTTP/2.1" })),
  refused("HTTP/1.10", "RFC 9112 §2.3", 400, "request-line", request({ line: "GET /chat HTTP/1.10" })),
  refused("HTTP/2 without a minor", "RFC 9112 §2.3", 400, "request-line", request({ line: "GET / HTTP/2" })),
  refused("http/1.1", "RFC 9112 §2.3", 400, "request-line", request({ line: "GET /chat http/1.1" })),
  refused("no method", "RFC 9112 §3", 400, "request-line", request({ line: " /chat HTTP/1.1" })),
  refused("no target", "RFC 9112 §3", 400, "request-line", request({ line: "GET  HTTP/1.1" })),
  refused("two spaces", "RFC 9112 §3", 400, "request-line", request({ line: "GET  /chat HTTP/1.1" })),
  refused("a tab for a space", "RFC 9112 §3", 400, "request-line", request({ line: "GET\t/chat HTTP/1.1" })),
  refused("a space at the end", "RFC 9112 §3", 400, "request-line", request({ line: "GET / HTTP/1.1 " })),
  refused("a TLS hello", "RFC 9112 §3", 400, "request-line", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
  accepted("an empty line first", "RFC 9112 §2.2", "\r\n" + request()),
  refused("two empty lines first", "RFC 9112 §2.2", 400, "request-line", "\r\n\r\n" + request()),
  refused("a bare LF first", "RFC 9112 §2.2", 400, "request-line", "\n" + request()),

  // The target.
  accepted("an absolute target", "RFC 9112 §3.2.2", request({ line: "GET http://other.example/a HTTP/1.1" })),
  accepted("an absolute ws: target", "RFC 9112 §3.2.2", request({ line: "GET WS://a.example HTTP/1.1" })),
  refused("a fragment", "RFC 9112 §3.2", 400, "target", request({ line: "GET /chat#frag HTTP/1.1" })),
  refused("an asterisk", "RFC 9112 §3.2.4", 400, "target", request({ line: "GET * HTTP/1.1" })),
  refused("OPTIONS *", "RFC 9112 §3.2.4", 405, "method", request({ line: "OPTIONS * HTTP/1.1" })),
  refused("a relative target", "RFC 9112 §3.2", 400, "target", request({ line: "GET foo HTTP/1.1" })),
  refused(
    "an authority",
    "RFC 9112 §3.2.3",
    400,
    "target",
    request({ line: "CONNECT a.example:80 HTTP/1.1" }),
  ),
  refused("an ftp: target", "RFC 9112 §3.2.2", 400, "target", request({ line: "GET ftp://a/ HTTP/1.1" })),
  refused(
    "a target without host",
    "RFC 9112 §3.2.2",
    400,
    "target",
    request({ line: "GET http:/// HTTP/1.1" }),
  ),
  refused(
    "a target with a user",
    "RFC 9110 §4.2.4",
    400,
    "target",
    request({ line: "GET ws://a@b/ HTTP/1.1" }),
  ),
  refused(
    "a space in the target",
    "RFC 9112 §3.2",
    400,
    "request-line",
    request({ line: "GET /a b HTTP/1.1" }),
  ),
  refused("a NUL in the target", "RFC 9112 §3.2", 400, "request-line", request({ line: "GET /\0 HTTP/1.1" })),
  refused(
    "0xff in the target",
    "RFC 9112 §3.2",
    400,
    "request-line",
    request({ line: "GET /\xff HTTP/1.1" }),
  ),
  refused(
    "a target of 17 KB",
    "RFC 9112 §3",
    414,
    "target-too-long",
    request({ line: `GET /${"a".repeat(17_000)} HTTP/1.1` }),
  ),
  accepted("a target with two slashes", "RFC 9112 §3.2.1", request({ line: "GET //evil HTTP/1.1" })),
  accepted("percent signs", "RFC 3986 §2.1", request({ line: "GET /%zz%00 HTTP/1.1" })),

  // Host.
  refused("no Host", "RFC 9112 §3.2", 400, "host", request({ without: "Host" })),
  refused("two Hosts", "RFC 9112 §3.2", 400, "host", request({ add: ["Host: example.com"] })),
  ...[
    "[",
    ":",
    "a:b:c",
    "%",
    "",
    "a@b",
    "a/b",
    "a b",
    "a,b:1x",
    "[::1",
    "[]",
    "[:::]",
    "[a@[::1]",
    "[a@b",
    "[::1]x",
    "a:99999",
    "\xe9.example",
  ]
    .map((host) => refused(`Host: ${host}`, "RFC 9110 §7.2", 400, "host", replaced(`Host: ${host}`))),
  ...["[", "a:99999"].map((host) =>
    refused(
      `an absolute target and Host: ${host}`,
      "RFC 9112 §3.2.2",
      400,
      "host",
      request({ line: "GET http://a.example/ HTTP/1.1", without: "Host", add: [`Host: ${host}`] }),
    )
  ),
  ...["example.com:8080", "[::1]", "[::1]:80", "127.0.0.1:1", "a_b.example", "LOCALHOST", "example.com:"]
    .map((host) => accepted(`Host: ${host}`, "RFC 9110 §7.2", replaced(`Host: ${host}`))),

  // Upgrade and Connection.
  refused("no Upgrade", "RFC 6455 §4.2.1", 426, "not-an-upgrade", request({ without: "Upgrade" })),
  refused("Upgrade: h2c", "RFC 6455 §4.2.1", 426, "not-an-upgrade", replaced("Upgrade: h2c")),
  refused("Upgrade: websockets", "RFC 6455 §4.2.1", 426, "not-an-upgrade", replaced("Upgrade: websockets")),
  accepted("Upgrade: foo, websocket", "RFC 6455 §4.2.1", replaced("Upgrade: foo, websocket")),
  accepted("Upgrade: WebSocket", "RFC 6455 §4.2.1", replaced("Upgrade: WebSocket")),
  accepted("two Upgrade headers", "RFC 9110 §7.8", request({ add: ["Upgrade: h2c"] })),
  refused("no Connection", "RFC 6455 §4.2.1", 400, "connection-header", request({ without: "Connection" })),
  refused("Connection: close", "RFC 6455 §4.2.1", 400, "connection-header", replaced("Connection: close")),
  accepted("Connection: keep-alive, Upgrade", "RFC 6455 §4.2.1", replaced("Connection: keep-alive, Upgrade")),
  accepted("Connection: , ,upgrade,", "RFC 9110 §5.6.1", replaced("Connection: , ,\tupgrade ,")),
  accepted("two Connection headers", "RFC 9110 §7.6.1", request({ add: ["Connection: keep-alive"] })),

  // The key.
  refused("no key", "RFC 6455 §4.2.1", 400, "key", request({ without: "Sec-WebSocket-Key" })),
  ...[
    ["15 bytes", "dGhlIHNhbXBsZSBub25j"],
    ["17 bytes", "dGhlIHNhbXBsZSBub25jZXM="],
    ["18 bytes", "dGhlIHNhbXBsZSBub25jZXNz"],
    ["no base64", "dGhlIHNhbXBsZSBub25jZ!=="],
    ["base64 for URLs", "dGhlIHNhbXBsZSBub25-_Q=="],
    ["no padding", "dGhlIHNhbXBsZSBub25jZQ"],
    ["padding inside", "dGhlIHNhbXBsZSBub25j===="],
    ["nothing", ""],
  ].map(([what, key]) =>
    refused(`a key of ${what}`, "RFC 6455 §4.2.1", 400, "key", replaced(`Sec-WebSocket-Key: ${key}`))
  ),
  refused(
    "two keys",
    "RFC 6455 §11.3.1",
    400,
    "key",
    request({ add: [`Sec-WebSocket-Key: ${SAMPLE_KEY}`] }),
  ),
  accepted(
    "a key with pad bits",
    "RFC 4648 §3.5",
    replaced("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR=="),
  ),

  // The version.
  refused("no version", "RFC 6455 §4.2.2", 426, "version", request({ without: "Sec-WebSocket-Version" })),
  refused(
    "the hixie-76 draft",
    "RFC 6455 §4.2.2",
    426,
    "version",
    request({
      without: "Sec-WebSocket-Key Sec-WebSocket-Version",
      add: ["Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5", "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00"],
      rest: "^n:ds[4U",
    }),
  ),
  ...["12", "8", "013", "1.3e1", "13, 8", "13,", "+13", "0x0d", "14", ""].map((version) =>
    refused(
      `Sec-WebSocket-Version: ${version}`,
      "RFC 6455 §4.2.2",
      426,
      "version",
      replaced(`Sec-WebSocket-Version: ${version}`),
    )
  ),
  refused(
    "the version twice",
    "RFC 6455 §11.3.5",
    426,
    "version",
    request({ add: ["Sec-WebSocket-Version: 13"] }),
  ),

  // Header lines.
  refused("bare LF", "RFC 9112 §2.2", 400, "header-line", request({ add: ["X: 1\nY: 2"] })),
  refused("LF for all CRLF", "RFC 9112 §2.2", 400, "request-line", request().replaceAll("\r\n", "\n")),
  refused("LF at the end", "RFC 9112 §2.2", 400, "header-line", request().slice(0, -2) + "\n"),
  refused("bare CR", "RFC 9112 §2.2", 400, "header-line", request({ add: ["X: 1\rY: 2"] })),
  refused("CR at the end", "RFC 9112 §2.2", 400, "header-line", request().slice(0, -1) + "\r"),
  refused("obs-fold", "RFC 9112 §5.2", 400, "header-line", request({ add: ["X: 1", " folded"] })),
  refused("obs-fold with a tab", "RFC 9112 §5.2", 400, "header-line", request({ add: ["X: 1", "\tfolded"] })),
  refused("a space before the colon", "RFC 9112 §5.1", 400, "header-line", request({ add: ["Name : 1"] })),
  refused(
    "a leading space",
    "RFC 9112 §2.2",
    400,
    "header-line",
    request().replace("\r\nHost", "\r\n Host"),
  ),
  refused("an empty name", "RFC 9112 §5", 400, "header-line", request({ add: [": 1"] })),
  refused("no colon", "RFC 9112 §5", 400, "header-line", request({ add: ["Name"] })),
  ...["Na me", "N(ame", "Na\0me", "N\xe4me", '"Name"', "Na/me"].map((name) =>
    refused(
      `the name ${JSON.stringify(name)}`,
      "RFC 9110 §5.1",
      400,
      "header-line",
      request({ add: [`${name}: 1`] }),
    )
  ),
  ...["\0", "\x01", "\x0b", "\x0c", "\x1b", "\x1f", "\x7f"].map((octet) =>
    refused(
      `the octet ${JSON.stringify(octet)} in a value`,
      "RFC 9110 §5.5",
      400,
      "header-line",
      request({ add: [`X: a${octet}b`] }),
    )
  ),
  accepted("a tab in a value", "RFC 9110 §5.5", request({ add: ["X: a\tb"] })),
  accepted("obs-text in a value", "RFC 9110 §5.5", request({ add: ["X: \x80\x9f\xa0\xff"] })),
  accepted("an empty value", "RFC 9110 §5.5", request({ add: ["X:", "Y: \t "] })),
  accepted(
    "names that objects inherit",
    "RFC 9110 §5.1",
    request({ add: ["constructor: 1", "__proto__: 2", "toString: 3", "hasOwnProperty: 4"] }),
  ),

  // What tutorials' servers trip over.
  accepted(
    "names in upper case",
    "RFC 9110 §5.1",
    request().replace(/^[\w-]+(?=:)/gm, (n) => n.toUpperCase()),
  ),
  accepted(
    "names in lower case",
    "RFC 9110 §5.1",
    request().replace(/^[\w-]+(?=:)/gm, (n) => n.toLowerCase()),
  ),
  accepted("no space behind the colon", "RFC 9112 §5.1", request().replaceAll(": ", ":")),
  accepted("much space around values", "RFC 9112 §5.1", request().replace(/: (.*)\r/g, ": \t $1\t \r")),
  accepted(
    "headers in another order",
    "RFC 9110 §5.3",
    ["GET /chat HTTP/1.1", ...BASE.toReversed()].join("\r\n") + "\r\n\r\n",
  ),

  // Bodies.
  refused(
    "a body with a length",
    "RFC 6455 §4.2.1",
    400,
    "upgrade-body",
    request({ add: ["Content-Length: 5"], rest: "hello" }),
  ),
  accepted("Content-Length: 0", "RFC 9112 §6.3", request({ add: ["Content-Length: 0"] })),
  refused(
    "a chunked body",
    "RFC 6455 §4.2.1",
    400,
    "upgrade-body",
    request({ add: ["Transfer-Encoding: chunked"], rest: "0\r\n\r\n" }),
  ),
  refused(
    "a body with both",
    "RFC 9112 §6.3",
    400,
    "upgrade-body",
    request({ add: ["Content-Length: 0", "Transfer-Encoding: chunked"], rest: "0\r\n\r\n" }),
  ),
  refused(
    "two lengths",
    "RFC 9112 §6.3",
    400,
    "upgrade-body",
    request({ add: ["Content-Length: 0", "Content-Length: 5"], rest: "hello" }),
  ),
  ...["-0", "00", "0, 0", "0x0", ""].map((length) =>
    refused(
      `Content-Length: ${length}`,
      "RFC 9112 §6.3",
      400,
      "upgrade-body",
      request({ add: [`Content-Length: ${length}`] }),
    )
  ),
  accepted("Expect: 100-continue", "RFC 9110 §10.1.1", request({ add: ["Expect: 100-continue"] })),

  // What is glued to the head.
  accepted("a frame in the same segment", "RFC 6455 §4.1", request(), HELLO),
  accepted("a second request behind", "RFC 6455 §4.1", request(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),

  // Caps.
  accepted("100 headers", "RFC 6585 §5", request({ add: filler(95) })),
  refused("101 headers", "RFC 6585 §5", 431, "too-many-headers", request({ add: filler(96) })),
  refused(
    "101 headers of one name",
    "RFC 6585 §5",
    431,
    "too-many-headers",
    request({ add: Array.from({ length: 96 }, () => "X: 1") }),
  ),
  accepted("a line of 15 KiB", "RFC 6585 §5", request({ add: [`X: ${"a".repeat(15_360)}`] })),
  refused(
    "a line over 16 KiB",
    "RFC 6585 §5",
    431,
    "head-too-large",
    request({ add: [`X: ${"a".repeat(16_384)}`] }),
  ),
  refused("a name over 16 KiB", "RFC 6585 §5", 431, "head-too-large", request({ add: ["a".repeat(17_000)] })),
  refused(
    "a head over 16 KiB",
    "RFC 6585 §5",
    431,
    "head-too-large",
    request({ add: Array.from({ length: 3 }, () => `X: ${"a".repeat(6_000)}`) }),
  ),

  // Subprotocols and extensions.
  ...["a,,b", "a b", '"a"', "", ",", "a,", "a, a", "a;b", "\xff", "a\tb"].map((protocols) =>
    refused(
      `Sec-WebSocket-Protocol: ${JSON.stringify(protocols)}`,
      "RFC 6455 §4.1",
      400,
      "protocol-header",
      request({ add: [`Sec-WebSocket-Protocol: ${protocols}`] }),
    )
  ),
  refused(
    "one protocol in two headers",
    "RFC 6455 §4.1",
    400,
    "protocol-header",
    request({ add: ["Sec-WebSocket-Protocol: a, b", "Sec-WebSocket-Protocol: b"] }),
  ),
  accepted(
    "protocols in two headers",
    "RFC 6455 §11.3.4",
    request({ add: ["Sec-WebSocket-Protocol: a,b", "Sec-WebSocket-Protocol: c"] }),
  ),
  accepted(
    "protocols that objects inherit",
    "RFC 6455 §4.1",
    request({ add: ["Sec-WebSocket-Protocol: constructor, __proto__, toString, hasOwnProperty"] }),
  ),
  ...["foo", "constructor", "__proto__", "toString; hasOwnProperty=1"].map((extensions) =>
    accepted(
      `Sec-WebSocket-Extensions: ${extensions}`,
      "RFC 6455 §9.1",
      request({ add: [`Sec-WebSocket-Extensions: ${extensions}`] }),
    )
  ),
  accepted(
    "offers in two headers",
    "RFC 6455 §9.1",
    request({ add: ["Sec-WebSocket-Extensions: permessage-deflate; foo", "Sec-WebSocket-Extensions: bar"] }),
  ),
  refused(
    "offers in two headers, the second broken",
    "RFC 6455 §9.1",
    400,
    "extensions-header",
    request({ add: ["Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Extensions: bar;"] }),
  ),
  ...["\x80", "foo\xff", ...BROKEN_OFFERS].map((extensions) =>
    refused(
      `${JSON.stringify(extensions)} as an extension`,
      "RFC 6455 §9.1",
      400,
      "extensions-header",
      request({ add: [`Sec-WebSocket-Extensions: ${extensions}`] }),
    )
  ),
];
