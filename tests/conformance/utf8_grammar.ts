/**
 * The grammar of UTF-8 as RFC 3629 §4 prints it, to tell where octets stop being the beginning of a text.
 *
 * @module
 */

type Range = readonly [from: number, to: number];

const TAIL: Range = [0x80, 0xbf];

/** UTF8-1 to UTF8-4. */
const CHARACTERS: readonly (readonly Range[])[] = [
  [[0x00, 0x7f]],
  [[0xc2, 0xdf], TAIL],
  [[0xe0, 0xe0], [0xa0, 0xbf], TAIL],
  [[0xe1, 0xec], TAIL, TAIL],
  [[0xed, 0xed], [0x80, 0x9f], TAIL],
  [[0xee, 0xef], TAIL, TAIL],
  [[0xf0, 0xf0], [0x90, 0xbf], TAIL, TAIL],
  [[0xf1, 0xf3], TAIL, TAIL, TAIL],
  [[0xf4, 0xf4], [0x80, 0x8f], TAIL, TAIL],
];

/** What octets are: a text, the beginning of one, or neither from the octet at `at` on. */
export type Reading =
  | { readonly type: "text" }
  | { readonly type: "beginning" }
  | { readonly type: "neither"; readonly at: number };

/** Reads octets by the grammar. */
export function readUtf8(bytes: Uint8Array): Reading {
  let candidates = CHARACTERS;
  let depth = 0;
  for (const [at, octet] of bytes.entries()) {
    candidates = candidates.filter((ranges) => octet >= ranges[depth]![0] && octet <= ranges[depth]![1]);
    depth++;
    if (candidates.length === 0) return { type: "neither", at };
    if (candidates[0]!.length === depth) {
      candidates = CHARACTERS;
      depth = 0;
    }
  }
  return { type: depth === 0 ? "text" : "beginning" };
}
