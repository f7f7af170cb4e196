import { assertEquals } from "#std/assert";
import { test } from "node:test";
import { type Frame, Opcode } from "../../lib/protocol/frame.ts";
import { MessageDecoderStream } from "../../lib/streams/message_decoder_stream.ts";
import { showFrame } from "../protocol/replay.ts";
import { fromHex } from "../vectors/hex.ts";
import { collect, outcome, pause, settled, sourceOf } from "./drive.ts";

function frame(opcode: Opcode, hex: string, fin = true): Frame {
  return { fin, rsv1: false, opcode, payload: fromHex(hex) };
}

const text = (hex: string): Frame => frame(Opcode.Text, hex);

test("a Close ends the messages, and what follows it is discarded", async () => {
  const source = sourceOf([
    text("61"),
    frame(Opcode.Close, "03e8"),
    text("62"),
    text("ff"),
    frame(Opcode.Ping, ""),
  ]);
  const heard: string[] = [];
  const stream = new MessageDecoderStream({ onControl: (frame) => heard.push(showFrame(frame)) });
  const collected = await collect(source.readable.pipeThrough(stream));
  assertEquals([collected.items, outcome(collected)], [["a"], "end"]);
  await pause();
  assertEquals([source.taken, source.cancelled, heard], [5, undefined, []]);
});

test("writes behind a Close succeed although nobody reads, and so does the end", async () => {
  const stream = new MessageDecoderStream();
  const [reader, writer] = [stream.readable.getReader(), stream.writable.getWriter()];
  const read = reader.read();
  await writer.write(frame(Opcode.Close, ""));
  assertEquals((await read).done, true);
  for (let i = 0; i < 20; i++) await writer.write(frame(Opcode.Binary, "61", false));
  assertEquals(await settled(writer.close()), "ok");
});

test("a Close within a fragmented message ends the messages without an error", async () => {
  const frames = [frame(Opcode.Text, "61", false), frame(Opcode.Close, "03e9 627965")];
  const collected = await collect(sourceOf(frames).readable.pipeThrough(new MessageDecoderStream()));
  assertEquals([collected.items, outcome(collected)], [[], "end"]);
});

for (
  const [hex, code] of [
    ["03", "close-payload-short"],
    ["03ed", "close-code-invalid"],
    ["03e8ff", "close-reason-utf8"],
  ] as const
) {
  test(`a Close with the payload ${hex} fails with ${code}, behind the messages before it`, async () => {
    const frames = [text("61"), frame(Opcode.Close, hex), text("62")];
    const collected = await collect(sourceOf(frames).readable.pipeThrough(new MessageDecoderStream()));
    assertEquals([collected.items, outcome(collected)], [["a"], code]);
  });
}

test("onControl hears of Ping and Pong, in order with the messages, and of nothing else", async () => {
  const log: string[] = [];
  const frames = [
    frame(Opcode.Ping, "31"),
    text("61"),
    frame(Opcode.Text, "62", false),
    frame(Opcode.Pong, "32"),
    frame(Opcode.Continuation, "63"),
    frame(Opcode.Ping, ""),
    frame(Opcode.Close, "03e8"),
  ];
  const stream = new MessageDecoderStream({ onControl: (frame) => log.push(showFrame(frame)) });
  const reader = sourceOf(frames).readable.pipeThrough(stream).getReader();
  for (let item = await reader.read(); !item.done; item = await reader.read()) log.push(`"${item.value}"`);
  assertEquals(log, ["89 31", '"a"', "8a 32", '"bc"', "89 "]);
});

test("without onControl, Ping and Pong are skipped", async () => {
  const frames = [frame(Opcode.Ping, "31"), text("61"), frame(Opcode.Pong, "32"), text("62")];
  const collected = await collect(sourceOf(frames).readable.pipeThrough(new MessageDecoderStream()));
  assertEquals([collected.items, outcome(collected)], [["a", "b"], "end"]);
});

test("what onControl throws fails both sides", async () => {
  const stream = new MessageDecoderStream({
    onControl: () => {
      throw new RangeError("mine");
    },
  });
  const source = sourceOf([text("61"), frame(Opcode.Ping, ""), text("62")]);
  const collected = await collect(source.readable.pipeThrough(stream));
  assertEquals([collected.items, outcome(collected)], [["a"], "RangeError"]);
  await pause();
  assertEquals(outcome({ error: source.cancelled }), "RangeError");
});

test("the limit holds for the sum of fragments, and is 1 MiB unless told otherwise", async () => {
  const run = async (frames: Frame[], options?: { maxMessageSize: number }): Promise<string> =>
    outcome(await collect(sourceOf(frames).readable.pipeThrough(new MessageDecoderStream(options))));
  const half = frame(Opcode.Binary, "61*524288", false);
  const rest = (hex: string): Frame => frame(Opcode.Continuation, hex);
  assertEquals(await run([half, rest("61*524288")]), "end");
  assertEquals(await run([half, rest("61*524289")]), "message-too-big");
  assertEquals(await run([frame(Opcode.Binary, "61*1048577")]), "message-too-big");
  assertEquals(await run([frame(Opcode.Binary, "61*1048577")], { maxMessageSize: Infinity }), "end");
  assertEquals(await run([text("61*4"), text("61*5")], { maxMessageSize: 4 }), "message-too-big");
  assertEquals(await run([text("61*4"), text("61*4")], { maxMessageSize: 4 }), "end");
});

test("bad text fails before the message is finished", async () => {
  const stream = new MessageDecoderStream();
  const [reader, writer] = [stream.readable.getReader(), stream.writable.getWriter()];
  const read = reader.read();
  await writer.write(frame(Opcode.Text, "61ff", false)).catch(() => {});
  assertEquals(await settled(read), "invalid-utf8");
  assertEquals(await settled(writer.closed), "invalid-utf8");
});
