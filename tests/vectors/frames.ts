/**
 * What must be made of frames: of each on its own, by a frame decoder, and of all together, by an endpoint.
 *
 * Each row is bytes on the wire. Most are written once, in the notation of {@linkcode parseWire}, and played to both
 * roles: masked to a server, unmasked to a client.
 *
 * @module
 */

import type { WebSocketErrorCode } from "../../lib/errors.ts";
import type { Role } from "../../lib/protocol/frame.ts";
import { concat, fromHex, maskNaively, show, toHex } from "./hex.ts";

/** Bytes, and what must come of them. */
export interface FrameRow {
  name: string;
  section: string;
  /** Whose side receives the bytes. */
  role: Role;
  hex: string;
  /** What a decoder returns: the first byte of each frame, and its payload, unmasked. */
  frames: readonly string[];
  /** What an endpoint tells its driver. */
  events: readonly string[];
  /** What an endpoint sends back: as `frames`. */
  sent: readonly string[];
  /** What it ends in, if not well. */
  error?: WebSocketErrorCode;
  /** Whether a frame decoder alone must find the error: it is in a header. */
  inHeader: boolean;
  /** How many bytes are enough to know the error: no more may be waited for. */
  visibleAt?: number;
  /** The limits to set. */
  limits: Readonly<FrameRowLimits>;
  /** Whether the endpoint has sent its own Close, with 1000, before. */
  closing: boolean;
  /** Whether it takes more than an endpoint's options to play it. */
  decoderOnly: boolean;
  /** Where compression was agreed on: whether messages may refer to earlier ones. */
  takeover?: boolean;
}

/** The limits that a row may set. */
export interface FrameRowLimits {
  maxFrameSize?: number;
  maxMessageSize?: number;
  maxEmptyFragments?: number;
  rsv1?: boolean;
}

/** The key that the RFC's samples are masked with. */
export const SAMPLE_KEY = "37fa213d";

/** Bytes on the wire, and what they are made of. */
export interface Wire {
  bytes: Uint8Array<ArrayBuffer>;
  frames: string[];
  mark: number | undefined;
}

/**
 * Reads frames in the notation `head: payload; head: payload`, all of it hexadecimal as it would be sent unmasked.
 *
 * A `!` marks the end of the byte at which a fault must be known. Masking sets the bit, puts the key in, and masks.
 */
export function parseWire(text: string, options: { masked: boolean; key?: string }): Wire {
  const parts: Uint8Array[] = [];
  const frames: string[] = [];
  let size = 0;
  let mark: number | undefined;
  const key = fromHex(options.key ?? SAMPLE_KEY);
  for (const frame of text.split(";")) {
    const [head = "", body = ""] = frame.split(":");
    const header = fromHex(head.replace("!", ""));
    const payload = fromHex(body.replace("!", ""));
    const keySize = options.masked ? 4 : 0;
    if (head.includes("!")) mark = size + fromHex(head.split("!")[0]!).length;
    if (body.includes("!")) mark = size + header.length + keySize + fromHex(body.split("!")[0]!).length;
    frames.push(`${toHex(header.subarray(0, 1))} ${show(payload)}`);
    if (options.masked) {
      header[1]! |= 0x80;
      parts.push(header, key, maskNaively(payload, key));
    } else {
      parts.push(header, payload);
    }
    size += header.length + keySize + payload.length;
  }
  return { bytes: concat(parts), frames, mark };
}

/** The close code that each fault is answered with, by the RFC and not by the library's own table. */
const ANSWERS: Partial<Record<WebSocketErrorCode, number>> = {
  "frame-too-big": 1009,
  "message-too-big": 1009,
  "too-many-empty-fragments": 1008,
  "invalid-utf8": 1007,
  "invalid-deflate": 1007,
  "close-reason-utf8": 1007,
};

/** The faults that only a payload shows. */
const IN_PAYLOAD: ReadonlySet<WebSocketErrorCode> = new Set([
  "invalid-utf8",
  "invalid-deflate",
  "close-payload-short",
  "close-code-invalid",
  "close-reason-utf8",
]);

/** What comes of a wire, and how it is played. */
export interface Spec {
  roles?: readonly Role[];
  events?: readonly string[];
  sent?: readonly string[];
  frames?: readonly string[];
  error?: WebSocketErrorCode;
  key?: string;
  /** Whether to mask what must not be masked, and the reverse. */
  wrongMask?: boolean;
  limits?: FrameRowLimits;
  closing?: boolean;
  decoderOnly?: boolean;
  takeover?: boolean;
  /** Whether the error is in a header, where its code does not tell. */
  inHeader?: boolean;
}

