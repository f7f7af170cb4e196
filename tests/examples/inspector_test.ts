import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import fc from "fast-check";
import { FrameReader } from "../../examples/demo/frame_reader.ts";
import { check } from "../support/property.ts";

const HEAD = "GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** A frame's bytes, of text, with its length in the shortest form. */
function frameOf(length: number, masked: boolean): Uint8Array {
  const bit = masked ? 0x80 : 0;
  const extended = length < 126
    ? [bit | length]
    : length < 65_536
    ? [bit | 126, length >> 8, length & 255]
    : [bit | 127, 0, 0, 0, 0, length >>> 24, length >> 16 & 255, length >> 8 & 255, length & 255];
  const header = [0x81, ...extended, ...masked ? [1, 2, 3, 4] : []];
  const frame = new Uint8Array(header.length + length).fill(0x61);
  frame.set(header);
  return frame;
}

/** Reads bytes in parts; returns what was told. */
function read(parts: readonly Uint8Array[]): string[] {
  const told: string[] = [];
  const reader = new FrameReader({
    head: (text) => told.push(text),
    frame: ({ bytes, size }) =>
      told.push(`${size} bytes, ${bytes.length} kept, ${bytes.slice(0, 14).join()}`),
  });
  for (const part of parts) reader.push(part);
  return told;
}

test("inspector: frames are told from each other however the bytes are cut", () => {
  const lengths = fc.array(fc.constantFrom(0, 1, 125, 126, 127, 65_535, 65_536, 70_000), { maxLength: 5 });
  check(
    fc.property(
      lengths,
      fc.boolean(),
      fc.array(fc.nat(300_000), { maxLength: 20 }),
      (lengths, masked, cuts) => {
        const frames = lengths.map((length) => frameOf(length, masked));
        const stream = Buffer.concat([new TextEncoder().encode(HEAD), ...frames]);
        const ends = [
          ...cuts.filter((cut) => cut < stream.length).sort((a, b) => a - b),
          stream.length,
        ];
        const parts = ends.map((end, i) => stream.subarray(ends[i - 1] ?? 0, end));
        assertEquals(read(parts), [
          HEAD,
          ...frames.map((frame) =>
            `${frame.length} bytes, ${Math.min(frame.length, 4_096)} kept, ${frame.slice(0, 14).join()}`
          ),
        ]);
      },
    ),
  );
});

/** A part of the picture of a frame. */
interface Piece {
  readonly field: string;
  readonly bits: number;
}

/** The pages' modules are JavaScript, and have no types. */
const { layOut, readFrame } = await import("../../examples/demo/public/frame.js" as string) as {
  readFrame(bytes: Uint8Array, size: number): { header: number };
  layOut(frame: unknown): Piece[];
};
const { pauseBefore } = await import("../../examples/demo/public/live_socket.js" as string) as {
  pauseBefore(attempt: number, random: number): number;
};

test("inspector: a picture has the header bit by bit, in rows of 32", () => {
  for (const length of [0, 1, 2, 5, 125, 126, 65_535, 65_536, 70_000]) {
    for (const masked of [false, true]) {
      const bytes = frameOf(length, masked);
      const frame = readFrame(bytes, bytes.length);
      const pieces = layOut(frame);
      const header = pieces.filter(({ field }) => field !== "payload");
      assertEquals(header.reduce((sum, { bits }) => sum + bits, 0), frame.header * 8);
      let at = 0;
      for (const { bits } of pieces) {
        assert(bits > 0 && at % 32 + bits <= 32, `a piece of ${bits} bits at ${at}`);
        at += bits;
      }
      assert(at <= bytes.length * 8);
    }
  }
});

test("pages: the pause before an attempt doubles, has a limit, and is half left to chance", () => {
  assertEquals([1, 2, 3, 4, 5, 6, 20].map((attempt) => pauseBefore(attempt, 0)), [
    200,
    400,
    800,
    1_600,
    3_200,
    4_000,
    4_000,
  ]);
  for (const attempt of [1, 3, 9]) assertEquals(pauseBefore(attempt, 1), 2 * pauseBefore(attempt, 0));
});
