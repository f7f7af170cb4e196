import { assertEquals, assertMatch } from "#std/assert";
import { test } from "node:test";
import { CONNECTION_FAULTS } from "../../lib/errors.ts";
import { otherRole, rowBytes } from "../protocol/replay.ts";
import { DEFLATE_ROWS } from "../vectors/deflate_frames.ts";
import { whole } from "../vectors/deflate_blocks.ts";
import { FRAME_ROWS, type FrameRow, lengthHex, parseWire } from "../vectors/frames.ts";
import { toHex } from "../vectors/hex.ts";
import { readStream, type ReferenceLog } from "./reference_reader.ts";

function read(row: FrameRow): ReferenceLog {
  const { maxMessageSize = 1_048_576, maxEmptyFragments = 1_024 } = row.limits;
  return readStream(rowBytes(row), {
    sender: otherRole(row.role),
    deflate: row.takeover === undefined ? undefined : { bits: 15, takeover: row.takeover },
    maxMessageSize,
    maxCompressedSize: maxMessageSize + maxMessageSize / 7 + 1_024,
    maxEmptyFragments,
  });
}

function closeCodeOf({ error }: FrameRow): number | undefined {
  return error && CONNECTION_FAULTS[error][0];
}

const ROWS = [...FRAME_ROWS, ...DEFLATE_ROWS].filter((row) => !row.decoderOnly && !row.closing);

for (const row of ROWS) {
  test(`reference, ${row.role}: ${row.name} comes to what the vector says (${row.section})`, () => {
    const { events, violation } = read(row);
    assertEquals(events.filter((event) => !event.startsWith("ping")), [...row.events]);
    assertEquals(violation?.closeCode, closeCodeOf(row));
  });
}

/** What no sender may send, unmasked, and what the reader says of it. */
const VIOLATIONS: readonly (readonly [what: string, wire: string, said: RegExp])[] = [
  ["a second Close", "88 02: 03e8; 88 02: 03e8", /behind the Close/],
  ["a Pong behind the Close", "88 00; 8a 00", /behind the Close/],
  ["one byte behind the Close", "88 00; 81", /behind the Close/],
  ["a 16-bit length for 125 bytes", "82 7e 00 7d: 61*125", /shortest form/],
  ["a 64-bit length for 126 bytes", "82 7f 00 00 00 00 00 00 00 7e: 61*126", /shortest form/],
  ["RSV1 without an agreement", "c1 01: 00", /RSV1/],
  ["RSV2", "a1 00", /RSV2/],
  ["opcode 3", "83 00", /opcode 3/],
  ["a continuation of nothing", "80 00", /out of turn/],
  ["a text within a text", "01 00; 81 00", /out of turn/],
  ["a Ping in fragments", "09 00", /fragments/],
  ["a Ping of 126 bytes", "89 7e 00 7e: 61*126", /125/],
  ["close code 1005", "88 02: 03ed", /close code 1005/],
  ["close code 1006", "88 02: 03ee", /close code 1006/],
  ["a Close of one byte", "88 01: 03", /one byte/],
  ["half a character as a reason", "88 03: 03e8 c3", /no UTF-8/],
  ["half a character as a text", "81 01: c3", /within a character/],
  ["a lone surrogate", "81 03: ed a0 80", /no UTF-8/],
];

for (const sender of ["server", "client"] as const) {
  const masked = sender === "client";
  for (const [what, wire, said] of VIOLATIONS) {
    test(`the reference takes offence at ${what} from a ${sender}`, () => {
      const { bytes } = parseWire(wire, { masked });
      const { violation } = readStream(bytes, { sender });
      const behind = what.includes("behind") || what.includes("second");
      if (behind) assertEquals(violation, undefined, "a receiver is to ignore it");
      assertMatch(
        (behind ? readStream(bytes, { sender, strict: true }).violation : violation)?.what ?? "",
        said,
      );
    });
  }

  test(`the reference takes offence at a ${sender} that ${masked ? "does not mask" : "masks"}`, () => {
    const { bytes } = parseWire("81 01: 61", { masked: !masked });
    assertEquals(readStream(bytes, { sender }).violation, {
      closeCode: 1002,
      what: masked ? "no mask" : "a mask",
    });
  });

  test(`the reference takes offence at RSV1 of a ${sender} behind the first fragment and on a Ping`, () => {
    for (const wire of ["41 01: 00; c0 00", "c9 00"]) {
      const { bytes } = parseWire(wire, { masked });
      const { violation } = readStream(bytes, { sender, deflate: { bits: 15, takeover: false } });
      assertEquals(violation?.what, "RSV1 out of place");
    }
  });
}

test("the reference takes offence at a masking key that comes twice in a row, of a sender alone", () => {
  const { bytes } = parseWire("81 01: 61; 81 01: 62", { masked: true });
  assertEquals(readStream(bytes, { sender: "client" }).events.length, 2);
  const { violation } = readStream(bytes, { sender: "client", strict: true });
  assertEquals(violation?.what, "the same masking key twice in a row");
});

test("the reference takes offence at a copy from behind the sender's window, of a sender alone", () => {
  for (const [distance, wrong] of [[512, false], [513, true]] as const) {
    const payload = toHex(whole([{ stored: "a".repeat(600) }, { fixed: [[3, distance]] }]));
    const { bytes } = parseWire(`c2 ${lengthHex(payload.length / 2)}: ${payload}`, { masked: false });
    const options = { sender: "server", deflate: { bits: 9, takeover: false } } as const;
    assertEquals(readStream(bytes, options).events.length, 1);
    assertEquals(readStream(bytes, { ...options, strict: true }).violation !== undefined, wrong);
  }
});
