/**
 * The grammar of HTTP/1.1 heads as tables: in this state, this byte leads to that state (RFC 9112 §2 to §5).
 *
 * It is strict where leniency lets two parsers read two different requests: bare LF and CR, folded lines, white space
 * around names, and control characters are faults.
 *
 * @module
 */

import type { HandshakeErrorCode } from "../errors.ts";
import { bytesOf, DIGIT, FIELD, TOKEN, VISIBLE } from "./octets.ts";

/** The byte cannot stand here. */
export const MALFORMED = 0;
/** It completes a version other than those that are spoken. */
export const WRONG_VERSION = 1;
/** It ends the head. */
export const DONE = 2;
/** The next byte begins a header line, or the empty line. All states above {@linkcode HEADERS_END} are in the first line. */
export const LINE_START = 3;
/** The highest number of a state behind the first line. */
export const HEADERS_END = 7;
/** The state before the first byte. */
export const START = 8;

/** The states that have a number of their own; others are numbered as they come. */
const NUMBERED = [
  "malformed",
  "wrong version",
  "done",
  "line",
  "name",
  "value",
  "value LF",
  "end LF",
  "start",
];

/** In which state which bytes, a class of them or those of a text, lead to which state. A later row overrides an earlier. */
type Row = readonly [state: string, bytes: number | string, next: string];

/** What is read, and the faults that it may have. */
export interface HeadGrammar {
  /** The next state, at `state * 256 + byte`. */
  readonly next: Uint8Array;
  /** The fault of a first line with a byte that cannot stand where it does. */
  readonly malformed: HandshakeErrorCode;
  /** The fault of a first line without end. */
  readonly overflow: HandshakeErrorCode;
}

const HEADER_LINES: readonly Row[] = [
  ["line", TOKEN, "name"],
  ["line", "\r", "end LF"],
  ["name", TOKEN, "name"],
  // No white space before it or after the name: request smuggling is made of that (RFC 9112 §5.1).
  ["name", ":", "value"],
  ["value", FIELD, "value"],
  ["value", "\r", "value LF"],
  ["value LF", "\n", "line"],
  ["end LF", "\n", "done"],
];

/** `HTTP/1.x`, where `minors` are the values of x that are spoken (RFC 9112 §2.3). */
const versionRows = (first: string, minors: string, next: string): readonly Row[] => [
  [first, "H", "HT"],
  ["HT", "T", "HTT"],
  ["HTT", "T", "HTTP"],
  ["HTTP", "P", "slash"],
  ["slash", "/", "major"],
  ["major", DIGIT, "other dot"],
  ["major", "1", "dot"],
  ["dot", ".", "minor"],
  ["minor", DIGIT, "wrong version"],
  ["minor", minors, next],
  ["other dot", ".", "other minor"],
  ["other minor", DIGIT, "wrong version"],
];

/** `METHOD SP target SP HTTP/1.x CRLF`, with one empty line allowed before it (RFC 9112 §2.2, §3). */
export const REQUEST: HeadGrammar = {
  malformed: "request-line",
  overflow: "target-too-long",
  next: tableOf([
    ["start", TOKEN, "method"],
    ["start", "\r", "blank LF"],
    ["blank LF", "\n", "first"],
    ["first", TOKEN, "method"],
    ["method", TOKEN, "method"],
    ["method", " ", "target start"],
    ["target start", VISIBLE, "target"],
    ["target", VISIBLE, "target"],
    ["target", " ", "version"],
    ...versionRows("version", "01", "CR"),
    ["CR", "\r", "LF"],
    ["LF", "\n", "line"],
  ]),
};

/** `HTTP/1.1 SP 3DIGIT SP reason CRLF`; an empty reason may leave out its space (RFC 9112 §4). */
export const RESPONSE: HeadGrammar = {
  malformed: "status-line",
  overflow: "head-too-large",
  next: tableOf([
    ...versionRows("start", "1", "space"),
    ["space", " ", "status"],
    // Nothing below 100 is a status (RFC 9110 §15).
    ["status", "123456789", "status 2"],
    ["status 2", DIGIT, "status 3"],
    ["status 3", DIGIT, "status end"],
    // The grammar demands the space; servers without a reason leave it out.
    ["status end", " ", "reason"],
    ["status end", "\r", "LF"],
    ["reason", FIELD, "reason"],
    ["reason", "\r", "LF"],
    ["LF", "\n", "line"],
  ]),
};

function tableOf(firstLine: readonly Row[]): Uint8Array {
  const rows = [...HEADER_LINES, ...firstLine];
  const states = [...new Set([...NUMBERED, ...rows.map(([state]) => state)])];
  const next = new Uint8Array(states.length * 256);
  for (const [from, bytes, to] of rows) {
    for (const byte of bytesOf(bytes)) next[states.indexOf(from) * 256 + byte] = states.indexOf(to);
  }
  return next;
}
