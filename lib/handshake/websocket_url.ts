/**
 * Parses the URL that a client connects to (RFC 6455 §3).
 *
 * @module
 */

/**
 * Parses a WebSocket URL as WHATWG does: `http:` and `https:` stand for `ws:` and `wss:`.
 *
 * @param url `ws:`, `wss:`, `http:` or `https:`, without a fragment.
 * @returns A new URL, `ws:` or `wss:`; the caller's own.
 * @throws {SyntaxError} Where it is no URL, has another scheme, or a fragment, be it an empty one (RFC 6455 §3).
 */
export function parseWebSocketUrl(url: string | URL): URL {
  const parsed = parse(String(url));
  if (parsed.protocol === "http:") parsed.protocol = "ws:";
  if (parsed.protocol === "https:") parsed.protocol = "wss:";
  if (parsed.protocol !== "ws:" && parsed.protocol !== "wss:") {
    throw new SyntaxError(`Cannot connect: the URL's scheme is ${parsed.protocol} and not ws: or wss:`);
  }
  // `hash` is empty for an empty fragment, which is one nonetheless.
  if (parsed.href.includes("#")) throw new SyntaxError("Cannot connect: the URL has a fragment");
  return parsed;
}

function parse(url: string): URL {
  // What `new URL` throws has the whole URL in it, and with that a password.
  if (!URL.canParse(url)) throw new SyntaxError("Cannot connect: the URL is not a valid one");
  return new URL(url);
}
