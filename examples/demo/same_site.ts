/**
 * Tells the demo's own pages from those of other sites.
 *
 * @module
 */

/**
 * Tells whether a page of another site made a request that changes something.
 *
 * Any page may have a browser send a form here. The browser says so: older ones by `Origin`, newer ones by
 * `Sec-Fetch-Site`, too. What sends neither is no browser, and acts for nobody but whoever runs it.
 */
export function isFromAnotherSite({ method, url, headers }: Request): boolean {
  if (method === "GET" || method === "HEAD") return false;
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site !== "same-origin";
  const origin = headers.get("origin");
  if (origin === null) return false;
  // Behind a proxy that speaks TLS the scheme is another one; `null` is the origin of pages that hide theirs.
  return !URL.canParse(origin) || new URL(origin).host !== new URL(url).host;
}
