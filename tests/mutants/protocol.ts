/**
 * The guards of the core: headers, messages, text, Close, extensions.
 *
 * @module
 */

import { type Mutant, mutantsOf } from "./mutant.ts";

const FRAMES = ["tests/protocol/frame_vectors_test.ts", "tests/protocol/endpoint_vectors_test.ts"];
const ENDPOINT = ["tests/protocol/endpoint_test.ts", "tests/protocol/endpoint_turns_test.ts", ...FRAMES];
const DEFLATE = ["tests/protocol/endpoint_deflate_test.ts", "tests/adapters/zlib_payloads_test.ts"];

const header = mutantsOf("lib/protocol/header.ts", FRAMES, [
  ["RSV2 and RSV3 are zero", `if ((first & 0x30) !== 0) return "reserved-bit";`, ""],
  ["RSV1 needs an extension", "!context.rsv1 || (opcode", "(opcode"],
  [
    "RSV1 is for the first frame of a message",
    "(!context.rsv1 || (opcode !== Opcode.Text && opcode !== Opcode.Binary))",
    "!context.rsv1",
  ],
  ["opcodes are known", `if ((opcode & 0x7) > 2) return "reserved-opcode";`, ""],
  [
    "clients mask, servers do not",
    `if (((second & 0x80) !== 0) !== context.masked) return context.masked ? "unmasked-frame" : "masked-frame";`,
    "",
  ],
  ["control frames are whole", `if (!fin) return "fragmented-control";`, ""],
  [
    "control frames are short",
    `(second & 0x7f) > MAX_CONTROL_LENGTH ? "control-too-long" : undefined`,
    "undefined",
  ],
  ["a continuation continues something", `if (!context.fragmented) return "unexpected-continuation";`, ""],
  [
    "a message is not begun in another",
    '} else if (context.fragmented) {\n    return "expected-continuation";\n  }',
    "}",
  ],
  ["16-bit lengths are needed", "(form === 126 && length < 126) || ", ""],
  ["64-bit lengths are needed", " || (form === 127 && length < 65_536)", ""],
  ["the highest bit of a length is 0", `if (length === LENGTH_INVALID) return "length-out-of-range";`, ""],
  ["frames are no longer than they may be", `if (length > context.maxFrameSize) return "frame-too-big";`, ""],
  [
    "messages are no longer than they may be, by their headers",
    `if (length > limit - context.messageSize) return "message-too-big";`,
    "",
  ],
  ["frames before count for a message's length", "limit - context.messageSize", "limit"],
  [
    "empty fragments in a row are few",
    "length === 0 && !fin && context.emptyFragments >= context.maxEmptyFragments",
    "false",
  ],
  ["only fragments are held to that", "length === 0 && !fin && ", "length === 0 && "],
]);

const decoder = mutantsOf("lib/protocol/frame_decoder.ts", [...ENDPOINT, ...DEFLATE], [
  ["messages are no longer than numbers are exact", "Math.min(maxMessageSize, MAX_LENGTH)", "maxMessageSize"],
  [
    "lengths of less than 2^63 bytes are valid",
    "size === 8 && bytes[at]! > 0x7f ? LENGTH_INVALID : readUint(bytes, at, size)",
    "readUint(bytes, at, size) >= 2 ** 63 ? LENGTH_INVALID : readUint(bytes, at, size)",
  ],
  ["fragments add up", "this.fin ? 0 : context.messageSize + length", "0"],
  ["empty fragments add up", "context.emptyFragments + 1 : 0", "0 : 0"],
  ["what is compressed is limited too", "maxMessageSize + maxMessageSize / 7 + 1_024", "Infinity"],
  ["a header in two chunks is judged", "if (this.#headerLength > 0) return this.#continueHeader();", ""],
]);

const assembler = mutantsOf(
  "lib/protocol/message_assembler.ts",
  [
    "tests/protocol/message_assembler_test.ts",
    "tests/streams/message_decoder_stream_test.ts",
    ...FRAMES,
    ...DEFLATE,
  ],
  [
    [
      "the first frame is no continuation, and others are",
      "if (goesOn !== (this.#opcode !== undefined)) {",
      "if (false) {",
    ],
    [
      "a whole message is no longer than it may be",
      `if (payload.length > this.maxMessageSize) throw new WebSocketError("message-too-big");`,
      "",
    ],
    [
      "what is compressed needs a decompressor",
      `if (rsv1 && this.#inflater === undefined) throw new WebSocketError("reserved-bit");`,
      "",
    ],
    [
      "text is checked as it comes",
      "this.#validator !== undefined && !this.#validator.write(fitting)",
      "this.#validator !== undefined && !this.#validator.write(fitting) && false",
    ],
    [
      "a message is limited while it is decompressed",
      `if (this.#size > this.maxMessageSize) throw new WebSocketError("message-too-big");`,
      "",
    ],
    [
      "text does not end in a sequence",
      `if (!complete) throw new WebSocketError("invalid-utf8");`,
      "",
      "decodeUtf8 behind it finds the same",
    ],
  ],
);

