import { test } from "node:test";
import { assertEquals, assertMatch, assertThrows } from "#std/assert";
import { RequestHeadParser } from "../../lib/handshake/head_parser.ts";
import { checkOriginPolicy, isAllowedOrigin } from "../../lib/handshake/origin.ts";
import { requestHead } from "./read_head.ts";

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
  ["example.com:8080", "ws://example.com:8080", false],
  ["example.com:8080", "ftp://example.com:8080", false],
  // Forms that no browser writes.
  ["example.com", "http://example.com/", false],
  ["example.com", "http://example.com:80", false],
  ["example.com", "https://example.com:443", false],
  ["example.com", "HTTP://example.com", false],
  ["example.com", "http://Example.com", false],
  ["example.com", "http://example.com/path?query", false],
  ["example.com", "http://user@example.com", false],
  ["example.com", "http:example.com", false],
  ["example.com", "http:\\\\example.com", false],
  ["127.0.0.1", "http://127.1", false],
  ["[::1]", "http://[0::1]", false],
];

for (const [host, origin, allowed] of ROWS) {
  test(`origin "${origin}" on host ${host} is ${allowed ? "the server's own" : "foreign"}`, () => {
    assertEquals(isAllowedOrigin(headOf(host, origin)), allowed);
  });
}

test("no origin is the server's own if the request names no host, as HTTP/1.0 allows", () => {
  for (const origin of ["http://undefined", "http://localhost", "null"]) {
    assertEquals(isAllowedOrigin(requestHead(`GET / HTTP/1.0\r\nOrigin: ${origin}\r\n\r\n`)), false);
  }
});

test("over TLS only https pages are the server's own", () => {
  const allowed = (host: string, origin: string) =>
    isAllowedOrigin(headOf(host, origin), [], { secure: true });
  assertEquals(allowed("example.com", "https://example.com"), true);
  assertEquals(allowed("example.com:8443", "https://example.com:8443"), true);
  assertEquals(allowed("example.com", "http://example.com"), false);
  assertEquals(allowed("example.com:8443", "http://example.com:8443"), false);
  assertEquals(isAllowedOrigin(headOf("a", "http://a"), ["http://a"], { secure: true }), true);
});

test("the host of an absolute target overrules Host", () => {
  const text = (target: string, host: string, origin: string) =>
    `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${origin}\r\n\r\n`;
  const allowed = (target: string, host: string, origin: string) =>
    isAllowedOrigin(requestHead(text(target, host, origin)));
  assertEquals(allowed("http://a.example/", "b.example", "http://a.example"), true);
  assertEquals(allowed("http://a.example/", "b.example", "http://b.example"), false);
  assertEquals(allowed("ws://a.example:81?q", "b.example", "http://a.example:81"), true);
});

test("a request without an origin is allowed, one with two is not, but by a policy of any", () => {
  assertEquals(isAllowedOrigin(headOf("example.com")), true);
  const doubled = headOf("example.com", "http://example.com", "http://example.com");
  assertEquals(isAllowedOrigin(doubled), false);
  assertEquals(isAllowedOrigin(doubled, () => true), false);
  assertEquals(isAllowedOrigin(doubled, "any"), true);
});

test("a function allows by true or a promise of it alone", async () => {
  const head = headOf("example.com", "https://good.example");
  const judge = async (answer: unknown) => await isAllowedOrigin(head, () => answer as boolean);
  assertEquals(await judge(true), true);
  assertEquals(await judge(Promise.resolve(true)), true);
  for (const answer of [undefined, null, 1, "true", {}, [], false, Promise.resolve(1), Promise.resolve({})]) {
    assertEquals(await judge(answer), false);
  }
});

/** Policies that are refused, and what the error says. */
const WRONG: readonly (readonly [policy: unknown, told: string])[] = [
  ["https://example.com", `a list of origins, a function or "any", not string`],
  ["all", "a list of origins"],
  [true, "a list of origins"],
  [null, "a list of origins"],
  [new Set(["https://example.com"]), "a list of origins"],
  [/example/, "a list of origins"],
  [[/example/], "a list of strings"],
  [[undefined], "a list of strings"],
  [["https://example.com/"], "written https://example.com"],
  [["https://example.com/chat?x"], "written https://example.com"],
  [["https://EXAMPLE.com"], "written https://example.com"],
  [["HTTPS://example.com"], "written https://example.com"],
  [["https://example.com:443"], "written https://example.com"],
  [["http://example.com:80"], "written http://example.com"],
  [["example.com"], "written https://example.com"],
  [["localhost:3000"], "written https://localhost:3000"],
  [["https://ada@example.com"], "written https://example.com"],
  [["https://münchen.example"], "written https://xn--mnchen-3ya.example"],
  [[" https://example.com"], "written https://example.com"],
  [["wss://example.com"], "written https://example.com"],
  [["https://*.example.com"], "such as https://example.com"],
  [["*"], "such as https://example.com"],
  [["any"], "written https://any"],
  [["null"], "such as https://example.com"],
  ...["file://", "file:///", "FILE://", "file:///home/me/page.html"].map((
    entry,
  ): [string[], string] => [[entry], 'browsers send "null" for them']),
  [[""], "such as https://example.com"],
  [["https://good.example", "https://example.com/"], "written https://example.com"],
];
for (const [policy, told] of WRONG) {
  test(`origins: ${policy instanceof Set ? "a set" : JSON.stringify(policy) ?? policy} is refused`, () => {
    const error = assertThrows(() => checkOriginPolicy(policy, "origins"), TypeError, told);
    assertMatch(error.message, /^Cannot set origins: /);
  });
}

test("origins: what browsers send is accepted", () => {
  const list = [
    "https://example.com",
    "http://localhost:3000",
    "http://[::1]:8080",
    "http://127.0.0.1",
    "chrome-extension://aohghmighlieiainnegkcijnfilokake",
  ];
  for (const policy of ["any", [], list, () => true]) checkOriginPolicy(policy, "origins");
});

test("a list of origins is exact, and adds to the server's own; a function decides alone", () => {
  const list = ["https://good.example", "null"];
  assertEquals(isAllowedOrigin(headOf("example.com", "https://good.example"), list), true);
  assertEquals(isAllowedOrigin(headOf("example.com", "https://good.example:443"), list), false);
  assertEquals(isAllowedOrigin(headOf("example.com", "null"), list), true);
  assertEquals(isAllowedOrigin(headOf("example.com", "http://example.com"), list), true);
  assertEquals(isAllowedOrigin(headOf("example.com", "http://example.com"), () => false), false);
});