/** Makes the rows of one wire, for each role. With an error in a header, it is the last frame that has it. */
export function rows(name: string, section: string, wire: string, spec: Spec): FrameRow[] {
  const { roles = ["server", "client"], events = [], sent = [], error, limits = {} } = spec;
  const { closing = false, decoderOnly = false, takeover } = spec;
  const inHeader = spec.inHeader ?? (error !== undefined && !IN_PAYLOAD.has(error));
  return roles.map((role) => {
    const masked = (role === "server") !== (spec.wrongMask ?? false);
    const { bytes, frames, mark } = parseWire(wire, { masked, ...(spec.key ? { key: spec.key } : {}) });
    return {
      name,
      section,
      role,
      hex: toHex(bytes),
      frames: spec.frames ?? (inHeader ? frames.slice(0, -1) : frames),
      events,
      sent: error === undefined || closing ? sent : [...sent, closeFrame(ANSWERS[error] ?? 1002)],
      inHeader,
      limits,
      closing,
      decoderOnly,
      ...(takeover === undefined ? {} : { takeover }),
      ...(error === undefined ? {} : { error }),
      ...(mark === undefined ? {} : { visibleAt: mark }),
    };
  });
}

function closeFrame(code: number): string {
  return `88 ${code.toString(16).padStart(4, "0")}`;
}

const HELLO = "48656c6c6f";
const hexByte = (value: number): string => value.toString(16).padStart(2, "0");
const hexCode = (code: number): string => code.toString(16).padStart(4, "0");
const message = (size: number): string => `binary ${show(fromHex(`61*${size}`))}`;

/** The bytes exactly as RFC 6455 §5.7 prints them. */
function sample(
  name: string,
  role: Role,
  hex: string,
  expect: Pick<FrameRow, "frames" | "events"> & { sent?: readonly string[] },
): FrameRow {
  const plain = { inHeader: false, limits: {}, closing: false, decoderOnly: false };
  return { name, section: "§5.7", role, hex: toHex(fromHex(hex)), sent: [], ...plain, ...expect };
}

const BYTES_256: string = toHex(Uint8Array.from({ length: 256 }, (_, i) => i));

const samples: FrameRow[] = [
  sample("a single-frame unmasked text message", "client", "81 05 48 65 6c 6c 6f", {
    frames: [`81 ${HELLO}`],
    events: ['text "Hello"'],
  }),
  sample("a single-frame masked text message", "server", "81 85 37 fa 21 3d 7f 9f 4d 51 58", {
    frames: [`81 ${HELLO}`],
    events: ['text "Hello"'],
  }),
  sample("a fragmented unmasked text message", "client", "01 03 48 65 6c 80 02 6c 6f", {
    frames: ["01 48656c", "80 6c6f"],
    events: ['text "Hello"'],
  }),
  sample("an unmasked Ping request", "client", "89 05 48 65 6c 6c 6f", {
    frames: [`89 ${HELLO}`],
    events: [],
    sent: [`8a ${HELLO}`],
  }),
  sample("a masked Pong response", "server", "8a 85 37 fa 21 3d 7f 9f 4d 51 58", {
    frames: [`8a ${HELLO}`],
    events: [`pong ${HELLO}`],
  }),
  sample("256 bytes binary message in a single unmasked frame", "client", `82 7e 01 00 ${BYTES_256}`, {
    frames: [`82 ${show(fromHex(BYTES_256))}`],
    events: [`binary ${show(fromHex(BYTES_256))}`],
  }),
  sample(
    "64 KiB binary message in a single unmasked frame",
    "client",
    "82 7f 00 00 00 00 00 01 00 00 62*65536",
    {
      frames: [`82 ${show(fromHex("62*65536"))}`],
      events: [`binary ${show(fromHex("62*65536"))}`],
    },
  ),
];

/** The header of a message of so many bytes, its length in the shortest form. */
export function lengthHex(size: number): string {
  if (size < 126) return hexByte(size);
  return size < 65_536 ? `7e ${hexCode(size)}` : `7f ${size.toString(16).padStart(16, "0")}`;
}

