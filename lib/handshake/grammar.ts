/**
 * Reads the few grammars that the handshake's headers have: tokens, and lists of them.
 *
 * Everything here takes one walk over the text: no regular expression ever meets what a peer wrote.
 *
 * @module
 */

import { FIELD, HTAB, isAll, SP, TOKEN } from "./octets.ts";

/**
 * Tells whether a text is a token (RFC 9110 §5.6.2).
 *
 * @param text What to look at.
 * @returns Whether it is one or more token characters.
 */
export function isToken(text: string): boolean {
  return isAll(text, TOKEN);
}

/**
 * Tells whether a text can stand as a header value: no control character but HTAB, nothing above U+00FF.
 *
 * @param text What to look at; may be empty.
 * @returns Whether it can be sent (RFC 9110 §5.5).
 */
export function isFieldValue(text: string): boolean {
  return text === "" || isAll(text, FIELD);
}

/**
 * Parses `1#token`, the grammar of `Sec-WebSocket-Protocol` (RFC 6455 §4.3), without its legacy of empty elements.
 *
 * @param value The header's value; several headers joined with commas count as one.
 * @returns The tokens in their order, or undefined where the grammar is broken: `a,,b`, `a b`, `"a"`, nothing at all.
 */
export function parseTokenList(value: string): string[] | undefined {
  const tokens: string[] = [];
  for (let start = 0, end: number; start <= value.length; start = end + 1) {
    end = elementEnd(value, start);
    const token = trimElement(value, start, end);
    if (!isToken(token)) return undefined;
    tokens.push(token);
  }
  return tokens;
}

/**
 * Tells whether a comma-separated list names a token, whatever its case; empty elements are passed over.
 *
 * @param value The header's value (`keep-alive, Upgrade`), or undefined when there is none.
 * @param token The token to look for, in lower case.
 * @returns Whether one element is that token.
 */
export function listHas(value: string | undefined, token: string): boolean {
  if (value === undefined) return false;
  for (let start = 0, end: number; start <= value.length; start = end + 1) {
    end = elementEnd(value, start);
    if (trimElement(value, start, end).toLowerCase() === token) return true;
  }
  return false;
}

function elementEnd(value: string, start: number): number {
  const comma = value.indexOf(",", start);
  return comma < 0 ? value.length : comma;
}

/** `String.prototype.trim` would take U+00A0 for white space; HTTP's is SP and HTAB (RFC 9110 §5.6.3). */
function trimElement(value: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isSpace(value.charCodeAt(start))) start++;
  while (start < end && isSpace(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === SP || code === HTAB;
}
