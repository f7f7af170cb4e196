/**
 * What must be made of the payloads of compressed messages (RFC 7692 §7.2), the RFC's samples first.
 *
 * @module
 */

import { type Block, whole, writeBlocks } from "./deflate_blocks.ts";
import { toHex } from "./hex.ts";

/** Messages of one connection in a row, and what must come of them. */
export interface PayloadRow {
  name: string;
  section: string;
  /** Whether messages may refer to earlier ones. */
  takeover: boolean;
  /** The payloads, and the texts that they stand for, one latin-1 character a byte; `undefined`: it is not valid. */
  messages: readonly (readonly [hex: string, text: string | undefined])[];
}

type Messages = PayloadRow["messages"];

function row(
  name: string,
  messages: Messages,
  more: { section?: string; takeover?: boolean } = {},
): PayloadRow {
  return { name, section: more.section ?? "RFC 7692 §7.2.2", takeover: more.takeover ?? false, messages };
}

/** A row for each of the two settings: what happens within one message is the same for both. */
function both(name: string, messages: Messages, section?: string): PayloadRow[] {
  return [false, true].map((takeover) => row(name, messages, { takeover, ...section && { section } }));
}

const hex = (blocks: readonly Block[]): string => toHex(whole(blocks));
const unfinished = (blocks: readonly Block[]): string => toHex(writeBlocks(blocks));

export const HELLO_HEX = "f2 48 cd c9 c9 07 00";

/** Whatever became of the message before it, this one must be understood. */
const GOOD = [HELLO_HEX, "Hello"] as const;

const samples: PayloadRow[] = [
  ...both("one block", [[HELLO_HEX, "Hello"]], "RFC 7692 §7.2.3.1"),
  row("the same message twice, the second refers to the first", [
    [HELLO_HEX, "Hello"],
    ["f2 00 11 00 00", "Hello"],
  ], { section: "RFC 7692 §7.2.3.2", takeover: true }),
  ...both(
    "the same message twice, the second refers to nothing",
    [[HELLO_HEX, "Hello"], [HELLO_HEX, "Hello"]],
    "RFC 7692 §7.2.3.2",
  ),
  ...both(
    "a block without compression",
    [["00 05 00 fa ff 48 65 6c 6c 6f 00", "Hello"]],
    "RFC 7692 §7.2.3.3",
  ),
  ...both("a block with BFINAL", [["f3 48 cd c9 c9 07 00 00", "Hello"]], "RFC 7692 §7.2.3.4"),
  ...both("two blocks", [["f2 48 05 00 00 00 ff ff ca c9 c9 07 00", "Hello"]], "RFC 7692 §7.2.3.5"),
  ...both("an empty block alone", [["00", ""]], "RFC 7692 §7.2.3.6"),
];

const empties: PayloadRow[] = [
  ...["", "00", "02 00", "01 00 00 ff ff", "01", "03 00", "03 00 00", "00 00 00 ff ff 00"].flatMap((form) =>
    both(`an empty message as ${form === "" ? "no bytes" : form}`, [[form, ""], GOOD, [form, ""], [form, ""]])
  ),
];

const LONG = Array.from({ length: 1_500 }, (_, i) => `line ${i * 7919 % 1_000}\n`).join("");

const finals: PayloadRow[] = [
  ...both("BFINAL in the last byte", [["f3 48 cd c9 c9 07 00", "Hello"], GOOD]),
  ...both("two messages with BFINAL in a row", [
    ["f3 48 cd c9 c9 07 00", "Hello"],
    ["f3 48 cd c9 c9 07 00", "Hello"],
    ["f3 48 cd c9 c9 07 00 00", "Hello"],
    ["f3 48 cd c9 c9 07 00 00", "Hello"],
    GOOD,
  ]),
  ...both("BFINAL on more than 4,096 bytes", [
    [hex([{ fixed: [LONG], final: true }]), LONG],
    [unfinished([{ fixed: [LONG], final: true }]), LONG],
    GOOD,
  ]),
  ...both("BFINAL on a stored block", [
    [hex([{ stored: "Hello", final: true }]), "Hello"],
    [unfinished([{ stored: "Hello", final: true }]), "Hello"],
    GOOD,
  ]),
  ...both("an empty block with BFINAL whose tail was cut off", [
    ["f2 48 cd c9 c9 07 00 00 00 ff ff 01", "Hello"],
    ["f3 48 cd c9 c9 07 00 01", "Hello"],
    GOOD,
  ]),
  ...both("a block with BFINAL, then others that refer into it", [
    [hex([{ fixed: ["Hello, "], final: true }, { fixed: [[5, 7], "!"] }]), "Hello, Hello!"],
    [hex([{ stored: "Hello, ", final: true }, { fixed: [[5, 7]], final: true }]), "Hello, Hello"],
    GOOD,
  ]),
  ...both("nothing but blocks with BFINAL", [
    [
      hex([..."Hello"].map((letter, i) => ({ fixed: i === 3 ? [[3, 3], ""] : [letter], final: true }))),
      "HelHelo",
    ],
    [
      hex(Array.from({ length: 50 }, (_, i) => ({ stored: i % 2 === 0 ? "" : "a", final: true }))),
      "a".repeat(25),
    ],
    GOOD,
  ]),
  row("BFINAL does not make a connection forget what came before it", [
    ["f3 48 cd c9 c9 07 00 00", "Hello"],
    ["f2 00 11 00 00", "Hello"],
    [unfinished([{ fixed: ["!"], final: true }]), "!"],
    [hex([{ fixed: [[5, 11], [6, 6]] }]), "Hello!Hello"],
  ], { takeover: true }),
];

