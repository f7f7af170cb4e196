/**
 * What an endpoint must make of frames where permessage-deflate was agreed on (RFC 7692 §6, §7.2).
 *
 * @module
 */

import { whole } from "./deflate_blocks.ts";
import { type FrameRow, lengthHex, rows, type Spec } from "./frames.ts";
import { fromHex, show, toHex } from "./hex.ts";

/** Rows that hold whether windows are kept or not. */
function both(name: string, section: string, wire: string, spec: Spec): FrameRow[] {
  return [false, true].flatMap((takeover) =>
    rows(`${name}, ${takeover ? "with" : "without"} takeover`, section, wire, { ...spec, takeover })
  );
}

const HELLO = "f2 48 cd c9 c9 07 00";
const PLAIN = "48656c6c6f";
const TEXT = 'text "Hello"';
const BINARY = `binary ${PLAIN}`;

/** A frame with its length, from its first byte and its payload; a `!` in that does not count. */
function frame(first: string, payload: string): string {
  return `${first} ${lengthHex(fromHex(payload.replace("!", "")).length)}: ${payload}`;
}

/** Text as a stored block, in hexadecimal: every byte of it comes out as soon as it is in. */
function stored(hex: string): string {
  const { length } = fromHex(hex.replace("!", ""));
  const [low, high] = [length & 0xff, length >> 8];
  return `00 ${toHex(Uint8Array.of(low, high, ~low, ~high))} ${hex}`;
}

const samples: FrameRow[] = [
  ...both("one block", "RFC 7692 §7.2.3.1", "c1 07: f2 48 cd c9 c9 07 00", { events: [TEXT] }),
  ...both("one block in fragments", "RFC 7692 §7.2.3.1", "41 03: f2 48 cd; 80 04: c9 c9 07 00", {
    events: [TEXT],
  }),
  ...rows("a shared window", "RFC 7692 §7.2.3.2", `c1 07: ${HELLO}; c1 05: f2 00 11 00 00`, {
    takeover: true,
    events: [TEXT, TEXT],
  }),
  ...both("no shared window", "RFC 7692 §7.2.3.2", `c1 07: ${HELLO}; c1 07: ${HELLO}`, {
    events: [TEXT, TEXT],
  }),
  ...both("a block without compression", "RFC 7692 §7.2.3.3", "c1 0b: 00 05 00 fa ff 48 65 6c 6c 6f 00", {
    events: [TEXT],
  }),
  ...both("a block with BFINAL", "RFC 7692 §7.2.3.4", "c1 08: f3 48 cd c9 c9 07 00 00", { events: [TEXT] }),
  ...both("two blocks", "RFC 7692 §7.2.3.5", "c1 0d: f2 48 05 00 00 00 ff ff ca c9 c9 07 00", {
    events: [TEXT],
  }),
  ...both(
    "an empty last fragment",
    "RFC 7692 §7.2.3.6",
    "41 0b: f2 48 cd c9 c9 07 00 00 00 ff ff; 80 01: 00",
    {
      events: [TEXT],
    },
  ),
];