const streaming = [
  ...mutantsOf("lib/protocol/message_assembler.ts", ["tests/protocol/endpoint_streaming_test.ts"], [
    [
      "a text is cut between two code points",
      "const border = lastBorder(bytes);",
      "const border = bytes.length;",
    ],
    ["what was gathered goes with the first part", " || this.#collector!.length > 0", ""],
  ]),
  ...mutantsOf("lib/protocol/message_assembler.ts", ["tests/streams/message_streams_test.ts"], [
    ["a streamed message has its limit too", "    this.#measure(frame.payload);\n", ""],
  ]),
  ...mutantsOf("lib/protocol/endpoint.ts", ["tests/protocol/endpoint_turns_test.ts"], [
    ["what comes out takes its part of a turn", " + this.#assembler.decompressed / BYTES_PER_FRAME", ""],
  ]),
  ...mutantsOf("lib/protocol/endpoint.ts", ["tests/protocol/endpoint_streaming_test.ts"], [
    [
      "a Ping that waits is copied",
      "this.#pendingPong = copyBytes(payload);",
      "this.#pendingPong = payload;",
    ],
  ]),
  ...mutantsOf("lib/protocol/byte_collector.ts", ["tests/protocol/endpoint_room_test.ts"], [
    [
      "memory that was lent to be read into never goes to the pool",
      "    this.#pooled = undefined;\n    return this.#buffer.subarray",
      "    return this.#buffer.subarray",
    ],
  ]),
  ...mutantsOf("lib/protocol/byte_collector.ts", ["tests/protocol/byte_collector_test.ts"], [
    ["what is expected has a limit, too", "Math.min(expected, most)", "expected"],
    ["memory for what is expected is taken at once", "Math.min(expected, most)", "0"],
    ["too little expected costs no copies", "Math.max(this.#buffer.length * 2, ", "Math.max(0, "],
  ]),
  ...mutantsOf("lib/protocol/read_buffers.ts", ["tests/protocol/endpoint_streaming_test.ts"], [
    ["what waits is not written to", "if (buffer.unread > 0) return undefined;", ""],
  ]),
];

const utf8 = mutantsOf("lib/protocol/utf8.ts", ["tests/protocol/utf8_test.ts"], [
  ["C0 and C1 are overlong", "byte >= 0xc2 && byte <= 0xdf", "byte >= 0xc0 && byte <= 0xdf"],
  ["F5 is beyond Unicode", "byte >= 0xf0 && byte <= 0xf4", "byte >= 0xf0 && byte <= 0xf5"],
  ["E0 80 is overlong", "if (byte === 0xe0) this.#lower = 0xa0;\n    else ", ""],
  ["ED A0 is a surrogate", "else if (byte === 0xed) this.#upper = 0x9f;", ""],
  ["F0 80 is overlong", "else if (byte === 0xf0) this.#lower = 0x90;", ""],
  ["F4 90 is beyond Unicode", "else if (byte === 0xf4) this.#upper = 0x8f;", ""],
  ["continuations are in range", "if (byte < this.#lower || byte > this.#upper) return false;", ""],
  ["text ends with a whole sequence", "const complete = this.#needed === 0;", "const complete = true;"],
  [
    "what stands for the invalid is looked into",
    `text.includes("\\uFFFD") ? decodeStrictly(bytes) : text`,
    "text",
  ],
  [
    "a byte order mark is text",
    `const lenient = new TextDecoder("utf-8", { ignoreBOM: true });`,
    `const lenient = new TextDecoder("utf-8");`,
  ],
]);

const close = mutantsOf(
  "lib/protocol/close_payload.ts",
  ["tests/protocol/close_payload_test.ts", ...FRAMES],
  [
    [
      "a Close of one byte is none",
      `if (payload.length === 1) throw new WebSocketError("close-payload-short");`,
      "",
    ],
    [
      "close codes are judged",
      `if (!isCloseCode(closeCode)) throw new WebSocketError("close-code-invalid");`,
      "",
    ],
    ["1004 to 1006 are not sent", "(code >= 1007 && code <= 1014)", "(code >= 1004 && code <= 1014)"],
    ["1015 is not sent", "(code >= 1007 && code <= 1014)", "(code >= 1007 && code <= 1015)"],
    ["1016 to 2999 are nobody's", "(code >= 3000 && code <= 4999)", "(code >= 1016 && code <= 4999)"],
    ["codes end at 4999", "code <= 4999", "code <= 65_535"],
    ["reasons are UTF-8", "decodeUtf8(payload.subarray(2))", "new TextDecoder().decode(payload.subarray(2))"],
    ["reasons are cut at 123 bytes", "new Uint8Array(MAX_CONTROL_LENGTH)", "new Uint8Array(200)"],
  ],
);

