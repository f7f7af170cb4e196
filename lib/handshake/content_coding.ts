/**
 * Telling whether a body is still coded as its Content-Encoding says. `fetch` decodes the body of its response, and
 * leaves the header as the server sent it.
 *
 * @module
 */

/** How a body begins in codings that have a mark (RFC 1952 §2.3.1, RFC 8878 §3.1.1). */
const MARKS: ReadonlyMap<string, readonly number[]> = new Map([
  ["gzip", [0x1f, 0x8b]],
  ["x-gzip", [0x1f, 0x8b]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
]);

/** The codings that `fetch` decodes, on one runtime or another, and that have no mark. */
const UNMARKED: ReadonlySet<string> = new Set(["br", "deflate"]);

/**
 * Tells whether the body has to be looked at.
 *
 * @param coding The value of Content-Encoding.
 * @param options `fetched`: whether the response came from `fetch`.
 */
export function mayBeDecoded(coding: string, { fetched }: { fetched: boolean }): boolean {
  const name = coding.toLowerCase();
  return MARKS.has(name) || (fetched && UNMARKED.has(name));
}

/**
 * Tells whether a body is still coded.
 *
 * @param coding The value of Content-Encoding, of which {@linkcode mayBeDecoded} is true.
 * @param start The first bytes of the body, at least one; none if it is empty or unknown.
 */
export function isCoded(coding: string, start: Uint8Array): boolean {
  const name = coding.toLowerCase();
  const mark = MARKS.get(name);
  if (mark !== undefined) return mark.every((byte, i) => i >= start.length || start[i] === byte);
  // All runtimes decode `br`. Deno does not decode `deflate`, which begins as zlib does (RFC 1950 §2.2).
  return name === "deflate" && start.length > 1 && (start[0]! & 15) === 8 &&
    (start[0]! * 256 + start[1]!) % 31 === 0;
}
