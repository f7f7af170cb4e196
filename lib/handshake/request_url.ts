/**
 * Puts the URL of a request together from its target and its Host (RFC 9112 §3.3).
 *
 * @module
 */

import { HandshakeError } from "../errors.ts";
import type { HandshakeErrorCode } from "../errors.ts";
import type { RequestHead } from "./head_parser.ts";
import { DIGIT, HOST_NAME, IPV6, isAll } from "./octets.ts";

/** Stands for the host of a request without one, as HTTP/1.0 allows. */
const NO_HOST = "localhost";

const SCHEMES: readonly string[] = ["http://", "https://", "ws://", "wss://"];

/**
 * Checks the target of a request and its Host.
 *
 * A target in absolute form brings its own host (RFC 9112 §3.2.2), but Host must be right all the same. The scheme is
 * always that of the connection, whatever an absolute target claims. In HTTP/1.0, Host may be missing; then it is taken
 * for `localhost`. `OPTIONS *` asks for the server as a whole, and its URL has no path (RFC 9112 §3.2.4, §3.3).
 *
 * @param head The request.
 * @param options `secure`: whether it came over TLS.
 * @returns An `http:` or `https:` URL that can be parsed; `//evil` remains a path, and percent signs stay as they are.
 * @throws {HandshakeError} `"host"`, `"target"`; nothing else.
 */
export function requestUrl(head: RequestHead, options: { secure: boolean }): string {
  const host = head.headers.get("host") ?? (head.httpVersion === "1.0" ? NO_HOST : undefined);
  if (host === undefined || head.headers.count("host") > 1 || !isHost(host)) throw new HandshakeError("host");
  const scheme = options.secure ? "https://" : "http://";
  if (isServerWide(head)) return checkUrl(scheme + host, "host");
  const target = head.target;
  // No fragment is ever part of a target; `new URL` would cut it off in silence.
  if (target.includes("#")) throw new HandshakeError("target");
  const path = target.startsWith("/") ? target : splitTarget(target).path;
  // `new URL` makes a slash of it, but a proxy in front did not see one. In a query it stays.
  if (path.slice(0, indexOrEnd(path, "?")).includes("\\")) throw new HandshakeError("target");
  if (path === target) return checkUrl(scheme + host + target, "host");
  // A host that only `new URL` can see through, such as `[:::]` or port 99999, must not pass because the target has its own.
  checkUrl(scheme + host, "host");
  return checkUrl(scheme + splitTarget(target).authority + path, "target");
}

/**
 * Tells which host a request asks for: that of an absolute target, whatever Host says (RFC 9112 §3.2.2).
 *
 * @param head The request, which {@linkcode requestUrl} takes.
 * @returns The host with its port, if it has one, as it was sent; `undefined` without any.
 */
export function requestAuthority({ target, headers }: RequestHead): string | undefined {
  return target.startsWith("/") || target === "*" ? headers.get("host") : splitTarget(target).authority;
}

/**
 * Tells whether a request is `OPTIONS *`, which asks whether the server is there (RFC 9110 §9.3.7).
 *
 * @param head The request.
 */
export function isServerWide({ method, target }: RequestHead): boolean {
  return method === "OPTIONS" && target === "*";
}

/** Cuts the scheme off an absolute target and holds its authority to what Host is held to. */
function splitTarget(target: string): { authority: string; path: string } {
  const scheme = SCHEMES.find((scheme) => target.slice(0, scheme.length).toLowerCase() === scheme);
  if (scheme === undefined) throw new HandshakeError("target");
  const rest = target.slice(scheme.length);
  const end = Math.min(indexOrEnd(rest, "/"), indexOrEnd(rest, "?"));
  const authority = rest.slice(0, end);
  if (!isHost(authority)) throw new HandshakeError("target");
  return { authority, path: rest.slice(end) };
}

function indexOrEnd(text: string, part: string): number {
  const index = text.indexOf(part);
  return index < 0 ? text.length : index;
}

/** A URL object takes three times as much memory as its text, and most who serve never ask for one. */
function checkUrl(url: string, fault: HandshakeErrorCode): string {
  if (!URL.canParse(url)) throw new HandshakeError(fault);
  return url;
}

/**
 * Tells whether a text is `uri-host [ ":" port ]` with a host in it (RFC 9110 §7.2).
 *
 * What passes holds no `@`, `/`, `?`, `\` or `%`, so that it cannot become another part of a URL; whether the numbers
 * of an address or a port are in range is for `new URL` to say.
 */
function isHost(text: string): boolean {
  const bracketed = text.startsWith("[");
  const colon = text.indexOf(":", bracketed ? indexOrEnd(text, "]") : 0);
  const end = colon < 0 ? text.length : colon;
  const named = bracketed
    ? text[end - 1] === "]" && isAll(text, IPV6, 1, end - 1)
    : isAll(text, HOST_NAME, 0, end);
  // A port may be empty (RFC 3986 §3.2.3).
  return named && (end + 1 >= text.length || isAll(text, DIGIT, end + 1));
}