const messages: FrameRow[] = [
  ...both("text and binary", "RFC 7692 §6", `c1 07: ${HELLO}; c2 07: ${HELLO}; c1 07: ${HELLO}`, {
    events: [TEXT, BINARY, TEXT],
  }),
  ...both(
    "messages that are not compressed",
    "RFC 7692 §6",
    `81 05: ${PLAIN}; 82 05: ${PLAIN}; 01 00; 80 05: ${PLAIN}`,
    {
      events: [TEXT, BINARY, TEXT],
    },
  ),
  ...both(
    "compressed messages and others in turns",
    "RFC 7692 §6",
    `c1 07: ${HELLO}; 02 01: 48; 80 04: 656c6c6f; 41 07: ${HELLO}; 80 00; 81 05: ${PLAIN}; c2 07: ${HELLO}`,
    { events: [TEXT, BINARY, TEXT, TEXT, BINARY] },
  ),
  ...rows(
    "a message that is not compressed is not in the window",
    "RFC 7692 §7.2.2",
    `c1 07: ${HELLO}; 81 06: 776f726c6421; c1 05: f2 00 11 00 00`,
    { takeover: true, events: [TEXT, 'text "world!"', TEXT] },
  ),
  ...both(
    "control frames between compressed fragments",
    "RFC 6455 §5.5",
    "41 01: f2; 89 02: 6869; 00 00; 00 02: 48cd; 8a 01: 31; 80 04: c9c90700",
    { events: ["pong 31", TEXT], sent: ["8a 6869"] },
  ),
  ...["", "00", "0200", "010000ffff", "01", "0300"].flatMap((form) =>
    both(
      `an empty message as ${form === "" ? "no bytes" : form}`,
      "RFC 7692 §7.2.3.6",
      `${frame("c1", form)}; ${frame("c2", form)}; 41 00; ${frame("80", form)}; c1 07: ${HELLO}`,
      { events: ['text ""', "binary ", 'text ""', TEXT] },
    )
  ),
  ...both(
    "a code point over compressed fragments",
    "RFC 6455 §8.1",
    "41 06: 00 03 00 fc ff e2; 00 01: 82; 80 02: ac 00",
    { events: ['text "€"'] },
  ),
  ...both("a Close between compressed fragments", "RFC 6455 §5.5.1", "41 03: f248cd; 88 02: 03e8", {
    events: ['close 1000 ""'],
    sent: ["88 03e8"],
  }),
  ...both(
    "what is compressed behind our Close is not looked at",
    "RFC 6455 §1.4",
    `c1 04: deadbeef; 41 01: 06; 80 00; c1 07: ${HELLO}; 88 02: 03e9`,
    {
      closing: true,
      events: ['close 1001 ""'],
    },
  ),
  ...both("1,025 empty compressed fragments", "RFC 6455 §10.4", `41 00; ${"00 00; ".repeat(1_023)}00 00!`, {
    error: "too-many-empty-fragments",
  }),
];

const headers: FrameRow[] = [
  ...["c8", "c9", "ca"].flatMap((first) =>
    both(`RSV1 on the control frame ${first}`, "RFC 7692 §6", `c1 07: ${HELLO}; ${first} 00!`, {
      events: [TEXT],
      error: "reserved-bit",
    })
  ),
  ...both("RSV1 on a continuation", "RFC 7692 §6", "41 03: f248cd; c0 04!: c9c90700", {
    error: "reserved-bit",
  }),
  ...both("RSV1 on an unfinished continuation", "RFC 7692 §6", "41 03: f248cd; 40 04!: c9c90700", {
    error: "reserved-bit",
  }),
  ...both("RSV1 on the continuation of what is not compressed", "RFC 7692 §6", `01 00; c0 07!: ${HELLO}`, {
    error: "reserved-bit",
  }),
  ...both("RSV1 on a continuation first", "RFC 7692 §6", `c0 07!: ${HELLO}`, { error: "reserved-bit" }),
  ...["a1", "91", "e1", "d1", "b2"].flatMap((first) =>
    both(`RSV2 or RSV3 in ${first}`, "RFC 6455 §5.2", `${first} 07!: ${HELLO}`, { error: "reserved-bit" })
  ),
  ...both("RSV1 on a reserved opcode", "RFC 7692 §6", `c3 07!: ${HELLO}`, { error: "reserved-bit" }),
  ...both("a continuation behind a compressed message", "RFC 6455 §5.4", `c1 07: ${HELLO}; 80 01!: 00`, {
    events: [TEXT],
    error: "unexpected-continuation",
  }),
  ...both(
    "a compressed message inside a compressed one",
    "RFC 6455 §5.4",
    `41 03: f248cd; c1 07!: ${HELLO}`,
    {
      error: "expected-continuation",
    },
  ),
  ...both("a compressed message inside another", "RFC 6455 §5.4", `01 01: 61; c1 07!: ${HELLO}`, {
    error: "expected-continuation",
  }),
  ...both("a message inside a compressed one", "RFC 6455 §5.4", `41 03: f248cd; 81 01!: 61`, {
    error: "expected-continuation",
  }),
];

/** Payloads that are not valid; `!` behind the byte that shows it, at the end where only that does. */
const BROKEN: readonly (readonly [name: string, payload: string])[] = [
  ["a reserved block type", "06! 00 00"],
  ["garbage", "de! ad be ef"],
  ["a reserved block type behind a good block", "f2 48 cd c9 c9 07 00 00 00 ff ff 06! 00"],
  ["a stored block whose lengths do not agree", "00 02 00 fd fe! 61 61 00"],
  ["an unfinished stored block", "00 64 00 9b ff 61*50!"],
  ["an unfinished Huffman block", "f2 48 cd c9!"],
  ["a tail that was not cut off", "00 00 00 ff ff!"],
  ["BFINAL, then garbage", "f3 48 cd c9 c9 07 00 de! ad be ef"],
];