const lengths: FrameRow[] = [
  ...[0, 1, 124, 125, 126, 127, 128, 65_535, 65_536, 65_537].flatMap((size) =>
    rows(`a message of exactly ${size} bytes`, "§5.2", `82 ${lengthHex(size)}: 61*${size}`, {
      events: [message(size)],
    })
  ),
  ...[0, 1, 5, 125].flatMap((size) =>
    rows(`${size} bytes with a 16-bit length`, "§5.2", `81 7e ${hexCode(size)}!: 61*${size}`, {
      error: "length-not-minimal",
    })
  ),
  ...[0, 5, 125, 126, 127, 300, 65_535].flatMap((size) =>
    rows(
      `${size} bytes with a 64-bit length`,
      "§5.2",
      `82 7f ${size.toString(16).padStart(16, "0")}!: 61*${Math.min(size, 300)}`,
      { error: "length-not-minimal" },
    )
  ),
  ...rows("a continuation whose length is not minimal", "§5.2", "01 01: 61; 80 7e 0001!: 61", {
    error: "length-not-minimal",
  }),
  ...[
    ["the highest bit of a 64-bit length", "8000000000000000"],
    ["the highest bit of a 64-bit length, and a small rest", "8000000000010000"],
    ["a 64-bit length of all ones", "ffffffffffffffff"],
  ].flatMap(([name, hex]) => rows(name!, "§5.2", `82 7f ${hex}!: 61 62`, { error: "length-out-of-range" })),
  ...[
    ["2^63 - 1 bytes", "7fffffffffffffff"],
    ["2^63 - 1,024 bytes", "7ffffffffffffc00"],
    ["2^62 bytes", "4000000000000000"],
    ["2^53 bytes", "0020000000000000"],
    ["2^53 + 1 bytes", "0020000000000001"],
  ].flatMap(([name, hex]) =>
    [1_048_576, Infinity].flatMap((maxMessageSize) => [
      ...rows(`${name}, with a limit of ${maxMessageSize}`, "§10.4", `82 7f ${hex}!: 61 62`, {
        error: "message-too-big",
        limits: { maxMessageSize },
      }),
      ...rows(
        `10 bytes and ${name}, with a limit of ${maxMessageSize}`,
        "§10.4",
        `02 0a: 61*10; 80 7f ${hex}!: 61`,
        {
          error: "message-too-big",
          limits: { maxMessageSize },
        },
      ),
    ])
  ),
  ...rows("2^53 - 1 bytes, with no limit", "§5.2", "82 7f 001fffffffffffff: 61 62", {
    frames: [],
    limits: { maxMessageSize: Infinity },
  }),
  ...rows("2^53 - 1 bytes, with a limit", "§10.4", "82 7f 001fffffffffffff!: 61 62", {
    error: "message-too-big",
    limits: { maxMessageSize: 1_048_576 },
  }),
];

const TEXT_A = 'text "a"';

