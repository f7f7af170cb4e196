import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { RequestHeadParser } from "../../lib/handshake/head_parser.ts";
import { isAllowedOrigin } from "../../lib/handshake/origin.ts";

function headOf(host: string, ...origins: string[]) {
  const lines = ["GET / HTTP/1.1", `Host: ${host}`, ...origins.map((origin) => `Origin: ${origin}`), "", ""];
  return new RequestHeadParser().push(new TextEncoder().encode(lines.join("\r\n")))!;
}

const ROWS: readonly [host: string, origin: string, allowed: boolean][] = [
  ["example.com", "http://example.com", true],
  ["example.com", "https://example.com", true],
  ["example.com:80", "http://example.com", true],
  ["example.com:443", "https://example.com", true],
  ["example.com:443", "http://example.com", false],
  ["example.com:8080", "http://example.com:8080", true],
  ["example.com:8080", "https://example.com:8080", true],
  ["example.com:8080", "http://example.com", false],
  ["example.com", "http://example.com:8080", false],
  ["Example.COM", "http://example.com", true],
  ["[::1]:8080", "http://[::1]:8080", true],
  ["[::1]:8080", "http://[::2]:8080", false],
  ["example.com", "http://evil.example", false],
  ["example.com", "http://example.com.evil.example", false],
  ["example.com", "http://example.com@evil.example", false],
  ["example.com", "null", false],
  ["example.com", "", false],
  ["example.com", "example.com", false],
  ["example.com", "file://example.com", false],
  ["example.com", "chrome-extension://example.com", false],
];

for (const [host, origin, allowed] of ROWS) {
  test(`origin "${origin}" on host ${host} is ${allowed ? "the server's own" : "foreign"}`, () => {
    assertEquals(isAllowedOrigin(headOf(host, origin)), allowed);
  });
}

test("a request without an origin is allowed, one with two is not, but by a policy of any", () => {
  assertEquals(isAllowedOrigin(headOf("example.com")), true);
  const doubled = headOf("example.com", "http://example.com", "http://example.com");
  assertEquals(isAllowedOrigin(doubled), false);
  assertEquals(isAllowedOrigin(doubled, () => true), false);
  assertEquals(isAllowedOrigin(doubled, "any"), true);
});

test("a list of origins is exact, and adds to the server's own; a function decides alone", () => {
  const list = ["https://good.example", "null"];
  assertEquals(isAllowedOrigin(headOf("example.com", "https://good.example"), list), true);
  assertEquals(isAllowedOrigin(headOf("example.com", "https://good.example:443"), list), false);
  assertEquals(isAllowedOrigin(headOf("example.com", "null"), list), true);
  assertEquals(isAllowedOrigin(headOf("example.com", "http://example.com"), list), true);
  assertEquals(isAllowedOrigin(headOf("example.com", "http://example.com"), () => false), false);
});