const broken: FrameRow[] = [
  ...BROKEN.flatMap(([name, payload]) => [
    ...both(`${name}, as text`, "RFC 7692 §7.2.2", frame("c1", payload), { error: "invalid-deflate" }),
    ...both(
      `${name}, as binary behind a good message`,
      "RFC 7692 §7.2.2",
      `c2 07: ${HELLO}; ${frame("c2", payload)}`,
      {
        events: [BINARY],
        error: "invalid-deflate",
      },
    ),
    ...both(
      `${name}, in fragments`,
      "RFC 7692 §7.2.2",
      `42 00; ${frame("00", "00 00 00 ff ff")}; ${frame("80", payload)}`,
      {
        error: "invalid-deflate",
      },
    ),
  ]),
  ...both(
    "garbage in a fragment that is not the last",
    "RFC 7692 §7.2.2",
    "42 05: 00 00 00 ff ff; 00 02: 06! 00; 80 00",
    { error: "invalid-deflate" },
  ),
  ...both(
    "fragments that end in the middle of a block",
    "RFC 7692 §7.2.2",
    "41 03: f248cd; 00 01: c9; 80 00: !",
    {
      error: "invalid-deflate",
    },
  ),
  ...rows("a window that is not kept", "RFC 7692 §7.1.1", `c1 07: ${HELLO}; c1 05: f2 00 11 00 00`, {
    takeover: false,
    events: [TEXT],
    error: "invalid-deflate",
  }),
];

const texts: FrameRow[] = [
  ...both("compressed text that is no UTF-8", "RFC 6455 §8.1", frame("c1", `${stored("61 ff! 61 61")} 00`), {
    error: "invalid-utf8",
  }),
  ...both(
    "compressed text that is no UTF-8, in a fragment that is not the last",
    "RFC 6455 §8.1",
    frame("41", stored("61 ff! 61 61")),
    { error: "invalid-utf8" },
  ),
  ...both(
    "compressed text that is no UTF-8, in a later fragment",
    "RFC 6455 §8.1",
    `41 05: 00 02 00 fd ff; 00 01: c3; 00 02: 28! 00`,
    { error: "invalid-utf8" },
  ),
  ...both(
    "compressed text that ends within a code point",
    "RFC 6455 §8.1",
    frame("c1", `${stored("e2 82")} 00!`),
    {
      error: "invalid-utf8",
    },
  ),
  ...both(
    "compressed fragments that end within a code point",
    "RFC 6455 §8.1",
    `${frame("41", stored("e2 82"))}; 00 01: 00; 80 00: !`,
    { error: "invalid-utf8" },
  ),
  ...both(
    "bytes that are no text, as compressed binary",
    "RFC 6455 §5.6",
    frame("c2", `${stored("ff c0 ed a0")} 00`),
    {
      events: ["binary ffc0eda0"],
    },
  ),
];

/** Messages with two faults: the first counts, however they are cut. */
const twofold: FrameRow[] = [
  ...both("bad UTF-8 before the limit", "RFC 6455 §8.1", frame("c1", `${stored("61 ff! 61 61 61 61")} 00`), {
    limits: { maxMessageSize: 4 },
    error: "invalid-utf8",
  }),
  ...both(
    "bad UTF-8 as the last byte before the limit",
    "RFC 6455 §8.1",
    frame("c1", `${stored("61 61 ff! 61")} 00`),
    {
      limits: { maxMessageSize: 3 },
      error: "invalid-utf8",
    },
  ),
  ...both("the limit before bad UTF-8", "RFC 6455 §10.4", frame("c1", `${stored("61 61! ff 61 61 61")} 00`), {
    limits: { maxMessageSize: 1 },
    error: "message-too-big",
    inHeader: false,
  }),
  ...both(
    "bad UTF-8 in a fragment before the limit",
    "RFC 6455 §8.1",
    frame("41", stored("61 ff! 61 61 61 61")),
    {
      limits: { maxMessageSize: 4 },
      error: "invalid-utf8",
    },
  ),
  ...both(
    "bad UTF-8, and the message lacks its end",
    "RFC 6455 §8.1",
    frame("c1", `${stored("61 ff! 61 61")} 00 05`),
    {
      error: "invalid-utf8",
    },
  ),
];