const headers: FrameRow[] = [
  ...rows("an unmasked client frame", "§5.1", `81 05!: ${HELLO}`, {
    roles: ["server"],
    wrongMask: true,
    error: "unmasked-frame",
  }),
  ...rows("an empty unmasked client frame", "§5.1", "81 00!", {
    roles: ["server"],
    wrongMask: true,
    error: "unmasked-frame",
  }),
  ...rows("an unmasked client Close", "§5.1", "88 02!: 03e8", {
    roles: ["server"],
    wrongMask: true,
    error: "unmasked-frame",
  }),
  ...rows("an unmasked client frame of 64 KiB", "§5.1", "82 7f! 0000000000010000: 61", {
    roles: ["server"],
    wrongMask: true,
    error: "unmasked-frame",
  }),
  ...rows("a masked server frame", "§5.1", `81 05!: ${HELLO}`, {
    roles: ["client"],
    wrongMask: true,
    error: "masked-frame",
  }),
  ...rows("a masked server Ping", "§5.1", "89 00!", {
    roles: ["client"],
    wrongMask: true,
    error: "masked-frame",
  }),
  ...[
    ["RSV1", "c1"],
    ["RSV2", "a1"],
    ["RSV3", "91"],
    ["all three RSV bits", "f1"],
    ["RSV1 on a Ping", "c9"],
    ["RSV2 on a Pong", "aa"],
    ["RSV3 on a Close", "98"],
    ["RSV1 without FIN", "41"],
  ].flatMap(([name, first]) => rows(name!, "§5.2", `${first} 05!: ${HELLO}`, { error: "reserved-bit" })),
  ...rows("RSV1 on a continuation", "§5.2", "01 01: 61; c0 01!: 62", { error: "reserved-bit" }),
  ...rows("RSV2 behind a good message", "§5.2", "81 01: 61; a1 01!: 62", {
    events: [TEXT_A],
    error: "reserved-bit",
  }),
  ...rows("RSV1 that was agreed on", "§5.2", "c1 01: 61; 42 01: 61; 80 01: 62; 81 01: 61", {
    limits: { rsv1: true },
    decoderOnly: true,
  }),
  ...["c9 00!", "c8 00!", "ca 00!", "a1 00!", "91 00!", "e1 00!"].flatMap((hex) =>
    rows(`${hex.slice(0, 2)} where RSV1 was agreed on`, "RFC 7692 §6", hex, {
      error: "reserved-bit",
      limits: { rsv1: true },
      decoderOnly: true,
    })
  ),
  ...rows("RSV1 on a continuation where it was agreed on", "RFC 7692 §6", "41 01: 61; c0 01!: 62", {
    error: "reserved-bit",
    limits: { rsv1: true },
    decoderOnly: true,
  }),
  ...[3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf].flatMap((opcode) => [
    ...rows(`opcode 0x${opcode.toString(16)}`, "§5.2", `${hexByte(0x80 | opcode)} 05!: ${HELLO}`, {
      error: "reserved-opcode",
    }),
    ...rows(`opcode 0x${opcode.toString(16)} without FIN`, "§5.2", `${hexByte(opcode)} 00!`, {
      error: "reserved-opcode",
    }),
  ]),
  ...[["Close", "08"], ["Ping", "09"], ["Pong", "0a"]].flatMap(([name, first]) =>
    rows(`a fragmented ${name}`, "§5.5", `${first} 02!: 03e8`, { error: "fragmented-control" })
  ),
  ...[["Close", "88"], ["Ping", "89"], ["Pong", "8a"]].flatMap(([name, first]) => [
    ...rows(`a ${name} of 125 bytes`, "§5.5", `${first} 7d: 03e8 61*123`, {
      events: name === "Ping"
        ? []
        : name === "Pong"
        ? [`pong ${show(fromHex("03e8 61*123"))}`]
        : [`close 1000 "${"a".repeat(123)}"`],
      sent: name === "Pong" ? [] : [`${name === "Ping" ? "8a" : "88"} ${show(fromHex("03e8 61*123"))}`],
    }),
    ...rows(`a ${name} of 126 bytes`, "§5.5", `${first} 7e! 007e: 03e8 61*124`, {
      error: "control-too-long",
    }),
    ...rows(`a ${name} of 64 KiB`, "§5.5", `${first} 7f! 0000000000010000: 03e8`, {
      error: "control-too-long",
    }),
    ...rows(`a short ${name} with a 16-bit length`, "§5.5", `${first} 7e! 0002: 03e8`, {
      error: "control-too-long",
    }),
  ]),
  ...rows("a mask key of zeros", "§5.3", `81 05: ${HELLO}; 82 7e 0100: ${BYTES_256}`, {
    roles: ["server"],
    key: "00000000",
    events: ['text "Hello"', `binary ${show(fromHex(BYTES_256))}`],
  }),
  ...rows("a mask key of ones", "§5.3", `81 05: ${HELLO}; 82 7e 0100: ${BYTES_256}`, {
    roles: ["server"],
    key: "ffffffff",
    events: ['text "Hello"', `binary ${show(fromHex(BYTES_256))}`],
  }),
  ...["80000000", "00000001", "00ff00ff", "01020304"].flatMap((key) =>
    rows(`the mask key ${key}`, "§5.3", `82 7e 0100: ${BYTES_256}; 81 01: 61`, {
      roles: ["server"],
      key,
      events: [`binary ${show(fromHex(BYTES_256))}`, TEXT_A],
    })
  ),
];

