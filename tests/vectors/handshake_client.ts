/**
 * What a client must make of an answer to its upgrade. `{accept}` stands for what fits the key that was sent, so that
 * the rows can be played to any client.
 *
 * @module
 */

import type { HandshakeErrorCode } from "../../lib/errors.ts";

export interface ClientRow {
  name: string;
  section: string;
  /** The bytes, one latin-1 character each, with `{accept}` still in them. */
  response: string;
  /** What the request offered. */
  protocols: readonly string[];
  /** `"open"`, or the fault. */
  expect: "open" | HandshakeErrorCode;
  /** The status that a fault carries, where it is the answer's own. */
  status?: number;
  /** The protocol of an open connection. */
  protocol?: string;
  /** What follows the head in `response` and is no part of it. */
  rest?: string;
}

const BASE: readonly string[] = [
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Accept: {accept}",
];

/** An unmasked text frame, "Hello" (RFC 6455 §5.7). */
const HELLO = "\x81\x05Hello";

interface Change {
  line?: string;
  without?: string;
  add?: readonly string[];
}

function response(change: Change = {}): string {
  const kept = BASE.filter((line) => line.slice(0, line.indexOf(":")) !== change.without);
  return [change.line ?? "HTTP/1.1 101 Switching Protocols", ...kept, ...change.add ?? []].join("\r\n") +
    "\r\n\r\n";
}

function replaced(line: string): string {
  return response({ without: line.slice(0, line.indexOf(":")), add: [line] });
}

function row(
  name: string,
  section: string,
  expect: "open" | HandshakeErrorCode,
  response: string,
  more: Pick<ClientRow, "status" | "protocol" | "rest"> & { protocols?: readonly string[] } = {},
): ClientRow {
  return { name, section, response: response + (more.rest ?? ""), expect, protocols: [], ...more };
}

