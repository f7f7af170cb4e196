/**
 * Which web pages may connect (RFC 6455 §10.2): a browser sends a page's origin, and its cookies with it.
 *
 * @module
 */

import type { RequestHead } from "./head_parser.ts";

/** A list of origins beside the server's own, a function that decides on an origin, or `"any"`. */
export type OriginPolicy = readonly string[] | ((origin: string) => boolean) | "any";

/** The ports that a URL leaves out. */
const DEFAULT_PORTS: ReadonlyMap<string, string> = new Map([["http:", "80"], ["https:", "443"]]);

/**
 * Tells whether a request may come from where it says it does.
 *
 * A request without an `Origin` may: no browser sent it. A page of the server's own may: hostname and port equal those
 * of `Host`. The scheme is not compared, for what ends TLS may stand in front of us.
 *
 * @param head The request, its Host checked.
 * @param policy What else is allowed. @default nothing
 */
export function isAllowedOrigin(head: RequestHead, policy: OriginPolicy = []): boolean {
  if (policy === "any") return true;
  const origins = head.headers.getAll("origin");
  if (origins.length === 0) return true;
  const origin = origins[0]!;
  if (origins.length > 1) return false;
  if (typeof policy === "function") return policy(origin);
  return policy.includes(origin) || isOwn(origin, head.headers.get("host")!);
}

function isOwn(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const page = new URL(origin);
  const port = page.port || DEFAULT_PORTS.get(page.protocol);
  if (port === undefined || !URL.canParse(`${page.protocol}//${host}`)) return false;
  const own = new URL(`${page.protocol}//${host}`);
  return page.hostname === own.hostname && port === (own.port || DEFAULT_PORTS.get(page.protocol));
}
