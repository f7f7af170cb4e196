/**
 * Texts that regular expressions and careless parsers take forever for.
 *
 * @module
 */

import { test } from "node:test";
import { assert } from "#std/assert";
import { HandshakeError } from "../../lib/errors.ts";
import { parseTokenList } from "../../lib/handshake/grammar.ts";
import { RequestHeadParser } from "../../lib/handshake/head_parser.ts";
import { isAllowedOrigin } from "../../lib/handshake/origin.ts";
import { requestUrl } from "../../lib/handshake/request_url.ts";
import { checkUpgrade } from "../../lib/handshake/server_handshake.ts";
import { parseExtensions } from "../../lib/handshake/extensions.ts";
import { assertLinear, shortestTime } from "../support/linear.ts";
import { UPGRADE } from "../support/wire.ts";
import { latin1 } from "../vectors/splits.ts";

const SIZE = 16_384;

/** How long the value of one line may be. */
const LINE = 8_000;

/** Reads and judges a request with one more header, in as many lines as it needs, as a server does. */
function judge(name: string, value: string): void {
  let header = "";
  for (let at = 0; at < value.length; at += LINE) header += `\r\n${name}: ${value.slice(at, at + LINE)}`;
  const parser = new RequestHeadParser({ maxHeadSize: 4 * SIZE, maxHeaders: 10_000 });
  try {
    const head = parser.push(latin1(UPGRADE.replace("\r\n\r\n", `${header}\r\n\r\n`)))!;
    requestUrl(head, { secure: false });
    isAllowedOrigin(head, undefined);
    checkUpgrade(head);
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
  }
}

/** Reads a head whose bytes come one by one. */
function trickle(size: number): void {
  const parser = new RequestHeadParser({ maxHeadSize: 4 * SIZE, maxHeaders: 10_000 });
  const head = `GET / HTTP/1.1\r\n${"x: y\r\n".repeat(size / 6)}`;
  for (const byte of latin1(head)) parser.push(Uint8Array.of(byte));
}

/** The shortest time that a work takes, in milliseconds. */
const timeOf = (work: () => void): number => shortestTime(work, 10);

const patterns: Readonly<Record<string, (size: number) => void>> = {
  "a protocol behind spaces": (n) => judge("Sec-WebSocket-Protocol", `b${" ".repeat(n)}x`),
  "a list of commas": (n) => judge("Sec-WebSocket-Protocol", `a${",".repeat(n)}`),
  "a list of protocols": (n) =>
    judge("Sec-WebSocket-Protocol", `${Array.from({ length: n / 8 }, (_, i) => i).join(", ")}`),
  "a quoted string of escapes without end": (n) =>
    judge("Sec-WebSocket-Extensions", `a; b="${"\\c".repeat(n / 2)}`),
  "many parameters": (n) => judge("Sec-WebSocket-Extensions", `a${"; b=c".repeat(n / 5)}`),
  "many offers": (n) =>
    judge("Sec-WebSocket-Extensions", `${Array(n >> 4).fill("permessage-deflate").join(",")}`),
  "spaces around a comma": (n) => judge("Connection", `a${" \t".repeat(n / 4)},${" \t".repeat(n / 4)}b`),
  "spaces in front of a value": (n) => judge("X", `${" ".repeat(n)}y`),
  "spaces behind a value": (n) => judge("X", `y${" ".repeat(n)}z${" ".repeat(n)}`),
  "a long origin": (n) => judge("Origin", `http://${"a.".repeat(n / 2)}`),
  "an origin of slashes and colons": (n) => judge("Origin", `${"/:".repeat(n / 2)}`),
  "many headers of one name": (n) => judge("x", Array(n >> 3).fill("y").join("\r\nx: ")),
  "a token list that breaks at its end": (n) => void parseTokenList(`${"a ,".repeat(n / 3)}(`),
  "an extension list that breaks at its end": (n) => void parseExtensions(`${"a ;b ,".repeat(n / 6)}(`),
};

for (const [what, work] of Object.entries(patterns)) {
  test(`twice as much of ${what} takes twice the time`, () => assertLinear(work, SIZE));

  test(`${what} of 16 KiB takes less than 5 ms`, () => {
    const time = timeOf(() => work(SIZE));
    assert(time < 5, `it took ${time} ms`);
  });
}

test("twice as much of a head in chunks of a byte takes twice the time", () => assertLinear(trickle, SIZE));

test("a head of 16 KiB in chunks of a byte takes less than 50 ms", () => {
  const time = timeOf(() => trickle(SIZE));
  assert(time < 50, `it took ${time} ms`);
});