const broken: PayloadRow[] = [
  ...both("a stored block that lacks half of its bytes", [[`00 64 00 9b ff ${"61 ".repeat(50)}`, undefined]]),
  ...both("a stored block that lacks its last byte", [["00 02 00 fd ff 61", undefined]]),
  ...both("a stored block that lacks all its bytes", [["00 02 00 fd ff", undefined]]),
  ...both("a stored block as long as what a receiver adds", [["00 04 00 fb ff", undefined]]),
  ...["00 02", "00 02 00", "00 02 00 fd"].flatMap((form) =>
    both(`a stored block that lacks its length: ${form}`, [[form, undefined]])
  ),
  ...both("a stored block whose lengths do not agree", [["00 02 00 fd fe 61 61 00", undefined]]),
  ...both("a Huffman block cut to 4 bytes", [["f2 48 cd c9", undefined]]),
  ...both("a Huffman block that lacks its end", [["02", undefined]]),
  ...both("a Huffman block with BFINAL that lacks its end", [["03", undefined]]),
  ...both("a Huffman block that ends with its last byte, and no header of an empty one", [
    ["f2 48 cd c9 c9 07 00 00 00 ff ff", undefined],
  ]),
  ...both("a tail that was not cut off", [["00 00 00 ff ff", undefined]]),
  ...both("a dynamic block that is cut in its code", [["04 c1 31 0d 00", undefined]]),
  ...both("a reserved block type", [["06", undefined]]),
  ...both("a reserved block type behind a good block", [["f2 48 cd c9 c9 07 00 00 00 ff ff 06", undefined]]),
  ...both("BFINAL, then garbage", [["f3 48 cd c9 c9 07 00 de ad be ef", undefined]]),
  ...both("BFINAL, then garbage that begins like a block", [
    ["f3 48 cd c9 c9 07 00 02", undefined],
    ["f3 48 cd c9 c9 07 00 00 01", undefined],
    ["f3 48 cd c9 c9 07 00 65", undefined],
  ]),
  ...both("garbage", [["ff ff ff ff", undefined], ["de ad be ef", undefined]]),
  ...both("a distance before the first byte", [[hex([{ fixed: [[3, 1]] }]), undefined]]),
  ...both("a distance to the first byte", [[hex([{ fixed: ["abc", [3, 3]] }]), "abcabc"]]),
  ...both("a distance one byte before the first", [[hex([{ fixed: ["abc", [3, 4]] }]), undefined]]),
  row("a distance into the message before it, where none is kept", [
    GOOD,
    [hex([{ fixed: [[3, 1]] }]), undefined],
  ]),
  row("a distance one byte before the first message", [
    GOOD,
    [hex([{ fixed: ["!", [3, 7]] }]), undefined],
  ], { takeover: true }),
  row("a distance to the first byte of the first message", [
    GOOD,
    [hex([{ fixed: ["!", [3, 6]] }]), "!Hel"],
  ], { takeover: true }),
  ...both("a distance one byte before the first, behind BFINAL", [
    [hex([{ fixed: ["abc"], final: true }, { fixed: [[3, 4]] }]), undefined],
  ]),
];

/** All rows. */
export const PAYLOAD_ROWS: readonly PayloadRow[] = [...samples, ...empties, ...finals, ...broken];
