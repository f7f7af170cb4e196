import { test } from "node:test";
import { assertEquals, assertThrows } from "#std/assert";
import fc from "fast-check";
import { HandshakeError } from "../../lib/errors.ts";
import { acceptKey, generateKey } from "../../lib/handshake/accept_key.ts";
import {
  checkUpgradeResponse,
  validateProtocols,
  writeUpgradeRequest,
} from "../../lib/handshake/client_handshake.ts";
import type { ClientHandshakeOptions } from "../../lib/handshake/client_handshake.ts";
import { checkUpgrade, chooseProtocol, writeAccept } from "../../lib/handshake/server_handshake.ts";
import { requestUrl } from "../../lib/handshake/request_url.ts";
import { parseWebSocketUrl } from "../../lib/handshake/websocket_url.ts";
import { check } from "../support/property.ts";
import { SAMPLE_ACCEPT, SAMPLE_KEY } from "../vectors/handshake_server.ts";
import { fromLatin1 } from "../vectors/splits.ts";
import { requestHead, responseHead } from "./read_head.ts";

function write(url: string, options?: ClientHandshakeOptions): string {
  return fromLatin1(writeUpgradeRequest(new URL(url), SAMPLE_KEY, options));
}

test("a request has what RFC 6455 §4.1 wants, and no more", () => {
  assertEquals(
    write("ws://example.com/chat?room=1"),
    "GET /chat?room=1 HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${SAMPLE_KEY}\r\n\r\n`,
  );
});

test("a request has the options' headers", () => {
  const head = requestHead(write("ws://example.com", {
    protocols: ["chat", "superchat"],
    extensions: "foo; bar",
    origin: "https://example.com",
    headers: { Cookie: "a=b", Authorization: "Bearer x" },
  }));
  assertEquals([...head.headers].slice(5), [
    ["sec-websocket-protocol", "chat, superchat"],
    ["sec-websocket-extensions", "foo; bar"],
    ["origin", "https://example.com"],
    ["cookie", "a=b"],
    ["authorization", "Bearer x"],
  ]);
});

for (
  const [url, host] of [
    ["ws://example.com:80", "example.com"],
    ["wss://example.com:443", "example.com"],
    ["ws://example.com:443", "example.com:443"],
    ["wss://example.com:80", "example.com:80"],
    ["ws://[::1]:8080", "[::1]:8080"],
    ["ws://user@example.com", "example.com"],
  ] as const
) {
  test(`Host for ${url} is ${host}`, () => {
    assertEquals(requestHead(write(url)).headers.getAll("host"), [host]);
  });
}

for (
  const [url, credentials] of [
    ["ws://user:pass@a", "user:pass"],
    ["ws://user@a", "user:"],
    ["ws://:pass@a", ":pass"],
    ["ws://us%40er:p%3Ass@a", "us@er:p:ss"],
    ["ws://%C3%A4:%E2%82%AC@a", "\xc3\xa4:\xe2\x82\xac"],
  ] as const
) {
  test(`${url} authorizes as ${JSON.stringify(credentials)}`, () => {
    assertEquals(requestHead(write(url)).headers.getAll("authorization"), [`Basic ${btoa(credentials)}`]);
  });
}

test("an Authorization of the user's own goes before the URL's", () => {
  const head = requestHead(write("ws://user:pass@a", { headers: { authorization: "Bearer x" } }));
  assertEquals(head.headers.getAll("authorization"), ["Bearer x"]);
});

test("credentials that are not well encoded are refused", () => {
  assertThrows(() => write("ws://%zz@a"), TypeError, "not well encoded");
});

for (
  const name of [
    "Host",
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Key",
    "sec-websocket-version",
    "Content-Length",
  ]
    .concat(["Transfer-Encoding", "Sec-WebSocket-Extensions"])
) {
  test(`a request takes no ${name} from the user`, () => {
    assertThrows(() => write("ws://a", { headers: { [name]: "1" } }), TypeError, "belongs to the handshake");
  });
}

test("Origin is given once", () => {
  assertEquals(requestHead(write("ws://a", { headers: { Origin: "x" } })).headers.get("origin"), "x");
  assertThrows(() => write("ws://a", { origin: "x", headers: { Origin: "y" } }), TypeError, "given twice");
});

