/**
 * Group 7: the closing handshake, and what a Close may hold.
 *
 * @module
 */

import { concat, fromHex } from "../vectors/hex.ts";
import {
  begin,
  type Case,
  close,
  end,
  fails,
  gets,
  octets,
  ping,
  rawClose,
  row,
  send,
  sendEach,
  sendOctets,
  text,
} from "./case.ts";
import { textOf } from "./payloads.ts";

const HELLO = text("Hello World!");
const BIG = text(textOf(256 * 1_024));
const LONGEST = "*".repeat(123);

/** Whatever follows a Close, there is one Close in answer, and nothing behind it. */
const order: readonly Case[] = [
  row("7.1.1", "a text, its echo, a Close", send(HELLO), gets(HELLO), send(close(1000)), gets(close(1000))),
  row("7.1.2", "a Close, and another", send(close(1000), close(1000)), gets(close(1000))),
  row("7.1.3", "a Ping behind a Close", send(close(1000), ping()), gets(close(1000))),
  row("7.1.4", "a text behind a Close", send(close(1000), HELLO), gets(close(1000))),
  row("7.1.5", "a Close between two fragments", ...[
    send(begin("fragment1"), close(1000), end("fragment2")),
    gets(close(1000)),
  ]),
  row("7.1.6", "256 KiB of text, a text, a Close and a Ping", ...[
    send(BIG, HELLO, close(1000), ping()),
    gets(BIG),
    gets(HELLO),
    gets(close(1000)),
  ]),
  row("7.+", "a Close, its answer, then a text, a Ping and a Close", ...[
    send(close(1000)),
    gets(close(1000)),
    sendEach(HELLO, ping(), close(1001)),
  ]),
  row(
    "7.+",
    "what is no frame behind a Close",
    send(close(1000), text(fromHex("ff")), end()),
    gets(close(1000)),
  ),
  row("7.+", "a Close, octet by octet", sendOctets(close(1001, "bye — süß")), gets(close(1001, "bye — süß"))),
];

const BAD_REASON = concat([octets("κόσμε"), fromHex("eda080"), octets("edited")]);

const payloads: readonly Case[] = [
  row("7.3.1", "a Close without a code", send(rawClose()), gets(rawClose())),
  row("7.3.2", "a Close of 1 octet", send(rawClose("a")), fails(1002)),
  // With a zero behind it, 0c would be a code of its own: 3072.
  row("7.+", "a Close of the octet 0c", send(rawClose(fromHex("0c"))), fails(1002)),
  row("7.3.3", "a Close with a code", send(close(1000)), gets(close(1000))),
  row("7.3.4", "a Close with a reason", send(close(1000, "Hello World!")), gets(close(1000, "Hello World!"))),
  row("7.3.5", "a Close of 125 octets", send(close(1000, LONGEST)), gets(close(1000, LONGEST))),
  row("7.3.6", "a Close of 126 octets", send(close(1000, `${LONGEST}*`)), fails(1002)),
  row("7.5.1", "a reason that is no text", send(close(1000, BAD_REASON)), fails(1007)),
  ...["ff", "c0af", "eda080", "f4908080", "ceba e1bd"].map((hex) =>
    row("7.+", `the reason ${hex}`, send(close(1000, fromHex(hex))), fails(1007))
  ),
];

/** The first 13 and 9 in the order of the public list; then what it leaves out. */
const VALID = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
const INVALID = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
const MORE_VALID = [1012, 1013, 1014, 3500, 4500];
const MORE_INVALID = [1, 998, 1015, 1017, 2500, 5001, 32_768, 65_534];

const accepted = (number: string, code: number): Case[] => [
  row(number, `code ${code}`, send(close(code)), gets(close(code))),
  row("7.+", `code ${code} with a reason`, send(close(code, "why — süß")), gets(close(code, "why — süß"))),
];
const refused = (number: string, code: number): Case[] => [
  row(number, `code ${code}, not allowed`, send(close(code)), fails(1002)),
  row("7.+", `code ${code}, not allowed, with a reason`, send(close(code, "why")), fails(1002)),
];

const codes: readonly Case[] = [
  ...VALID.flatMap((code, i) => accepted(`7.7.${i + 1}`, code)),
  ...MORE_VALID.flatMap((code) => accepted("7.+", code)),
  ...INVALID.flatMap((code, i) => refused(`7.9.${i + 1}`, code)),
  ...MORE_INVALID.flatMap((code) => refused("7.+", code)),
  ...[5_000, 65_535].flatMap((code, i) => refused(`7.13.${i + 1}`, code)),
];

/** The cases of group 7. */
export const CLOSE_CASES: readonly Case[] = [...order, ...payloads, ...codes];
