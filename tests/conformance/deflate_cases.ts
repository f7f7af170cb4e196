/**
 * Groups 12 and 13: series of compressed messages, of many sizes and kinds and with all parameters.
 *
 * Without `SLUICE_LONG=1` a series has 3 messages.
 *
 * @module
 */

import { jsonMessage } from "../../bench/json.ts";
import type { CompressionOptions } from "../../lib/handshake/compression.ts";
import type { Role } from "../../lib/protocol/frame.ts";
import { LONG } from "../support/long.ts";
import { type Case, octets } from "./case.ts";
import type { Direction } from "./deflate_codec.ts";
import { binaryOf, textOf } from "./payloads.ts";

const KIB = 1_024;

/** What the two ends say, and what must follow. */
export interface Terms {
  /** What each direction must keep to. */
  readonly server: Direction;
  readonly client: Direction;
}

/** A series of messages that must all come back. */
export interface DeflateCase extends Case {
  /** The offer to a Sluice server, and its answer. */
  readonly asServer: Terms & { readonly offer: string; readonly answer: string };
  /** What a Sluice client is told to do, its offer, and the answer to it. */
  readonly asClient: Terms & {
    readonly options: CompressionOptions;
    readonly offer: string;
    readonly answer: string;
  };
  readonly opcode: 1 | 2;
  readonly size: number;
  /** How long the fragments are in which a message is sent; 0 for one frame. */
  readonly fragment: number;
  readonly count: number;
  /** One of the messages. */
  readonly message: (index: number) => Uint8Array;
  /** Whether every message can be made smaller on its own. */
  readonly compressible: boolean;
}

/** What a Sluice server under test is told to do: whatever the client allows. */
export const SERVER_OPTIONS: CompressionOptions = { contextTakeover: true, windowBits: 15, threshold: 0 };

const SIZES: readonly (readonly [size: number, fragment: number])[] = [
  ...[16, 64, 256, KIB, 4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB].map((size) =>
    [size, 0] as const
  ),
  ...[8, 16, 32, 64, 128].map((size) => [size * KIB, 256] as const),
  ...[1, 4, 32].map((fragment) => [128 * KIB, fragment * KIB] as const),
];

/** How many messages a series has. */
const COUNT = LONG ? 1_000 : 3;

interface Payloads {
  readonly name: string;
  readonly opcode: 1 | 2;
  readonly compressible: boolean;
  readonly make: (size: number, index: number) => Uint8Array;
}

const POOL = 512 * KIB;

/** A part of a pool; two in a row begin at different places. */
const part = (pool: Uint8Array, size: number, index: number): Uint8Array => {
  const from = (index * 7_919) % (pool.length - size);
  return pool.subarray(from, from + size);
};

const json = octets(jsonMessage(POOL, 1));
const JSON_TEXT: Payloads = {
  name: "JSON",
  opcode: 1,
  compressible: true,
  make: (size, index) => part(json, size, index),
};

/** The five kinds of data. */
const KINDS: readonly Payloads[] = [
  JSON_TEXT,
  {
    name: "text of all lengths of UTF-8",
    opcode: 1,
    compressible: true,
    make: (size) => textOf(size),
  },
  { name: "JSON as binary data", opcode: 2, compressible: true, make: JSON_TEXT.make },
  {
    name: "random data",
    opcode: 2,
    compressible: false,
    make: (size, index) => part(binaryOf(POOL), size, index),
  },
  {
    name: "long runs",
    opcode: 2,
    compressible: true,
    make: (size, index) => new Uint8Array(size).fill(index),
  },
];

/** Shortens what the parameters are called. */
function header(words: string): string {
  const parameters = words.split(" ").filter((word) => word !== "").map((word) =>
    word
      .replace(/^snct$/, "server_no_context_takeover")
      .replace(/^cnct$/, "client_no_context_takeover")
      .replace(/^smwb/, "server_max_window_bits")
      .replace(/^cmwb/, "client_max_window_bits")
  );
  return ["permessage-deflate", ...parameters].join("; ");
}

const direction = (words: string, prefix: "s" | "c"): Direction => ({
  bits: Number(new RegExp(`${prefix}mwb=(\\d+)`).exec(words)?.[1] ?? 15),
  takeover: !words.includes(`${prefix}nct`),
});