export const CLIENT_ROWS: readonly ClientRow[] = [
  row("the RFC's own sample", "RFC 6455 §1.3", "open", response()),
  row(
    "the RFC's own sample with a protocol",
    "RFC 6455 §1.3",
    "open",
    response({ add: ["Sec-WebSocket-Protocol: chat"] }),
    { protocols: ["chat", "superchat"], protocol: "chat" },
  ),

  // The status line.
  ...[200, 301, 400, 401, 403, 426, 500, 503].map((status) =>
    row(
      `status ${status}`,
      "RFC 6455 §4.1",
      "refused",
      response({ line: `HTTP/1.1 ${status} No`, add: ["Content-Length: 0"] }),
      { status },
    )
  ),
  row("a 101 in HTTP/1.0", "RFC 6455 §4.1", "http-version", response({ line: "HTTP/1.0 101 OK" })),
  row("a 101 in HTTP/2.0", "RFC 6455 §4.1", "http-version", response({ line: "HTTP/2.0 101 OK" })),
  row("an empty reason", "RFC 9112 §4", "open", response({ line: "HTTP/1.1 101 " })),
  row("no reason and no space", "RFC 9112 §4", "open", response({ line: "HTTP/1.1 101" })),
  row("a reason in latin-1", "RFC 9112 §4", "open", response({ line: "HTTP/1.1 101 \xc4ndern\t!" })),
  ...[
    "HTTP/1.1 10 A",
    "HTTP/1.1 1010 A",
    "HTTP/1.1 1x1 A",
    "HTTP/1.1 099 A",
    "HTTP/1.1  101 A",
    "HTTP/1.1\t101 A",
    "HTTP/1.1 101\tA",
    "HTTP/1.1 101 A\0",
    "HTTP/1.10 101 A",
    "http/1.1 101 A",
    "ICY 200 OK",
    "SSH-2.0-OpenSSH_9.6",
    "",
  ].map((line) => row(`the line ${JSON.stringify(line)}`, "RFC 9112 §4", "status-line", response({ line }))),
  row("LF for all CRLF", "RFC 9112 §2.2", "status-line", response().replaceAll("\r\n", "\n")),
  row("a status line without end", "RFC 9112 §4", "head-too-large", `HTTP/1.1 101 ${"a".repeat(17_000)}`),

  // Header lines.
  row("obs-fold", "RFC 9112 §5.2", "header-line", response({ add: ["X: 1", " folded"] })),
  row("a space before the colon", "RFC 9112 §5.1", "header-line", response({ add: ["X : 1"] })),
  row("101 headers", "RFC 6455 §10.4", "too-many-headers", response({ add: Array(98).fill("X: 1") })),
  row(
    "a header without end",
    "RFC 6455 §10.4",
    "head-too-large",
    response({ add: [`X: ${"a".repeat(17_000)}`] }),
  ),
  row(
    "a head without end",
    "RFC 6455 §10.4",
    "head-too-large",
    response({ add: Array(3).fill(`X: ${"a".repeat(6_000)}`) }),
  ),

  // Upgrade and Connection.
  row("no Upgrade", "RFC 6455 §4.1", "upgrade-missing", response({ without: "Upgrade" })),
  row("Upgrade: h2c", "RFC 6455 §4.1", "upgrade-missing", replaced("Upgrade: h2c")),
  row("Upgrade: websocket, h2c", "RFC 6455 §4.1", "upgrade-missing", replaced("Upgrade: websocket, h2c")),
  row("Upgrade: WebSocket", "RFC 6455 §4.1", "open", replaced("Upgrade: WebSocket")),
  row("no Connection", "RFC 6455 §4.1", "upgrade-missing", response({ without: "Connection" })),
  row("Connection: close", "RFC 6455 §4.1", "upgrade-missing", replaced("Connection: close")),
  row(
    "Connection: keep-alive, UPGRADE",
    "RFC 6455 §4.1",
    "open",
    replaced("Connection: keep-alive, UPGRADE"),
  ),

  // Accept.
  row("no Accept", "RFC 6455 §4.1", "accept-mismatch", response({ without: "Sec-WebSocket-Accept" })),
  row(
    "the Accept of another key",
    "RFC 6455 §4.1",
    "accept-mismatch",
    replaced("Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
  ),
  row(
    "Accept with a character too many",
    "RFC 6455 §4.1",
    "accept-mismatch",
    replaced("Sec-WebSocket-Accept: x{accept}"),
  ),
  row(
    "Accept twice",
    "RFC 6455 §11.3.3",
    "accept-mismatch",
    response({ add: ["Sec-WebSocket-Accept: {accept}"] }),
  ),
  row("Accept among spaces", "RFC 6455 §4.1", "open", replaced("Sec-WebSocket-Accept: \t {accept} \t")),
  row("no space behind the colon", "RFC 9112 §5.1", "open", response().replaceAll(": ", ":")),
  row("names in upper case", "RFC 9110 §5.1", "open", response().replace("Sec-WebSocket", "SEC-WEBSOCKET")),

  // Subprotocols.
  row("no protocol where one was asked", "RFC 6455 §4.1", "open", response(), {
    protocols: ["a", "b"],
    protocol: "",
  }),
  ...["c", "A", "a, b", "", "a,", "constructor", "__proto__"].map((protocol) =>
    row(
      `the protocol ${JSON.stringify(protocol)}, not offered`,
      "RFC 6455 §4.1",
      "protocol-not-offered",
      response({ add: [`Sec-WebSocket-Protocol: ${protocol}`] }),
      { protocols: ["a", "b"] },
    )
  ),
  row(
    "two protocol headers",
    "RFC 6455 §11.3.4",
    "protocol-not-offered",
    response({ add: ["Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: a"] }),
    { protocols: ["a", "b"] },
  ),
  row(
    "a protocol where none was asked",
    "RFC 6455 §4.1",
    "protocol-not-offered",
    response({ add: ["Sec-WebSocket-Protocol: a"] }),
  ),

  // Extensions: none is offered in these rows.
  ...["permessage-deflate", "foo", "", "constructor"].map((extension) =>
    row(
      `the extension ${JSON.stringify(extension)}, not offered`,
      "RFC 6455 §4.1",
      "extension-not-offered",
      response({ add: [`Sec-WebSocket-Extensions: ${extension}`] }),
    )
  ),

  // What surrounds it.
  row("a 101 with a length", "RFC 9110 §8.6", "open", response({ add: ["Content-Length: 5"] })),
  row("a frame in the same segment", "RFC 6455 §4.1", "open", response(), { rest: HELLO }),
];