const fragments: FrameRow[] = [
  ...rows("a continuation first", "§5.4", "80 05!: 48656c6c6f", { error: "unexpected-continuation" }),
  ...rows("an unfinished continuation first", "§5.4", "00 05!: 48656c6c6f", {
    error: "unexpected-continuation",
  }),
  ...rows("a continuation behind a finished message", "§5.4", "81 01: 61; 80 01!: 62", {
    events: [TEXT_A],
    error: "unexpected-continuation",
  }),
  ...rows("a continuation behind a finished fragmented message", "§5.4", "01 01: 61; 80 00; 00 01!: 62", {
    events: [TEXT_A],
    error: "unexpected-continuation",
  }),
  ...rows("a text inside a fragmented message", "§5.4", "01 01: 61; 81 01!: 62", {
    error: "expected-continuation",
  }),
  ...rows("a binary inside a fragmented message", "§5.4", "01 01: 61; 00 01: 61; 82 01!: 62", {
    error: "expected-continuation",
  }),
  ...rows("a fragmented binary inside a fragmented binary", "§5.4", "02 01: 61; 02 01!: 62", {
    error: "expected-continuation",
  }),
  ...rows("a message in two fragments", "§5.4", "02 02: 0102; 80 01: 03", { events: ["binary 010203"] }),
  ...rows("a message in many fragments", "§5.4", "01 01: 61; 00 00; 00 02: 6263; 00 01: 64; 80 00", {
    events: ['text "abcd"'],
  }),
  // Whatever the alignment, the character and what follows it lie behind the last whole word.
  ...[61, 62, 63, 64].flatMap((size) =>
    rows(
      `a fragment of ${size} letters, a character of two bytes, and a letter`,
      "§8.1",
      `01 ${hexByte(size + 3)}: 61*${size} c3a9 61; 80 01: 62`,
      { events: [`text ${JSON.stringify(`${"a".repeat(size)}éab`)}`] },
    )
  ),
  ...rows("an empty message in empty fragments", "§5.4", "01 00; 00 00; 80 00; 02 00; 80 00", {
    events: ['text ""', "binary "],
  }),
  ...rows(
    "fragments of each form of length",
    "§5.4",
    "02 01: 61; 00 7e 0080: 61*128; 80 7f 0000000000010000: 61*65536",
    {
      events: [message(65_665)],
    },
  ),
  ...rows("a Ping between fragments", "§5.5", "01 03: 48656c; 89 02: 6869; 80 02: 6c6f", {
    events: ['text "Hello"'],
    sent: ["8a 6869"],
  }),
  ...rows("a Pong between fragments", "§5.5", "01 03: 48656c; 8a 02: 6869; 80 02: 6c6f", {
    events: ["pong 6869", 'text "Hello"'],
  }),
  ...rows("control frames between empty fragments", "§5.5", "01 00; 89 00; 00 00; 8a 00; 89 01: 31; 80 00", {
    events: ["pong ", 'text ""'],
    sent: ["8a ", "8a 31"],
  }),
  ...rows("a Close between fragments", "§5.5.1", "01 03: 48656c; 88 02: 03e8", {
    events: ['close 1000 ""'],
    sent: ["88 03e8"],
  }),
  ...rows("a reserved opcode between fragments", "§5.2", "01 03: 48656c; 83 01!: 61", {
    error: "reserved-opcode",
  }),
  ...rows("two messages in a row", "§5.4", "81 01: 61; 82 02: 0102", { events: [TEXT_A, "binary 0102"] }),
  ...rows("two frames that may come in one read", "§5.2", `81 05: ${HELLO}; 81 06: 776f726c6421`, {
    events: ['text "Hello"', 'text "world!"'],
  }),
  ...rows("one frame that may come in two reads", "§5.2", "81 7e 007e: 61*126", {
    events: [`text "${"a".repeat(126)}"`],
  }),
  ...rows("Pings, Pongs and messages in a row", "§5.5", "89 01: 31; 81 01: 61; 8a 01: 32; 89 01: 33; 82 00", {
    events: [TEXT_A, "pong 32", "binary "],
    sent: ["8a 31", "8a 33"],
  }),
  ...rows("1,024 empty fragments", "§10.4", `01 00; ${"00 00; ".repeat(1_023)}80 01: 61`, {
    events: [TEXT_A],
  }),
  ...rows("1,025 empty fragments", "§10.4", `01 00; ${"00 00; ".repeat(1_023)}00 00!`, {
    error: "too-many-empty-fragments",
  }),
  ...rows("Pings do not make empty fragments good", "§10.4", `02 00; 00 00; 89 00; 00 00!`, {
    limits: { maxEmptyFragments: 2 },
    sent: ["8a "],
    error: "too-many-empty-fragments",
  }),
  ...rows("one byte makes empty fragments good", "§10.4", "01 00; 00 00; 00 01: 61; 00 00; 00 00; 80 00", {
    limits: { maxEmptyFragments: 2 },
    events: [TEXT_A],
  }),
  ...rows(
    "empty fragments of two messages do not add up",
    "§10.4",
    "01 00; 80 00; 01 00; 80 00; 01 00; 80 00",
    {
      limits: { maxEmptyFragments: 1 },
      events: ['text ""', 'text ""', 'text ""'],
    },
  ),
  ...rows("empty messages are no fragments", "§10.4", "81 00; 82 00; 81 00", {
    limits: { maxEmptyFragments: 0 },
    events: ['text ""', "binary ", 'text ""'],
  }),
  ...rows("no empty fragment where none is allowed", "§10.4", "01 00!", {
    limits: { maxEmptyFragments: 0 },
    error: "too-many-empty-fragments",
  }),
];

