import { assertEquals } from "#std/assert";
import { test } from "node:test";
import { FrameDecoderStream } from "../../lib/streams/frame_decoder_stream.ts";
import { MessageDecoderStream } from "../../lib/streams/message_decoder_stream.ts";
import { showFrame } from "../protocol/replay.ts";
import { FRAME_ROWS, type FrameRow } from "../vectors/frames.ts";
import { fromHex, show } from "../vectors/hex.ts";
import { collect, outcome, sourceOf } from "./drive.ts";

/** The limits that the streams know. */
const LIMITS: readonly string[] = ["maxFrameSize", "rsv1"];

const rows = FRAME_ROWS.filter(({ limits }) => Object.keys(limits).every((name) => LIMITS.includes(name)));

function chunkings(row: FrameRow): Uint8Array[][] {
  const bytes = fromHex(row.hex);
  const whole = [bytes];
  return bytes.length > 1_000 ? [whole] : [whole, Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))];
}

for (const row of rows) {
  const end = row.inHeader ? row.error! : "end";
  test(`FrameDecoderStream, ${row.role}: ${row.name} gives ${row.frames.length} frames, then ${end}`, async () => {
    for (const chunks of chunkings(row)) {
      const frames = sourceOf(chunks).readable.pipeThrough(
        new FrameDecoderStream({ role: row.role, ...row.limits }),
      );
      const collected = await collect(frames);
      assertEquals(collected.items.map(showFrame), [...row.frames]);
      assertEquals(outcome(collected), end);
    }
  });
}

for (const row of rows.filter((row) => !row.closing && !row.decoderOnly)) {
  const messages = row.events.filter((event) => /^(?:text|binary)/.test(event));
  const end = row.error ?? "end";
  test(`MessageDecoderStream, ${row.role}: ${row.name} gives ${messages.length} messages, then ${end}`, async () => {
    for (const chunks of chunkings(row)) {
      const collected = await collect(
        sourceOf(chunks).readable
          .pipeThrough(new FrameDecoderStream({ role: row.role, ...row.limits }))
          .pipeThrough(new MessageDecoderStream()),
      );
      const lines = collected.items.map((message) =>
        typeof message === "string" ? `text ${JSON.stringify(message)}` : `binary ${show(message)}`
      );
      assertEquals(lines, messages);
      assertEquals(outcome(collected), end);
    }
  });
}