for (const value of ["a\r\nX: 1", "a\rb", "a\nb", "a\0", "\u0141"]) {
  test(`a request takes no ${JSON.stringify(value)}`, () => {
    assertThrows(() => write("ws://a", { headers: { "X-A": value } }), TypeError, "cannot be sent");
    assertThrows(() => write("ws://a", { headers: [[value, "1"]] }), TypeError, "not a token");
    assertThrows(() => write("ws://a", { origin: value }), TypeError, "cannot be sent");
    assertThrows(() => write("ws://a", { extensions: value }), TypeError, "cannot be sent");
    assertThrows(() => write("ws://a", { protocols: [value] }), SyntaxError, "not a token");
    assertThrows(() => writeUpgradeRequest(new URL("ws://a"), value), TypeError, "cannot be sent");
  });
}

test("what a URL can hold does not break out of the request line", () => {
  const head = requestHead(write("ws://a/b c\r\nX: 1?d e\u0141#f"));
  assertEquals([head.target, head.headers.size], ["/b%20cX:%201?d%20e%C5%81", 5]);
});

test("protocols are a list, whatever they were given as", () => {
  assertEquals(validateProtocols(undefined), []);
  assertEquals(validateProtocols("a"), ["a"]);
  assertEquals(validateProtocols(["a", "A", "constructor"]), ["a", "A", "constructor"]);
});

for (const protocols of ["", "a b", "a,b", ["a", ""], ["\xe4"], ["a", "b", "a"], ['"a"']]) {
  test(`the protocols ${JSON.stringify(protocols)} are refused`, () => {
    assertThrows(() => validateProtocols(protocols), SyntaxError, "Cannot connect: a protocol");
  });
}

test("extensions that answer an offer are handed on", () => {
  const text = fromLatin1(writeAccept({ accept: SAMPLE_ACCEPT, extensions: "foo; bar" }));
  const expected = { accept: SAMPLE_ACCEPT, protocols: [], extensions: true };
  assertEquals(checkUpgradeResponse(responseHead(text), expected), { protocol: "", extensions: "foo; bar" });
});

test("an empty list of extensions answers no offer", () => {
  const text = fromLatin1(writeAccept({ accept: SAMPLE_ACCEPT, extensions: "" }));
  const expected = { accept: SAMPLE_ACCEPT, protocols: [], extensions: true };
  const error = assertThrows(() => checkUpgradeResponse(responseHead(text), expected), HandshakeError);
  assertEquals(error.code, "extension-not-offered");
});

test("a refusal tells the server's status, not ours", () => {
  const head = responseHead("HTTP/1.1 503 No\r\n\r\n");
  const error = assertThrows(
    () => checkUpgradeResponse(head, { accept: "", protocols: [] }),
    HandshakeError,
  );
  assertEquals([error.code, error.status], ["refused", 503]);
});

test("property: what a client writes a server accepts, and the other way round", async () => {
  const token = fc.string({ unit: fc.constantFrom(..."abc!~."), minLength: 1, maxLength: 6 });
  const tokens = fc.uniqueArray(token, { maxLength: 5 });
  const property = fc.asyncProperty(fc.webUrl(), tokens, tokens, async (base, offered, supported) => {
    const url = parseWebSocketUrl(base.replace(/^http/, "ws"));
    const key = generateKey();
    const head = requestHead(fromLatin1(writeUpgradeRequest(url, key, { protocols: offered })));
    const secure = url.protocol === "wss:";
    assertEquals(new URL(requestUrl(head, { secure })).href, url.href.replace(/^ws/, "http"));
    const offer = checkUpgrade(head);
    assertEquals(offer, { key, protocols: offered, extensions: [] });
    const protocol = chooseProtocol(offer.protocols, supported);
    const accept = await acceptKey(offer.key);
    const response = responseHead(fromLatin1(writeAccept({ accept, protocol })));
    const answer = checkUpgradeResponse(response, { accept, protocols: offered });
    assertEquals(answer, { protocol: protocol ?? "", extensions: "" });
  });
  await check(property, { numRuns: 100 });
});