const sizes: FrameRow[] = [
  ...rows("a message of just the limit", "§10.4", "82 7e 0080: 61*128", {
    limits: { maxMessageSize: 128 },
    events: [message(128)],
  }),
  ...rows("a message declared one byte over the limit", "§10.4", "82 7e 0081!: 61*129", {
    limits: { maxMessageSize: 128 },
    error: "message-too-big",
  }),
  ...rows("a short message declared one byte over the limit", "§10.4", "81 0b!: 61*11", {
    limits: { maxMessageSize: 10 },
    error: "message-too-big",
  }),
  ...rows(
    "a message of 64 KiB declared where 64 KiB - 1 are allowed",
    "§10.4",
    "82 7f 0000000000010000!: 61",
    {
      limits: { maxMessageSize: 65_535 },
      error: "message-too-big",
    },
  ),
  ...rows("a byte where only empty messages are allowed", "§10.4", "81 00; 81 01!: 61", {
    limits: { maxMessageSize: 0 },
    events: ['text ""'],
    error: "message-too-big",
  }),
  ...rows("fragments of just the limit", "§10.4", "02 04: 61*4; 00 04: 61*4; 80 02: 61*2; 82 0a: 61*10", {
    limits: { maxMessageSize: 10 },
    events: [message(10), message(10)],
  }),
  ...rows("the fragment that passes the limit", "§10.4", "02 04: 61*4; 00 04: 61*4; 80 03!: 61*3", {
    limits: { maxMessageSize: 10 },
    error: "message-too-big",
  }),
  ...rows("an unfinished fragment that passes the limit", "§10.4", "02 0a: 61*10; 00 00; 00 01!: 61", {
    limits: { maxMessageSize: 10 },
    error: "message-too-big",
  }),
  ...rows("a control frame does not count for the limit", "§10.4", "02 04: 61*4; 89 14: 62*20; 80 06: 61*6", {
    limits: { maxMessageSize: 10 },
    events: [message(10)],
    sent: [`8a ${"62".repeat(20)}`],
  }),
  ...rows("fragments whose sum passes 2^31", "§10.4", "02 02: 6161; 80 7f 000000007fffffff!: 61", {
    limits: { maxMessageSize: 2 ** 31 },
    error: "message-too-big",
  }),
  ...rows("a frame of just the limit", "§10.4", "02 0a: 61*10; 80 0a: 61*10", {
    limits: { maxFrameSize: 10 },
    decoderOnly: true,
  }),
  ...rows("a frame declared one byte over the limit", "§10.4", "02 0a: 61*10; 80 0b!: 61*11", {
    limits: { maxFrameSize: 10 },
    error: "frame-too-big",
    decoderOnly: true,
  }),
  ...rows("a control frame does not fall under the limit of frames", "§5.5", "89 14: 61*20", {
    limits: { maxFrameSize: 10 },
    decoderOnly: true,
  }),
];

const VALID_CODES = [
  1000,
  1001,
  1002,
  1003,
  1007,
  1008,
  1009,
  1010,
  1011,
  1012,
  1013,
  1014,
  3000,
  3999,
  4000,
  4999,
];
const INVALID_CODES = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 9999, 32_768, 65_535];

