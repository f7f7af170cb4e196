/**
 * Which hosts a server answers for. A web page can make its own name resolve to any address (DNS rebinding), and then
 * asks a server that was never meant for it, as if that were its own: only the host that it asks for tells.
 *
 * @module
 */

import type { RequestHead } from "./head_parser.ts";
import { isPromised } from "./promised.ts";
import { requestAuthority } from "./request_url.ts";

/** A list of names without a port, a function that decides on such a name, or `"any"`. */
export type HostPolicy = readonly string[] | ((host: string) => boolean) | "any";

/** All addresses of 127.0.0.0/8, as a URL spells them. */
const LOOPBACK_IPV4 = /^127\.\d+\.\d+\.\d+$/;

/**
 * Checks the option `hosts`.
 *
 * @param hosts What was given.
 * @returns The same, or a copy of a list.
 * @throws {TypeError} If it is of the wrong kind, or a name is not spelled as a URL spells it.
 */
export function readHosts(hosts: unknown): HostPolicy | undefined {
  if (hosts === undefined || hosts === "any" || typeof hosts === "function") {
    return hosts as HostPolicy | undefined;
  }
  if (!Array.isArray(hosts)) {
    throw new TypeError(
      `Cannot set hosts: it must be a list of host names such as ["example.com"], a function, or "any", not ${
        typeof hosts === "string" ? JSON.stringify(hosts) : hosts === null ? "null" : typeof hosts
      }`,
    );
  }
  if (hosts.length === 0) throw new TypeError("Cannot set hosts: the list is empty, so nobody could connect");
  const copied: readonly string[] = [...hosts];
  copied.forEach(checkName);
  return copied;
}

function checkName(host: unknown): void {
  const right = typeof host === "string" ? spelled(host) : undefined;
  if (right === host) return;
  const given = typeof host === "string" ? JSON.stringify(host) : typeof host;
  const hint = right === undefined ? `a name such as "example.com" or "[::1]"` : JSON.stringify(right);
  throw new TypeError(
    `Cannot set hosts: each must be a host name without a port; write ${hint}, not ${given}`,
  );
}

/** Spells a host as a URL does, without what is not part of it; `undefined` if it is none, or a pattern. */
function spelled(host: string): string | undefined {
  for (const url of [host, `http://${host}`, `http://[${host}]`]) {
    if (!/^https?:\/\/./i.test(url) || url.includes("*") || !URL.canParse(url)) continue;
    return new URL(url).hostname;
  }
  return undefined;
}

/**
 * Tells what hosts a server answers for if nobody said: for the names of the machine itself if it listens on those
 * only, else for any.
 *
 * @param listening The host name or address that it listens on; `undefined` where there is none, as on a unix socket.
 */
export function defaultHosts(listening: string | undefined): HostPolicy {
  const name = listening === undefined ? undefined : spelled(listening);
  return name !== undefined && isLoopback(name) ? isLoopback : "any";
}

/** Tells whether a host, as a URL spells it, is always the machine itself (RFC 6761 §6.3). */
function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" ||
    LOOPBACK_IPV4.test(host) ||
    // An IPv4 address as an IPv6 one (RFC 4291 §2.5.5.2): the first of its groups is 127 and something.
    /^\[::ffff:7f[0-9a-f]{2}:/.test(host);
}

/**
 * Tells whether a request may ask for its host. A request without one may, as HTTP/1.0 allows: many health checks are
 * such requests. It is no way in for a page, whatever its name resolves to: browsers always send a Host, and HTTP/1.1,
 * in which a request without one is refused. An upgrade needs 1.1, too.
 *
 * @param head The request, its host checked.
 * @param policy What is allowed.
 */
export function isAllowedHost(head: RequestHead, policy: HostPolicy): boolean {
  if (policy === "any") return true;
  const authority = requestAuthority(head);
  if (authority === undefined) return true;
  const { hostname } = new URL(`http://${authority}`);
  if (typeof policy !== "function") return policy.includes(hostname);
  const answer: unknown = policy(hostname);
  // An async function lets nobody in, and may also reject.
  isPromised(answer);
  return answer === true;
}
