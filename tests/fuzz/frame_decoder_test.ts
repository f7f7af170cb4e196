import { assertEquals, assertLessOrEqual } from "#std/assert";
import fc from "fast-check";
import { CONNECTION_FAULTS } from "../../lib/errors.ts";
import type { Frame } from "../../lib/protocol/frame.ts";
import type { FrameDecoderOptions } from "../../lib/protocol/frame_decoder.ts";
import { decode, decodeLines, joinLines } from "../protocol/replay.ts";
import { splitAt } from "../vectors/splits.ts";
import { fuzz, largestAllocation } from "./fuzz.ts";
import { cuts, framesStream, noiseStream, type Stream } from "./streams.ts";

/** How many bytes a frame takes on the wire. */
function sizeOf({ payload: { length } }: Frame, { role }: Stream): number {
  return 2 + (length < 126 ? 0 : length < 65_536 ? 2 : 8) + (role === "server" ? 4 : 0) + length;
}

function decodes(stream: Stream, maxFrameSize: number, places: readonly number[]): void {
  const { bytes, deflate, role, maxMessageSize, maxEmptyFragments } = stream;
  const options: FrameDecoderOptions = {
    ...{ role, maxFrameSize, maxMessageSize, maxEmptyFragments },
    rsv1: deflate !== undefined,
  };
  const chunks = splitAt(bytes, places);
  let frames: ReturnType<typeof decode> = [];
  const largest = largestAllocation(() => frames = decode(chunks, options));
  // Memory is taken for bytes received, 16 times as much at most where a header promises more.
  assertLessOrEqual(largest, Math.max(1_024, 2 * 16 * bytes.length));
  assertLessOrEqual(frames.reduce((sum, frame) => sum + sizeOf(frame, stream), 0), bytes.length);
  for (const { opcode, payload } of frames) {
    assertLessOrEqual(payload.length, opcode >= 8 ? 125 : Math.min(maxFrameSize, bytes.length));
  }
  if (frames.error !== undefined) assertEquals(frames.error in CONNECTION_FAULTS, true);
  assertEquals(decodeLines(chunks, options), decodeLines([bytes], options));
  const piecewise = joinLines(decode(chunks, { ...options, pieces: true }));
  assertEquals(piecewise, joinLines(decode([bytes], { ...options, pieces: true })));
}

const maxFrameSize = fc.constantFrom(Infinity, Infinity, 130, 5, 0);

fuzz(
  "the decoder takes any noise: what it returns and holds is never more than it was given",
  15_000,
  fc.property(noiseStream, maxFrameSize, cuts, decodes),
);

fuzz(
  "the decoder takes frames with any fault: what it returns and holds is never more than it was given",
  5_000,
  fc.property(framesStream, maxFrameSize, cuts, decodes),
);