const closes: FrameRow[] = [
  ...rows("a Close without a code", "§5.5.1", "88 00", { events: ['close 1005 ""'], sent: ["88 "] }),
  ...rows("a Close of 1 byte", "§5.5.1", "88 01: 03!", { error: "close-payload-short" }),
  ...VALID_CODES.flatMap((code) =>
    rows(`close code ${code}`, "§7.4", `88 02: ${hexCode(code)}`, {
      events: [`close ${code} ""`],
      sent: [`88 ${hexCode(code)}`],
    })
  ),
  ...INVALID_CODES.flatMap((code) =>
    rows(`close code ${code}`, "§7.4", `88 02: ${hexCode(code)}!`, { error: "close-code-invalid" })
  ),
  ...rows("an invalid close code with a bad reason", "§7.4", "88 03: 03ed ff!", {
    error: "close-code-invalid",
  }),
  ...rows("a Close with a reason", "§5.5.1", "88 05: 03e9 627965", {
    events: ['close 1001 "bye"'],
    sent: ["88 03e9627965"],
  }),
  ...rows("a Close with a reason that is not ASCII", "§5.5.1", "88 0c: 0bb8 e282ac f09f9880 efbbbf", {
    events: ['close 3000 "€😀\ufeff"'],
    sent: ["88 0bb8e282acf09f9880efbbbf"],
  }),
  ...["ff", "c080", "eda080", "f4908080", "61e282", "80"].flatMap((reason) =>
    rows(`the close reason ${reason}`, "§5.5.1", `88 ${hexByte(2 + reason.length / 2)}: 03e8 ${reason}!`, {
      error: "close-reason-utf8",
    })
  ),
  ...rows("frames behind the Close", "§5.5.1", "88 02: 03e8; 81 01: 61; 89 00; 8a 00; 88 00", {
    events: ['close 1000 ""'],
    sent: ["88 03e8"],
  }),
  ...rows("a message and a Ping before the Close", "§5.5.1", "81 01: 61; 89 01: 31; 88 02: 03e8", {
    events: [TEXT_A, 'close 1000 ""'],
    sent: ["8a 31", "88 03e8"],
  }),
  ...rows(
    "messages, Pings and Pongs behind our Close",
    "§1.4",
    "81 01: 61; 89 01: 31; 8a 01: 32; 02 01: 61",
    {
      closing: true,
    },
  ),
  ...rows("text behind our Close is not looked at", "§1.4", "81 01: ff; 88 02: 03e9", {
    closing: true,
    events: ['close 1001 ""'],
  }),
  ...rows("the answer to our Close", "§5.5.1", "88 02: 03e8", {
    closing: true,
    events: ['close 1000 ""'],
  }),
  ...rows("an empty answer to our Close", "§5.5.1", "81 01: 61; 88 00", {
    closing: true,
    events: ['close 1005 ""'],
  }),
  ...rows("a wrong code in answer to our Close", "§7.4", "88 02: 03ed", {
    closing: true,
    error: "close-code-invalid",
  }),
  ...rows("a fault behind our Close", "§5.2", "81 01: 61; 83 00!", {
    closing: true,
    error: "reserved-opcode",
  }),
];

/** Texts that are no UTF-8; `!` behind the first byte that cannot be right, nothing where only the end is missing. */
const BAD_TEXTS: readonly (readonly [name: string, hex: string])[] = [
  ["the first surrogate", "ed a0! 80"],
  ["the last surrogate", "ed bf! bf"],
  ["a pair of surrogates", "ed a1! 8c ed be b4"],
  ["an overlong NUL", "c0! 80"],
  ["an overlong U+007F", "c1! bf"],
  ["an overlong NUL of three bytes", "e0 80! 80"],
  ["an overlong U+07FF", "e0 9f! bf"],
  ["an overlong NUL of four bytes", "f0 80! 80 80"],
  ["an overlong U+FFFF", "f0 8f! bf bf"],
  ["U+110000", "f4 90! 80 80"],
  ["a form above U+10FFFF", "f5! 80 80 80"],
  ["a form of five bytes", "f8! 88 80 80 80"],
  ["a form of six bytes", "fc! 84 80 80 80 80"],
  ["FE", "fe!"],
  ["FF", "ff!"],
  ["a continuation byte first", "80!"],
  ["a continuation byte too many", "c3 a9 a9!"],
  ["two bytes, the second wrong", "c3 28!"],
  ["three bytes, the second wrong", "e2 28! a1"],
  ["three bytes, the third wrong", "e2 82 28!"],
  ["four bytes, the second wrong", "f0 28! 8c bc"],
  ["four bytes, the third wrong", "f0 9f 28! bc"],
  ["four bytes, the last wrong", "f0 9f 98 28!"],
  ["a sequence begun within another", "e2 e2! 82 ac"],
  ["a fault far behind good text", "61*60 c3a9 e282ac f09f9880 ff! 61"],
  ["a lone surrogate behind U+D7FF", "ed 9f bf ed a0! 80"],
];
const CUT_TEXTS = ["c3", "e2", "e282", "f0", "f09f", "f09f98", "61c3", "f09f9880f09f98"];