const ZEROS = toHex(whole([{ fixed: ["\0", ...Array.from({ length: 39 }, () => [258, 1] as const)] }]));
const SIZE = 1 + 39 * 258;
const zeros = `binary ${show(new Uint8Array(SIZE))}`;

const limits: FrameRow[] = [
  ...both("a compressed message of just the limit", "RFC 6455 §10.4", `c1 07: ${HELLO}; c2 07: ${HELLO}`, {
    limits: { maxMessageSize: 5 },
    events: [TEXT, BINARY],
  }),
  ...both("a compressed message one byte over the limit", "RFC 6455 §10.4", `81 04: 61*4; c1 07: ${HELLO}`, {
    limits: { maxMessageSize: 4 },
    events: ['text "aaaa"'],
    error: "message-too-big",
    inHeader: false,
  }),
  ...both(
    "a compressed message that passes the limit in its middle",
    "RFC 6455 §10.4",
    frame("c2", `${stored("61 61 61 61 61! 61 61")} 00`),
    {
      limits: { maxMessageSize: 4 },
      error: "message-too-big",
      inHeader: false,
    },
  ),
  ...both(
    "compressed fragments of just the limit",
    "RFC 6455 §10.4",
    "42 07: 00 04 00 fb ff 61 61; 89 14: 62*20; 00 01: 61; 80 02: 61 00; c2 06: 00 00 00 ff ff 00",
    {
      limits: { maxMessageSize: 4 },
      events: ["binary 61616161", "binary "],
      sent: [`8a ${"62".repeat(20)}`],
    },
  ),
  ...both(
    "the compressed fragment that passes the limit",
    "RFC 6455 §10.4",
    "42 07: 00 05 00 fa ff 61 61; 00 02: 61 61; 00 01: 61!",
    {
      limits: { maxMessageSize: 4 },
      error: "message-too-big",
      inHeader: false,
    },
  ),
  ...both(
    "little that becomes just the limit",
    "RFC 6455 §10.4",
    `${frame("c2", ZEROS)}; ${frame("c2", ZEROS)}`,
    {
      limits: { maxMessageSize: SIZE },
      events: [zeros, zeros],
    },
  ),
  ...both("little that becomes one byte more than the limit", "RFC 6455 §10.4", frame("c2", ZEROS), {
    limits: { maxMessageSize: SIZE - 1 },
    error: "message-too-big",
    inHeader: false,
  }),
  ...both(
    "more bytes on the wire than the limit, that become none",
    "RFC 6455 §10.4",
    `${frame("c2", `${"00 00 00 ff ff ".repeat(8)} 00`)}; c2 07: ${HELLO}`,
    {
      limits: { maxMessageSize: 10 },
      events: ["binary ", BINARY],
    },
  ),
  ...both(
    "far more bytes on the wire than any compressor makes of the limit",
    "RFC 6455 §10.4",
    "c2 7e 0800!: 61*2048",
    {
      limits: { maxMessageSize: 10 },
      error: "message-too-big",
    },
  ),
  ...both(
    "compressed fragments that are far more on the wire than any compressor makes",
    "RFC 6455 §10.4",
    `42 7e 0400: ${"0000 00ff ff".replaceAll(" ", "")}*204 0000 00ff; 89 00; 00 7e 0400!: 61`,
    {
      limits: { maxMessageSize: 10 },
      error: "message-too-big",
      sent: ["8a "],
    },
  ),
  ...both(
    "a message that is not compressed, declared one byte over the limit",
    "RFC 6455 §10.4",
    `c2 07: ${HELLO}; 82 0b!: 61*11`,
    {
      limits: { maxMessageSize: 10 },
      events: [BINARY],
      error: "message-too-big",
    },
  ),
  ...both(
    "fragments that are not compressed, behind a message that is",
    "RFC 6455 §10.4",
    `42 07: ${HELLO}; 80 00; 02 06: 61*6; 80 05!: 61*5`,
    {
      limits: { maxMessageSize: 10 },
      events: [BINARY],
      error: "message-too-big",
    },
  ),
];

/** All rows. */
export const DEFLATE_ROWS: readonly FrameRow[] = [
  ...samples,
  ...messages,
  ...headers,
  ...broken,
  ...texts,
  ...twofold,
  ...limits,
];
