import { test } from "node:test";
import { assertEquals, assertThrows } from "#std/assert";
import { parseWebSocketUrl } from "../../lib/handshake/websocket_url.ts";

for (
  const [given, url] of [
    ["ws://example.com", "ws://example.com/"],
    ["wss://example.com/chat?a", "wss://example.com/chat?a"],
    ["http://example.com:80/", "ws://example.com/"],
    ["https://example.com:443/", "wss://example.com/"],
    ["https://example.com:80/", "wss://example.com:80/"],
    ["WS://EXAMPLE.com:8080", "ws://example.com:8080/"],
    ["ws://user:pass@[::1]/%23", "ws://user:pass@[::1]/%23"],
  ] as const
) {
  test(`a client connects for ${given} to ${url}`, () => {
    assertEquals(parseWebSocketUrl(given).href, url);
    assertEquals(parseWebSocketUrl(new URL(given)).href, url);
  });
}

test("the URL given is left as it is", () => {
  const given = new URL("http://example.com/");
  const parsed = parseWebSocketUrl(given);
  parsed.pathname = "/other";
  assertEquals(given.href, "http://example.com/");
});

for (
  const [given, message] of [
    ["/chat", "not a valid one"],
    ["", "not a valid one"],
    ["ws://", "not a valid one"],
    ["ws://[", "not a valid one"],
    ["ftp://example.com/", "scheme is ftp:"],
    ["javascript:alert(1)", "scheme is javascript:"],
    ["ws://example.com/#a", "fragment"],
    ["ws://example.com/#", "fragment"],
    ["https://example.com/#a", "fragment"],
  ] as const
) {
  test(`a client does not connect to ${JSON.stringify(given)}`, () => {
    assertThrows(() => parseWebSocketUrl(given), SyntaxError, message);
  });
}

test("a URL that is not valid leaves no password in the error", () => {
  for (
    const given of [
      "ws://ada:s3cret@exa mple/",
      "ws://ada:s3cret@a:99999/",
      "//ada:s3cret@a/",
      "ftp://ada:s3cret@a/",
    ]
  ) {
    const error = assertThrows(() => parseWebSocketUrl(given), SyntaxError);
    const { cause, message, stack } = error;
    const told = JSON.stringify([
      cause,
      (cause as Error)?.message,
      { ...(cause as Error) },
      { ...error },
      message,
      stack,
    ]);
    assertEquals(told.includes("s3cret"), false, told);
  }
});