const termsOf = (answer: string): Terms => ({
  server: direction(answer, "s"),
  client: direction(answer, "c"),
});

type Parameters = Pick<DeflateCase, "asServer" | "asClient"> & { readonly name: string };

/** The parameters of one section: `smwb=9` stands for `server_max_window_bits=9`, `cnct` for the long word. */
function parameters(
  name: string,
  server: { offers: readonly string[]; answer: string },
  client: { options: CompressionOptions; offer: string; answer: string },
): Parameters {
  return {
    name,
    asServer: {
      offer: server.offers.map((words) => words.startsWith("!") ? words.slice(1) : header(words)).join(", "),
      answer: header(server.answer),
      ...termsOf(server.answer),
    },
    asClient: {
      options: { threshold: 0, ...client.options },
      offer: header(client.offer),
      answer: header(client.answer),
      ...termsOf(client.answer),
    },
  };
}

const TAKEOVER = { contextTakeover: true, windowBits: 15 };

const DEFAULT = parameters(
  "no parameters",
  { offers: [""], answer: "" },
  { options: TAKEOVER, offer: "cmwb", answer: "" },
);

const SECTIONS: readonly Parameters[] = [
  parameters(
    "server_no_context_takeover",
    { offers: ["snct"], answer: "snct" },
    {
      options: { contextTakeover: { client: true }, windowBits: 15 },
      offer: "cmwb snct",
      answer: "snct",
    },
  ),
  parameters(
    "client_no_context_takeover",
    { offers: ["cnct"], answer: "cnct" },
    { options: TAKEOVER, offer: "cmwb", answer: "cnct" },
  ),
  parameters(
    "both without takeover",
    { offers: ["snct cnct"], answer: "snct cnct" },
    { options: {}, offer: "cmwb snct cnct", answer: "snct cnct" },
  ),
  parameters(
    "a server's window of 9 bits",
    { offers: ["smwb=9"], answer: "smwb=9" },
    {
      options: { contextTakeover: true, windowBits: 9 },
      offer: "cmwb smwb=9",
      answer: "smwb=9 cmwb=9",
    },
  ),
  parameters(
    "windows of 15 bits",
    { offers: ["smwb=15 cmwb=15"], answer: "smwb=15 cmwb=15" },
    { options: TAKEOVER, offer: "cmwb", answer: "smwb=15 cmwb=15" },
  ),
  parameters(
    "a client's window of 9 bits, a server without takeover",
    { offers: ["cmwb=9 snct"], answer: "snct cmwb=9" },
    { options: TAKEOVER, offer: "cmwb", answer: "snct cmwb=9" },
  ),
  parameters(
    "offers to fall back on",
    {
      offers: ["!x-unknown", "smwb=8", "smwb=16", "snct snct", "cnct smwb=10 cmwb", "snct"],
      answer: "cnct smwb=10 cmwb=15",
    },
    {
      options: { contextTakeover: true, windowBits: 12 },
      offer: "cmwb smwb=12",
      answer: "smwb=10 cmwb=11 cnct",
    },
  ),
];

function series(section: string, { name, ...terms }: Parameters, payloads: Payloads): DeflateCase[] {
  return SIZES.map(([size, fragment], i) => {
    const cut = fragment === 0 ? "" : ` in fragments of ${fragment}`;
    return {
      group: Number(section.split(".")[0]),
      autobahn: [`${section}.${i + 1}`],
      name: `${COUNT} × ${size} octets of ${payloads.name}${cut}, ${name}`,
      steps: [],
      limit: LONG ? 60_000 : 10_000,
      ...terms,
      opcode: payloads.opcode,
      size,
      fragment,
      count: COUNT,
      message: (index) => payloads.make(size, index),
      compressible: payloads.compressible && size >= 256,
    };
  });
}

/** Every case of groups 12 and 13. */
export const DEFLATE_CASES: readonly DeflateCase[] = [
  ...KINDS.flatMap((payloads, i) => series(`12.${i + 1}`, DEFAULT, payloads)),
  ...SECTIONS.flatMap((section, i) => series(`13.${i + 1}`, section, JSON_TEXT)),
];

/** What holds for a case where Sluice has this role. */
export const termsFor = (row: DeflateCase, role: Role): Terms & { offer: string; answer: string } =>
  role === "server" ? row.asServer : row.asClient;
