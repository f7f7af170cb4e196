import { assertEquals } from "#std/assert";
import { test } from "node:test";
import { FrameDecoderStream } from "../../lib/streams/frame_decoder_stream.ts";
import { wireTo } from "../protocol/replay.ts";
import { fromHex } from "../vectors/hex.ts";
import { collect, outcome, settled, sourceOf } from "./drive.ts";

test("a frame is limited to 1 MiB unless told otherwise, and its header is enough to know", async () => {
  const run = async (hex: string, options?: { maxFrameSize: number }): Promise<string> => {
    const stream = new FrameDecoderStream({ role: "client", ...options });
    const [reader, writer] = [stream.readable.getReader(), stream.writable.getWriter()];
    const read = reader.read();
    writer.write(fromHex(hex)).catch(() => {});
    const result = await settled(read);
    reader.cancel().catch(() => {});
    return result;
  };
  assertEquals(await run("82 7f 0000000000100001"), "frame-too-big");
  assertEquals(await run("82 7f 0000000000100000"), "pending");
  assertEquals(await run("82 7f 0000000000100001", { maxFrameSize: Infinity }), "pending");
  assertEquals(await run("82 7e 0401", { maxFrameSize: 1024 }), "frame-too-big");
  assertEquals(await run("82 7e 0400", { maxFrameSize: 1024 }), "pending");
});

test("a fragmented message may be longer than a frame", async () => {
  const bytes = wireTo("server", "02 04: 61*4; 00 04: 61*4; 80 04: 61*4");
  const collected = await collect(
    sourceOf([bytes]).readable.pipeThrough(new FrameDecoderStream({ maxFrameSize: 4 })),
  );
  assertEquals([collected.items.length, outcome(collected)], [3, "end"]);
});

test("a violation is known from two bytes, before any payload", async () => {
  const stream = new FrameDecoderStream();
  const [reader, writer] = [stream.readable.getReader(), stream.writable.getWriter()];
  const read = reader.read();
  writer.write(fromHex("8105")).catch(() => {});
  assertEquals(await settled(read), "unmasked-frame");
});

test("a frame waits for its last byte, and comes out with it", async () => {
  const stream = new FrameDecoderStream({ role: "client" });
  const [reader, writer] = [stream.readable.getReader(), stream.writable.getWriter()];
  const read = reader.read();
  await writer.write(fromHex("8203 61"));
  await writer.write(fromHex("62"));
  assertEquals(await settled(read), "pending");
  await writer.write(fromHex("63"));
  assertEquals((await read).value?.payload, fromHex("616263"));
  await reader.cancel();
});

test("10,000 frames in one chunk come out in order", async () => {
  const chunk = new Uint8Array(40_000);
  for (let i = 0; i < 10_000; i++) chunk.set([0x82, 2, i >> 8, i & 0xff], i * 4);
  const { items, error } = await collect(
    sourceOf([chunk]).readable.pipeThrough(new FrameDecoderStream({ role: "client" })),
  );
  assertEquals([items.length, error], [10_000, undefined]);
  assertEquals(items.findIndex(({ payload }, i) => payload[0]! * 256 + payload[1]! !== i), -1);
});
