/**
 * Which web pages may connect (RFC 6455 §10.2): a browser sends a page's origin, and its cookies with it.
 *
 * @module
 */

import { wrongType } from "../options/wrong_type.ts";
import type { RequestHead } from "./head_parser.ts";
import { requestAuthority } from "./request_url.ts";

/**
 * A list of origins beside the server's own, a function that decides on an origin, or `"any"`.
 *
 * An entry is written as browsers send it: scheme, host, and the port unless it is the scheme's default, in lower case
 * and without a slash at the end: `https://example.com`. A function allows an origin by returning `true` or a promise of
 * it; anything else refuses.
 */
export type OriginPolicy = readonly string[] | ((origin: string) => boolean | Promise<boolean>) | "any";

/**
 * Tells whether a request may come from where it says it does.
 *
 * A request without an `Origin` may: no browser sent it. A page of the server's own may: hostname and port equal those
 * of the host that the request asks for. Over TLS that is an `https:` page; without it may be either, for what ends TLS
 * may stand in front of us.
 *
 * @param head The request, its target and Host checked.
 * @param policy What else is allowed. @default nothing
 * @param options `secure`: whether the request came over TLS. @default {false}
 * @returns Whether it may; a promise if the policy's function returned one.
 * @throws {HandshakeError} `"target"` if the target is neither a path nor an http URL, which a server has refused before.
 */
export function isAllowedOrigin(
  head: RequestHead,
  policy: OriginPolicy = [],
  { secure = false }: { secure?: boolean } = {},
): boolean | Promise<boolean> {
  if (policy === "any") return true;
  const origins = head.headers.getAll("origin");
  if (origins.length === 0) return true;
  const origin = origins[0]!;
  if (origins.length > 1) return false;
  if (typeof policy === "function") return isTrue(policy(origin));
  return policy.includes(origin) || isOwn(origin, head, secure);
}

/** Only `true` allows: a promise, an object or a count would pass for it where nobody looks closely. */
function isTrue(answer: unknown): boolean | Promise<boolean> {
  const settles = typeof answer === "object" && answer !== null && "then" in answer;
  return settles ? Promise.resolve<unknown>(answer).then((settled) => settled === true) : answer === true;
}

/**
 * Checks what a user allows.
 *
 * @throws {TypeError} If it is no policy, or an entry is not written as browsers send it: it would never match.
 */
export function checkOriginPolicy(policy: unknown, name: string): void {
  if (policy === "any" || typeof policy === "function") return;
  if (!Array.isArray(policy)) throw wrongType(name, `a list of origins, a function or "any"`, policy);
  for (const entry of policy as readonly unknown[]) {
    if (typeof entry !== "string") throw wrongType(name, "a list of strings", entry);
    const origin = originOf(entry);
    if (origin === entry) continue;
    throw new TypeError(
      `Cannot set ${name}: ${JSON.stringify(entry)} is not an origin, ${hintFor(entry, origin)}`,
    );
  }
}

/** Says what to write in place of an entry, which has the origin of a page. */
function hintFor(entry: string, origin: string | undefined): string {
  if (/^file:\/\//i.test(entry)) {
    return `and pages of files have none: browsers send "null" for them, as for sandboxed frames of any site, and some \
apps another text; a function can allow what is sent`;
  }
  return origin === undefined ? "such as https://example.com" : `which is written ${origin}`;
}

/** Writes the origin of a URL, or of a host alone, as browsers send it; `undefined` if there is none, or a wildcard in it. */
function originOf(text: string): string | undefined {
  // What pages without an origin send, such as a sandboxed frame of anybody's.
  if (text === "null") return undefined;
  const url = [text, `https://${text}`].find((candidate) =>
    URL.canParse(candidate) && new URL(candidate).host
  );
  if (url === undefined) return undefined;
  const { protocol, host } = new URL(url);
  if (host.includes("*")) return undefined;
  // A page is never loaded by ws: or wss:, and extensions have schemes that URL knows no origin for.
  const scheme = protocol.replace(/^ws(?=s?:$)/, "http");
  return `${scheme}//${host}`;
}

function isOwn(origin: string, head: RequestHead, secure: boolean): boolean {
  if (!URL.canParse(origin)) return false;
  const page = new URL(origin);
  // What a browser writes is the origin alone, and no other spelling of it (RFC 6454 §6.2).
  if (page.origin !== origin) return false;
  if (page.protocol !== "https:" && (secure || page.protocol !== "http:")) return false;
  const authority = requestAuthority(head);
  // A missing port is the default of the page's own scheme.
  const own = `${page.protocol}//${authority}`;
  return authority !== undefined && URL.canParse(own) && page.host === new URL(own).host;
}
