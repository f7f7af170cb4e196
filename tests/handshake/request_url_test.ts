import { test } from "node:test";
import { assertEquals, assertThrows } from "#std/assert";
import fc from "fast-check";
import { HandshakeError } from "../../lib/errors.ts";
import { requestUrl } from "../../lib/handshake/request_url.ts";
import { check } from "../support/property.ts";
import { request } from "../vectors/handshake_server.ts";
import { requestHead } from "./read_head.ts";

for (
  const [target, host, url] of [
    ["/chat?a=b", "example.com", "http://example.com/chat?a=b"],
    ["/", "example.com:80", "http://example.com/"],
    ["/", "example.com:8080", "http://example.com:8080/"],
    ["/", "example.com:", "http://example.com/"],
    ["/", "EXAMPLE.com", "http://example.com/"],
    ["/", "[::1]:8080", "http://[::1]:8080/"],
    ["//evil", "example.com", "http://example.com//evil"],
    ["//evil.example:1/x", "example.com", "http://example.com//evil.example:1/x"],
    ["/a?b=\\c", "example.com", "http://example.com/a?b=\\c"],
    ["http://other.example?\\", "example.com", "http://other.example/?\\"],
    ["/@evil", "example.com", "http://example.com/@evil"],
    ["/%zz%00", "example.com", "http://example.com/%zz%00"],
    ["/http://evil/", "example.com", "http://example.com/http://evil/"],
    ["http://other.example/a?b", "example.com", "http://other.example/a?b"],
    ["HTTP://other.example:81", "example.com", "http://other.example:81/"],
    ["https://other.example/", "example.com", "http://other.example/"],
    ["ws://other.example?q", "example.com", "http://other.example/?q"],
    ["wss://[::2]/a/b", "example.com", "http://[::2]/a/b"],
    ["http://other.example/?http://x/", "example.com", "http://other.example/?http://x/"],
  ] as const
) {
  test(`${target} at ${host} is ${url}`, () => {
    const head = requestHead(
      request({ line: `GET ${target} HTTP/1.1`, without: "Host", add: [`Host: ${host}`] }),
    );
    assertEquals(new URL(requestUrl(head, { secure: false })).href, url);
  });
}

test("in HTTP/1.0 Host may be missing, and is held to the same rules if it is there", () => {
  const url = (lines: string, secure = false) => {
    const head = requestHead(`GET ${lines}\r\n\r\n`);
    return new URL(requestUrl(head, { secure })).href;
  };
  assertEquals(url("/a?b HTTP/1.0"), "http://localhost/a?b");
  assertEquals(url("/a HTTP/1.0", true), "https://localhost/a");
  assertEquals(url("/ HTTP/1.0\r\nHost: example.com:81"), "http://example.com:81/");
  assertEquals(url("http://a.example/b HTTP/1.0"), "http://a.example/b");
  for (const wrong of ["Host:", "Host: a@b", "Host: a\r\nHost: a"]) {
    assertEquals(assertThrows(() => url(`/ HTTP/1.0\r\n${wrong}`), HandshakeError).code, "host");
  }
  assertEquals(assertThrows(() => url("/ HTTP/1.1"), HandshakeError).code, "host");
});

test("the URL of OPTIONS * has a host alone, and no other method has such a target", () => {
  const url = (line: string) => requestUrl(requestHead(request({ line })), { secure: false });
  assertEquals(url("OPTIONS * HTTP/1.1"), "http://example.com");
  for (const line of ["GET *", "options *", "OPTIONS *a", "OPTIONS **"]) {
    assertEquals(assertThrows(() => url(`${line} HTTP/1.1`), HandshakeError).code, "target");
  }
  const wrong = requestHead("OPTIONS * HTTP/1.1\r\nHost: a:99999\r\n\r\n");
  assertEquals(assertThrows(() => requestUrl(wrong, { secure: false }), HandshakeError).code, "host");
});

test("a secure connection gives https, whatever the target says", () => {
  const url = (target: string) =>
    new URL(requestUrl(requestHead(request({ line: `GET ${target} HTTP/1.1` })), { secure: true })).href;
  assertEquals(url("/"), "https://example.com/");
  assertEquals(url("http://a.example/"), "https://a.example/");
});

for (
  const target of [
    "*",
    "foo",
    "/a#b",
    "#",
    "http://",
    "http:///a",
    "http://a@b/",
    "http://a:b@c/",
    "http:/a",
    "http:a",
  ]
    .concat([
      "ftp://a/",
      "javascript:1",
      "a.example:80",
      "http://a#b",
      "http://%41/",
      "http://[::1/",
      "http://a:x/",
    ])
    .concat([
      "/\\evil",
      "/a\\..\\b",
      "/\\?a",
      "http://a.example/\\b",
      "http://\\evil/",
      "http://a\\b/",
      "http://a:99999/",
      "://a/",
      "?a",
    ])
) {
  test(`the target ${target} is refused`, () => {
    const head = requestHead(request({ line: `GET ${target} HTTP/1.1` }));
    const error = assertThrows(() => requestUrl(head, { secure: false }), HandshakeError);
    assertEquals([error.code, error.status], ["target", 400]);
  });
}

test("property: no target and no Host makes it throw anything but HandshakeError, and Host stays the host", () => {
  const host = fc.oneof(
    fc.string({ unit: fc.constantFrom(..."aZ0:[].%@/\\-_,; x1f"), maxLength: 12 }),
    fc.string({ maxLength: 8 }),
  );
  const target = fc.oneof(
    fc.string({ unit: fc.constantFrom(..."/\\@:?#%[]a0.*htpws"), maxLength: 20 }),
    fc.webUrl(),
    fc.webPath(),
  );
  const property = fc.property(target, host, (target, host) => {
    const text = request({ line: `GET /${target} HTTP/1.1`, without: "Host", add: [`Host: ${host}`] });
    for (const line of [text, text.replace("GET /", "GET ")]) {
      try {
        const head = requestHead(line);
        const url = new URL(requestUrl(head, { secure: false }));
        assertEquals([url.protocol, url.username, url.password, url.hash], ["http:", "", "", ""]);
        if (line === text) assertEquals(url.host, new URL(`http://${head.headers.get("host")}`).host);
      } catch (error) {
        if (!(error instanceof HandshakeError)) throw error;
      }
    }
  });
  check(property, { numRuns: 1_000 });
});
