/**
 * Group 5: messages in fragments, and control frames between them.
 *
 * @module
 */

import {
  begin,
  binary,
  type Case,
  close,
  end,
  fails,
  fragments,
  frame,
  type FrameSpec,
  gets,
  more,
  ping,
  pong,
  row,
  send,
  sendEach,
  sendOctets,
  type Step,
  text,
} from "./case.ts";
import { binaryOf, textOf } from "./payloads.ts";

/** The three ways to write the same frames, in the order of the public list. */
const WAYS: readonly (readonly [name: string, write: (...frames: FrameSpec[]) => Step])[] = [
  ["in one write", send],
  ["frame by frame", sendEach],
  ["octet by octet", sendOctets],
];

/** A row for each way, numbered onwards. */
function threeWays(number: number, name: string, frames: readonly FrameSpec[], ...rest: Step[]): Case[] {
  return WAYS.map(([way, write], i) => row(`5.${number + i}`, `${name}, ${way}`, write(...frames), ...rest));
}

const HELLO = text("Hello, world!");
const TWO = [begin("fragment1"), end("fragment2")];
const WHOLE = gets(text("fragment1fragment2"));
const stray = "non-continuation payload";

/** Pings between fragments: the first must be answered before the message goes on. */
function patient(write: (...frames: FrameSpec[]) => Step): Step[] {
  return [
    write(begin("fragment1"), more("fragment2"), ping("pongme 1!")),
    gets(pong("pongme 1!")),
    write(more("fragment3"), more("fragment4"), ping("pongme 2!"), end("fragment5")),
    gets(pong("pongme 2!")),
    gets(text("fragment1fragment2fragment3fragment4fragment5")),
  ];
}

const listed: readonly Case[] = [
  row("5.1", "a Ping in two fragments", send(frame(0x09, "fragment1"), end("fragment2")), fails(1002)),
  row("5.2", "a Pong in two fragments", send(frame(0x0a, "fragment1"), end("fragment2")), fails(1002)),
  ...threeWays(3, "a text in two fragments", TWO, WHOLE),
  ...threeWays(
    6,
    "a text in two fragments, a Ping between",
    [begin("fragment1"), ping("ping payload"), end("fragment2")],
    gets(pong("ping payload")),
    WHOLE,
  ),
  ...threeWays(9, "a last fragment with nothing before it, and a text", [end(stray), HELLO], fails(1002)),
  ...threeWays(12, "a middle fragment with nothing before it, and a text", [more(stray), HELLO], fails(1002)),
  row("5.15", "a text in two fragments, a stray fragment, a text", ...[
    send(...TWO, more("fragment3"), text("fragment4")),
    gets(text("fragment1fragment2")),
    fails(1002),
  ]),
  ...[more("fragment1"), end("fragment1")].map((first, i) =>
    row(`5.${16 + i}`, `a ${i === 0 ? "middle" : "last"} fragment too many before each of two texts`, ...[
      send(first, begin("fragment2"), end("fragment3"), first, begin("fragment2"), end("fragment3")),
      fails(1002),
    ])
  ),
  row("5.18", "a text in two fragments that both say text", ...[
    send(begin("fragment1"), text("fragment2")),
    fails(1002),
  ]),
  row("5.19", "a text in five fragments, a Ping behind the second and the fourth", ...patient(send)),
  row("5.20", "the same, frame by frame", ...patient(sendEach)),
];

const MIXED = binary(binaryOf(1_000));

const ours: readonly Case[] = [
  row("5.+", "five fragments with Pings between, octet by octet", ...patient(sendOctets)),
  row(
    "5.+",
    "a text, its echo, then a stray last fragment",
    send(HELLO),
    gets(HELLO),
    send(end("x")),
    fails(1002),
  ),
  row(
    "5.+",
    "a text, its echo, then a stray middle fragment",
    send(HELLO),
    gets(HELLO),
    send(more("x")),
    fails(1002),
  ),
  row("5.+", "a fragmented text, its echo, then a stray last fragment", ...[
    send(...TWO),
    WHOLE,
    send(end("x")),
    fails(1002),
  ]),
  row("5.+", "binary data within a text", send(begin("fragment1"), binary("fragment2")), fails(1002)),
  row("5.+", "a text within binary data", send(frame(0x02, "fragment1"), begin("fragment2")), fails(1002)),
  row("5.+", "a Close in two fragments", send(frame(0x08, close(1000).payload), end()), fails(1002)),
  row("5.+", "binary data in fragments of 1 octet", send(...fragments(MIXED, 1)), gets(MIXED)),
  row(
    "5.+",
    "binary data in fragments of 7 octets, octet by octet",
    sendOctets(...fragments(MIXED, 7)),
    gets(MIXED),
  ),
  row("5.+", "two fragmented messages in one write", ...[
    send(...fragments(text(textOf(200)), 9), ...fragments(MIXED, 126)),
    gets(text(textOf(200))),
    gets(MIXED),
  ]),
  row("5.+", "a Pong that nobody asked for between two fragments", send(TWO[0]!, pong("!"), TWO[1]!), WHOLE),
  row("5.+", "a Close between two fragments", send(TWO[0]!, close(1000), TWO[1]!), gets(close(1000))),
];

/** The cases of group 5. */
export const FRAGMENTATION_CASES: readonly Case[] = [...listed, ...ours];
