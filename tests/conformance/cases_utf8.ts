/**
 * Group 6: text that is UTF-8, and text that is not and must be refused at its first impossible octet.
 *
 * @module
 */

import { concat, fromHex, toHex } from "../vectors/hex.ts";
import {
  begin,
  type Case,
  end,
  fails,
  fragments,
  gets,
  more,
  octets,
  ping,
  pong,
  row,
  send,
  sendEach,
  sendOctets,
  sendPart,
  type Step,
  text,
} from "./case.ts";
import { readUtf8 } from "./utf8_grammar.ts";
import { UTF8_SECTIONS } from "./utf8_sequences.ts";

const UMLAUTS = text("Hello-µ@ßöäüàá-UTF-8!!");
/** With the accent of U+1F79: 11 octets. */
const KOSME = text("κ\u1f79σμε");

const empties: readonly Case[] = [
  row("6.1.1", "an empty text", send(text()), gets(text())),
  row("6.1.2", "three empty fragments", send(begin(), more(), end()), gets(text())),
  row("6.1.3", "a fragment between two empty ones", ...[
    send(begin(), more("middle frame payload"), end()),
    gets(text("middle frame payload")),
  ]),
];

const cuts: readonly Case[] = [
  row("6.2.1", "a text that is not ASCII", send(UMLAUTS), gets(UMLAUTS)),
  row("6.2.2", "the same in two fragments, cut between two characters", ...[
    send(begin("Hello-µ@ßöä"), end("üàá-UTF-8!!")),
    gets(UMLAUTS),
  ]),
  row("6.2.3", "the same in fragments of one octet", send(...fragments(UMLAUTS, 1)), gets(UMLAUTS)),
  row("6.2.4", "Greek in fragments of one octet", send(...fragments(KOSME, 1)), gets(KOSME)),
  row("6.+", "Greek in fragments of one octet, octet by octet, a Ping behind each", ...[
    sendOctets(...fragments(KOSME, 1).flatMap((spec) => [spec, ping()]).slice(0, -1)),
    ...Array.from(KOSME.payload.subarray(1), () => gets(pong())),
    gets(KOSME),
  ]),
];

/** U+FEFF is part of a text, wherever it is, and however long the text. */
const marks: readonly Case[] = ["\ufeff", "\ufeffa\ufeff", `\ufeff${"a".repeat(100)}`].flatMap((mark) => {
  const name = `U+FEFF before ${octets(mark).length - 3} octets`;
  return [
    row("6.+", name, send(text(mark)), gets(text(mark))),
    row("6.+", `${name}, in fragments of one octet`, send(...fragments(text(mark), 1)), gets(text(mark))),
  ];
});

const SURROGATE = text(concat([KOSME.payload, fromHex("eda080"), octets("edited")]));
const ABOVE = fromHex("f4908080");
const TOO_HIGH = text(concat([KOSME.payload, ABOVE, octets("edited")]));

const invalid: readonly Case[] = [
  row("6.3.1", "a surrogate within a text", send(SURROGATE), fails(1007)),
  row("6.3.2", "a surrogate within fragments of one octet", send(...fragments(SURROGATE, 1)), fails(1007)),
];

/** Sends one frame of the text in three parts, cut within its payload. The last part comes when it has failed. */
function inParts(first: number, second: number): Step[] {
  return [
    sendPart(TOO_HIGH, 0, first),
    sendPart(TOO_HIGH, first, second),
    fails(1007),
    sendPart(TOO_HIGH, second, TOO_HIGH.payload.length),
  ];
}

/** Sends the text in three fragments. The first one is good; the last one comes when it has failed. */
function inFragments(first: number, second: number): Step[] {
  const { payload } = TOO_HIGH;
  return [
    send(begin(payload.subarray(0, first)), ping("still good?")),
    gets(pong("still good?")),
    send(more(payload.subarray(first, second))),
    fails(1007),
    send(end(payload.subarray(second))),
  ];
}

/** None of these ends its message before the failure is seen. */
const failFast: readonly Case[] = [
  row("6.4.1", "U+110000 is the second of three fragments", ...inFragments(11, 15)),
  row("6.4.2", "the second of three fragments ends at its first impossible octet", ...inFragments(12, 13)),
  row("6.4.3", "U+110000 is the second of three parts of a frame", ...inParts(11, 15)),
  row("6.4.4", "the second of three parts ends at its first impossible octet", ...inParts(12, 13)),
  row("6.+", "one octet in the middle of a fragment, the octet before good", ...[
    sendEach(begin("a"), more("b")),
    sendPart(more(concat([octets("c"), ABOVE])), 0, 3),
    fails(1007),
  ]),
];

/** The rows of one sequence: as the public list has it, and cut where it shows most. */
function rowsOf(number: string, title: string, bytes: Uint8Array): Case[] {
  const hex = toHex(bytes);
  const name = `${title}: ${hex.length > 40 ? `${hex.slice(0, 40)}…` : hex}`;
  const reading = readUtf8(bytes);
  if (reading.type === "text") {
    return [
      row(number, name, send(text(bytes)), gets(text(bytes))),
      row("6.+", `${name}, one octet a fragment`, send(...fragments(text(bytes), 1)), gets(text(bytes))),
    ];
  }
  const at = reading.type === "neither" ? reading.at : bytes.length;
  const whole = row(number, `${name}, no text`, send(text(bytes)), fails(1007));
  const good: Step[] = [send(begin(bytes.subarray(0, at)), ping("still good?")), gets(pong("still good?"))];
  if (reading.type === "beginning") {
    return [
      whole,
      row("6.+", `${name}, ended too early by an empty fragment`, ...good, send(end()), fails(1007)),
    ];
  }
  const longer = text(concat([octets("κ"), bytes, octets("edited")]));
  return [
    whole,
    row("6.+", `${name}, its octet ${at + 1} a fragment`, ...[
      ...good,
      send(more(bytes.subarray(at, at + 1))),
      fails(1007),
      send(end(bytes.subarray(at + 1))),
    ]),
    row("6.+", `${name}, its octet ${at + 1} the last to be sent`, ...[
      sendPart(longer, 0, 2 + at),
      sendPart(longer, 2 + at, 2 + at + 1),
      fails(1007),
      sendPart(longer, 2 + at + 1, longer.payload.length),
    ]),
  ];
}

const sequences: readonly Case[] = UTF8_SECTIONS.flatMap(({ section, title, rows }) =>
  rows.flatMap(({ hex }, i) => rowsOf(`${section}.${i + 1}`, title, fromHex(hex)))
);

/** The cases of group 6. */
export const UTF8_CASES: readonly Case[] = [
  ...empties,
  ...cuts,
  ...marks,
  ...invalid,
  ...failFast,
  ...sequences,
];
