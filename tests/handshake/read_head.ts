import { HandshakeError } from "../../lib/errors.ts";
import { RequestHeadParser, ResponseHeadParser } from "../../lib/handshake/head_parser.ts";
import type { HeadLimits, RequestHead, ResponseHead } from "../../lib/handshake/head_parser.ts";
import { latin1 } from "../vectors/splits.ts";

/** What became of a head: `used` is how many bytes it took until that was clear. */
export type Reading<Head> =
  | { head: Head; rest: Uint8Array; used: number }
  | { fault: HandshakeError; used: number }
  | { incomplete: true; used: number };

interface Parser<Head> {
  push(chunk: Uint8Array): Head | undefined;
  readonly rest: Uint8Array;
}

/** Feeds a parser until it is done; errors other than HandshakeError are thrown on. */
export function readHead<Head>(parser: Parser<Head>, chunks: readonly Uint8Array[]): Reading<Head> {
  let used = 0;
  for (const [i, chunk] of chunks.entries()) {
    used += chunk.length;
    // A parser must not rely on a chunk that it was done with.
    const reused = chunk.slice();
    try {
      const head = parser.push(reused);
      if (head !== undefined) {
        const rest = join([parser.rest, ...chunks.slice(i + 1)]);
        return { head, rest, used: used - parser.rest.length };
      }
    } catch (error) {
      if (error instanceof HandshakeError) return { fault: error, used };
      throw error;
    }
    reused.fill(0);
  }
  return { incomplete: true, used };
}

/** The head of a request that is right and whole, with its text given. */
export function requestHead(text: string, limits?: HeadLimits): RequestHead {
  const head = new RequestHeadParser(limits).push(latin1(text));
  if (head === undefined) throw new Error("The head is not complete");
  return head;
}

/** The head of a response that is right and whole, with its text given. */
export function responseHead(text: string): ResponseHead {
  const head = new ResponseHeadParser().push(latin1(text));
  if (head === undefined) throw new Error("The head is not complete");
  return head;
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks;
  if (chunks.length === 1 && first !== undefined) return first;
  const joined = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}
