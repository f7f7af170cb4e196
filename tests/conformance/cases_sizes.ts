/**
 * Group 9: long messages, many fragments, many small writes, many round trips.
 *
 * Without `SLUICE_LONG=1` a message has at most 1 MiB and 1,024 pieces, and 100 messages make a series.
 *
 * @module
 */

import {
  binary,
  type Case,
  fails,
  fragments,
  type FrameSpec,
  gets,
  MAX_MESSAGE_SIZE,
  row,
  send,
  sendChopped,
  text,
  withLength,
} from "./case.ts";
import { LONG } from "../support/long.ts";
import { asciiOf, binaryOf, textOf } from "./payloads.ts";

const KIB = 1_024;
const MIB = 1_024 * KIB;

const SIZES = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB];
const FRAGMENTS = [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB];
const CHOPS = [64, 128, 256, 512, 1_024, 2_048];
const SERIES = [0, 16, 64, 256, KIB, 4 * KIB];
const COUNT = LONG ? 1_000 : 100;

/** How long a message in pieces of this size is. */
const sizeInPieces = (piece: number, full: number): number => LONG ? full : Math.min(MIB, 1_024 * piece);

/** What is the same for text and for binary data; their sections have odd and even numbers. */
interface Kind {
  readonly name: string;
  readonly section: (first: number) => string;
  readonly make: (size: number) => FrameSpec;
  /** One of many messages that all differ. */
  readonly one: (size: number, index: number) => FrameSpec;
}

const POOL = 64 * KIB;
const ascii = asciiOf(POOL);
const part = (pool: Uint8Array, size: number, index: number): Uint8Array => {
  const from = (index * 37) % (POOL - size);
  return pool.subarray(from, from + size);
};

const kinds: readonly Kind[] = [
  {
    name: "text",
    section: (first) => `9.${first}`,
    make: (size) => text(textOf(size)),
    one: (size, index) => text(part(ascii, size, index)),
  },
  {
    name: "binary data",
    section: (first) => `9.${first + 1}`,
    make: (size) => binary(binaryOf(size)),
    one: (size, index) => binary(part(binaryOf(POOL), size, index)),
  },
];

function sized({ name, section, make }: Kind): Case[] {
  return SIZES.flatMap((size, i) => {
    if (!LONG && size > MIB) return [];
    return [row(`${section(1)}.${i + 1}`, `${show(size)} of ${name}`, send(make(size)), gets(make(size)))];
  });
}

function fragmented({ name, section, make }: Kind): Case[] {
  return FRAGMENTS.flatMap((piece, i) => {
    const size = sizeInPieces(piece, 4 * MIB);
    if (piece > size) return [];
    return [
      row(`${section(3)}.${i + 1}`, `${show(size)} of ${name} in fragments of ${show(piece)}`, ...[
        send(...fragments(make(size), piece)),
        gets(make(size)),
      ]),
    ];
  });
}

function chopped({ name, section, make }: Kind): Case[] {
  return CHOPS.map((piece, i) => {
    const size = sizeInPieces(piece, MIB);
    return row(`${section(5)}.${i + 1}`, `${show(size)} of ${name} in writes of ${show(piece)}`, ...[
      sendChopped(piece, make(size)),
      gets(make(size)),
    ]);
  });
}

/** One message at a time; and, which is ours, all of them in one write. */
function series({ name, section, one }: Kind): Case[] {
  return [...SERIES, 16 * KIB].flatMap((size, i) => {
    const messages = Array.from({ length: COUNT }, (_, index) => one(size, index));
    const number = i < SERIES.length ? `${section(7)}.${i + 1}` : "9.+";
    const what = `${COUNT} messages of ${show(size)} of ${name}`;
    return [
      row(number, `${what}, one by one`, ...messages.flatMap((spec) => [send(spec), gets(spec)])),
      row("9.+", `${what}, all at once`, send(...messages), ...messages.map(gets)),
    ];
  });
}

const tooLong: Case = row("9.+", "the header of a message that is one octet too long", ...[
  send(withLength(`7f ${(MAX_MESSAGE_SIZE + 1).toString(16).padStart(16, "0")}`, binary("*"))),
  fails(1009),
]);

function show(size: number): string {
  if (size >= MIB) return `${size / MIB} MiB`;
  return size >= KIB ? `${size / KIB} KiB` : `${size} octets`;
}

/** The cases of group 9. */
export const SIZE_CASES: readonly Case[] = [
  ...[sized, fragmented, chopped, series].flatMap((rowsOf) => kinds.flatMap(rowsOf)),
  tooLong,
].map((row) => ({ ...row, limit: LONG ? 50_000 : 20_000 }));
