/**
 * Groups 1 and 10: messages of the sizes around which the length changes its form, and how they are cut.
 *
 * @module
 */

import {
  binary,
  type Case,
  end,
  fails,
  fragments,
  type FrameSpec,
  gets,
  more,
  ping,
  row,
  send,
  sendChopped,
  text,
  withLength,
} from "./case.ts";
import { binaryOf, textOf } from "./payloads.ts";

const SIZES = [0, 125, 126, 127, 128, 65_535, 65_536];

const kinds = [
  { section: "1.1", kind: "a text", make: (size: number) => text(textOf(size)) },
  { section: "1.2", kind: "binary data", make: (size: number) => binary(binaryOf(size)) },
] as const;

const echoes: readonly Case[] = kinds.flatMap(({ section, kind, make }) => [
  ...SIZES.map((size, i) =>
    row(`${section}.${i + 1}`, `${kind} of ${size} octets`, send(make(size)), gets(make(size)))
  ),
  row(
    `${section}.8`,
    `${kind} of 65536 octets in writes of 997`,
    sendChopped(997, make(65_536)),
    gets(make(65_536)),
  ),
  ...[1, 129, 65_537].map((size) =>
    row("1.+", `${kind} of ${size} octets, twice in one write`, send(make(size), make(size)), ...[
      gets(make(size)),
      gets(make(size)),
    ])
  ),
]);

const wrongMask = (spec: FrameSpec): FrameSpec => ({ ...spec, wrongMask: true });

/** What the public list has nothing about (§5.1, §5.2). */
const headers: readonly Case[] = [
  ...[text("Hello"), text(), binary(binaryOf(65_536)), ping("Hello")].map((spec) =>
    row(
      "1.+",
      `${kindOf(spec)} of ${spec.payload.length} octets, masked as only the other role may`,
      send(wrongMask(spec)),
      fails(1002),
    )
  ),
  row(
    "1.+",
    "a continuation masked as only the other role may",
    send(...fragments(text("Hello"), 3).map((spec, i) => i === 0 ? spec : wrongMask(spec))),
    fails(1002),
  ),
  ...[
    ["7e 0000", 0],
    ["7e 007d", 125],
    ["7f 0000000000000000", 0],
    ["7f 000000000000007d", 125],
    ["7f 000000000000007e", 126],
    ["7f 000000000000ffff", 65_535],
    ["7f 8000000000000005", 5],
  ].map(([hex, size]) =>
    row(
      "1.+",
      `${size} octets whose length is written as ${hex}`,
      send(withLength(`${hex}`, binary(binaryOf(Number(size))))),
      fails(1002),
    )
  ),
];

const TEXT = text(textOf(65_536));

const automatic: readonly Case[] = [
  row("10.1.1", "a text of 65536 octets in fragments of 1300", send(...fragments(TEXT, 1_300)), gets(TEXT)),
  row(
    "10.+",
    "a text of 65536 octets in fragments of 1300, and empty ones between",
    send(
      ...fragments(TEXT, 1_300).flatMap((spec, i) => i === 0 ? [spec] : [more(), spec, ping()]).slice(0, -1),
    ),
    ...fragments(TEXT, 1_300).slice(2).map(() => gets({ first: 0x8a, payload: new Uint8Array(0) })),
    gets(TEXT),
  ),
  row(
    "10.+",
    "a text of 65536 octets in fragments of 1300 that an empty one ends",
    send(...fragments(TEXT, 1_300).map((spec) => ({ ...spec, first: spec.first & 0x0f })), end()),
    gets(TEXT),
  ),
];

function kindOf({ first }: FrameSpec): string {
  return first === 0x81 ? "a text" : first === 0x82 ? "binary data" : "a Ping";
}

/** The cases of groups 1 and 10. */
export const FRAMING_CASES: readonly Case[] = [...echoes, ...headers, ...automatic];