const byteLength = (hex: string): number => fromHex(hex.replace("!", "")).length;

const texts: FrameRow[] = [
  ...BAD_TEXTS.flatMap(([name, hex]) => [
    ...rows(`text with ${name}`, "§8.1", `81 ${lengthHex(byteLength(hex))}: ${hex}`, {
      error: "invalid-utf8",
    }),
    ...rows(
      `an unfinished text with ${name}`,
      "§8.1",
      `01 01: 61; 00 ${lengthHex(byteLength(hex))}: ${hex}`,
      {
        error: "invalid-utf8",
      },
    ),
  ]),
  ...CUT_TEXTS.flatMap((hex) => [
    ...rows(`text that ends in the middle of ${hex}`, "§8.1", `81 ${hexByte(hex.length / 2)}: ${hex}!`, {
      error: "invalid-utf8",
    }),
    ...rows(
      `fragments that end in the middle of ${hex}`,
      "§8.1",
      `01 ${hexByte(hex.length / 2)}: ${hex}; 80 00: !`,
      {
        error: "invalid-utf8",
      },
    ),
  ]),
  ...rows("a code point that the next fragment does not finish", "§8.1", "01 02: e282; 00 01: 61!", {
    error: "invalid-utf8",
  }),
  ...rows("a code point over four fragments", "§5.6", "01 01: f0; 00 01: 9f; 00 01: 98; 80 01: 80", {
    events: ['text "😀"'],
  }),
  ...rows(
    "a code point over fragments with Pings between",
    "§5.6",
    "01 01: e2; 89 01: ff; 00 01: 82; 89 00; 80 01: ac",
    {
      events: ['text "€"'],
      sent: ["8a ff", "8a "],
    },
  ),
  ...rows("a text does not go on where the last one was cut off", "§8.1", "81 01: 61; 81 01: 80!", {
    events: [TEXT_A],
    error: "invalid-utf8",
  }),
  ...rows("bytes that are no text, as binary", "§5.6", "82 04: ffc0eda0; 02 01: ff; 80 01: fe", {
    events: ["binary ffc0eda0", "binary fffe"],
  }),
  ...[
    ["U+0000", "00", "\0"],
    ["U+007F", "7f", "\x7f"],
    ["U+0080", "c280", "\x80"],
    ["U+07FF", "dfbf", "\u07ff"],
    ["U+0800", "e0a080", "\u0800"],
    ["U+D7FF", "ed9fbf", "\ud7ff"],
    ["U+E000", "ee8080", "\ue000"],
    ["U+FEFF", "efbbbf", "\ufeff"],
    ["U+FFFF", "efbfbf", "\uffff"],
    ["U+10000", "f0908080", "\u{10000}"],
    ["U+10FFFF", "f48fbfbf", "\u{10ffff}"],
    ["U+FEFF before and within a text", "efbbbf61efbbbf", "\ufeffa\ufeff"],
  ].flatMap(([name, hex, text]) =>
    rows(
      `the text ${name}`,
      "§5.6",
      `81 ${hexByte(hex!.length / 2)}: ${hex}; 01 00; 80 ${hexByte(hex!.length / 2)}: ${hex}`,
      {
        events: [`text ${JSON.stringify(text)}`, `text ${JSON.stringify(text)}`],
      },
    )
  ),
  ...rows("a long text that is not ASCII", "§5.6", "81 7e 012c: e282ac*100", {
    events: [`text "${"€".repeat(100)}"`],
  }),
];

/** All rows; the RFC's samples come first. */
export const FRAME_ROWS: readonly FrameRow[] = [
  ...samples,
  ...lengths,
  ...headers,
  ...fragments,
  ...sizes,
  ...closes,
  ...texts,
];