const endpoint = mutantsOf("lib/protocol/endpoint.ts", ENDPOINT, [
  [
    "behind our Close messages are thrown away",
    `if (this.#life.receives !== "all") return undefined;`,
    "",
  ],
  [
    "behind our Close Pings are not answered",
    `if (this.#life !== LIFE.open) return undefined;\n    if (opcode === Opcode.Pong)`,
    "if (opcode === Opcode.Pong)",
  ],
  [
    "one Pong waits at most",
    "if (this.congested) this.#pendingPong = copyBytes(payload);\n    else this",
    "this",
  ],
  [
    "a Pong that waited is not sent behind a Close",
    "payload !== undefined && this.canSend",
    "payload !== undefined",
  ],
  ["a fault behind our Close is not told of", "if (sends) this.#sendControl", "this.#sendControl"],
  [
    "behind the end nothing is decoded",
    `if (this.#life.receives === "nothing") return undefined;`,
    "",
  ],
  [
    "a turn ends",
    "return this.#frames + this.#assembler.decompressed",
    "return this.#assembler.decompressed",
  ],
]);

const LIVES = ["tests/protocol/life_test.ts"];

const lives = [
  ...mutantsOf("lib/protocol/endpoint.ts", LIVES, [
    [
      "a client lets the server end the stream first",
      `if (this.#life !== LIFE.closed || this.#role === "server") this`,
      "this",
    ],
    ["an end that was told is not told again", "over || !this.finished || code", "code"],
    ["what did not end it is no end", "over || !this.finished || code", "over || code"],
    ["an end that is late is answered", `: this.#answer("late")`, `: this.#note("late")`],
    ["an end waits though the stream has ended", `if (deadline !== "answer") this.#end`, "this.#end"],
    ["a lost stream is not answered", `if (step !== "lost") {`, "if (true) {"],
    ["so is a Close", "if (this.#life === LIFE.lost) return this.#finishLost();\n    const", "const"],
  ]),
  ...mutantsOf("lib/protocol/state.ts", ["tests/protocol/state_test.ts"], [
    [
      "a stream that ends after the peer's Close does not end our sending",
      `      late: "closed",
      fail: "failed",
      peerEnded: "unanswered",`,
      `      late: "closed",
      fail: "failed",
      peerEnded: "finishing",`,
    ],
    ["what a lost stream left is read", `      lost: "lost",`, `      lost: "gone",`],
  ]),
];

const extensions = mutantsOf(
  "lib/handshake/extensions.ts",
  ["tests/handshake/extensions_test.ts", "tests/handshake/deflate_negotiation_test.ts"],
  [
    ["extensions end where the header does", "reader.atEnd ? extensions : undefined", "extensions"],
    ["extensions have names", `if (name === "") return undefined;`, ""],
    ["parameters have names", `if (parameter === "") return undefined;`, ""],
    ["values are not empty", `if (value === "") return undefined;`, ""],
    ["quoted values are tokens", "if (octet === undefined || !TOKEN.has(octet))", "if (octet === undefined)"],
    ["quotes are closed", `return this.take('"') ? value : "";`, `this.take('"');\n    return value;`],
  ],
);

const negotiation = mutantsOf(
  "lib/handshake/deflate_negotiation.ts",
  ["tests/handshake/deflate_negotiation_test.ts"],
  [
    ["few offers are looked at", "offers.slice(0, MAX_OFFERS)", "offers"],
    ["no window of 256 bytes is promised", "if (parameters.server_max_window_bits === 8) continue;", ""],
    [
      "a server's window has a size",
      "parameters === undefined || parameters.server_max_window_bits === 0",
      "parameters === undefined",
    ],
    [
      "parameters come once",
      "if (number === undefined || read.has(name)) return undefined;",
      "if (number === undefined) return undefined;",
    ],
    ["parameters are known", "default:\n      return undefined;", "default:\n      return 0;"],
    ["flags have no value", "return value === undefined ? 0 : undefined;", "return 0;"],
    ["windows are plain numbers from 8 to 15", "WINDOW_BITS.get(value)", "Number(value)"],
    ["an answer is one extension", "answer.length !== 1 || ", ""],
    [
      "and the one that was offered",
      " || extension?.name !== PERMESSAGE_DEFLATE",
      " || extension === undefined",
    ],
    ["an answer's windows have sizes", "server === 0 || client === 0 || ", ""],
    ["a server keeps to the window offered", " && server > offered", " && false"],
  ],
);

const inflater = mutantsOf(
  "lib/adapters/zlib/inflater.ts",
  ["tests/adapters/zlib_test.ts", ...DEFLATE],
  [
    ["a message ends at the border of a block", " || !RESTS.has(this.#zlib.left)", ""],
    ["and has nothing left to give", "extra?.length !== 0 || ", ""],
    ["to begin anew is dear", "this.#restarts++ > FREE_RESTARTS + this.#total / BYTES_PER_RESTART", "false"],
    [
      "what zlib refuses is invalid",
      `if (latest === undefined) throw new WebSocketError("invalid-deflate");`,
      "if (latest === undefined) return undefined;",
    ],
  ],
);

/** The guards of the core. */
export const protocolMutants: readonly Mutant[] = [
  ...header,
  ...decoder,
  ...assembler,
  ...streaming,
  ...utf8,
  ...close,
  ...endpoint,
  ...lives,
  ...extensions,
  ...negotiation,
  ...inflater,
];
