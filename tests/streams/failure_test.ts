import { assertEquals } from "#std/assert";
import { test } from "node:test";
import { type Frame, Opcode } from "../../lib/protocol/frame.ts";
import { FrameDecoderStream } from "../../lib/streams/frame_decoder_stream.ts";
import { FrameEncoderStream } from "../../lib/streams/frame_encoder_stream.ts";
import { MessageDecoderStream } from "../../lib/streams/message_decoder_stream.ts";
import { MessageEncoderStream } from "../../lib/streams/message_encoder_stream.ts";
import { showFrame } from "../protocol/replay.ts";
import { fromHex } from "../vectors/hex.ts";
import { collect, outcome, pause, settled, sourceOf } from "./drive.ts";

function frame(opcode: number, hex: string, more: Partial<Frame> = {}): Frame {
  return { fin: true, rsv1: false, opcode: opcode as Opcode, payload: fromHex(hex), ...more };
}

// What is read and written here is checked by value: the chunks of tests are of every type, right and wrong.
type AnyPair = TransformStream<unknown, unknown>;
const pair = (stream: unknown): AnyPair => stream as AnyPair;

/** The four streams, and a chunk for each that gives exactly one item. */
const STREAMS: readonly [name: string, make: () => AnyPair, chunk: () => unknown][] = [
  ["FrameDecoderStream", () => pair(new FrameDecoderStream({ role: "client" })), () => fromHex("810161")],
  ["FrameEncoderStream", () => pair(new FrameEncoderStream()), () => frame(Opcode.Text, "61")],
  ["MessageDecoderStream", () => pair(new MessageDecoderStream()), () => frame(Opcode.Text, "61")],
  ["MessageEncoderStream", () => pair(new MessageEncoderStream()), () => "a"],
];

for (const slow of [false, true]) {
  const how = slow ? "a slow" : "a fast";

  test(`frames before a violation in the same chunk all come out to ${how} reader, then the error`, async () => {
    const stream = new FrameDecoderStream({ role: "client" });
    const bytes = sourceOf([fromHex("810161 820162 8900 8a0131 830163")]);
    const collected = await collect(bytes.readable.pipeThrough(stream), { slow });
    assertEquals(collected.items.map(showFrame), ["81 61", "82 62", "89 ", "8a 31"]);
    assertEquals(outcome(collected), "reserved-opcode");
  });

  test(`messages before a violation in the same chunk all come out to ${how} reader, then the error`, async () => {
    const bytes = sourceOf([fromHex("810161 810162"), fromHex("810163 810164 8101ff 810165")]);
    const messages = bytes.readable
      .pipeThrough(new FrameDecoderStream({ role: "client" }))
      .pipeThrough(new MessageDecoderStream());
    const collected = await collect(messages, { slow });
    assertEquals([collected.items, outcome(collected)], [["a", "b", "c", "d"], "invalid-utf8"]);
  });

  test(`messages before a violation of the frames all come out to ${how} reader, then the error`, async () => {
    const messages = sourceOf([fromHex("810161 810162 830163")]).readable
      .pipeThrough(new FrameDecoderStream({ role: "client" }))
      .pipeThrough(new MessageDecoderStream());
    const collected = await collect(messages, { slow });
    assertEquals([collected.items, outcome(collected)], [["a", "b"], "reserved-opcode"]);
  });

  test(`what stood before a stream's early end comes out to ${how} reader, then connection-lost`, async () => {
    const bytes = sourceOf([fromHex("810161 810162 8105 61")]);
    const collected = await collect(
      bytes.readable.pipeThrough(new FrameDecoderStream({ role: "client" })),
      { slow },
    );
    assertEquals([collected.items.map(showFrame), outcome(collected)], [
      ["81 61", "81 62"],
      "connection-lost",
    ]);
  });
}

for (const hex of ["81", "817e", "817e00", "8105", "810561", "827f0000000000010000"]) {
  test(`a stream of bytes that ends behind ${hex} is lost`, async () => {
    const stream = new FrameDecoderStream({ role: "client" });
    assertEquals(
      outcome(await collect(sourceOf([fromHex(hex)]).readable.pipeThrough(stream))),
      "connection-lost",
    );
  });
}

test("a stream of bytes without any ends well", async () => {
  const collected = await collect(sourceOf<Uint8Array>([]).readable.pipeThrough(new FrameDecoderStream()));
  assertEquals(collected, { items: [] });
});

test("a stream of frames that ends within a message is lost, behind one it is not", async () => {
  const run = async (frames: Frame[]): Promise<[unknown[], string]> => {
    const collected = await collect(sourceOf(frames).readable.pipeThrough(new MessageDecoderStream()));
    return [collected.items, outcome(collected)];
  };
  const first = frame(Opcode.Text, "61", { fin: false });
  assertEquals(await run([frame(Opcode.Text, "61"), first]), [["a"], "connection-lost"]);
  assertEquals(await run([frame(Opcode.Text, "61"), first, frame(Opcode.Continuation, "62")]), [
    ["a", "ab"],
    "end",
  ]);
  assertEquals(await run([]), [[], "end"]);
});

test("a violation fails the writable side as well: this write or the next, and closed", async () => {
  const stream = new FrameDecoderStream({ role: "client" });
  const [reader, writer] = [stream.readable.getReader(), stream.writable.getWriter()];
  const read = reader.read();
  await writer.write(fromHex("830161")).catch(() => {});
  assertEquals(await settled(read), "reserved-opcode");
  assertEquals(await settled(writer.closed), "reserved-opcode");
  assertEquals(await settled(writer.write(fromHex("810161"))), "reserved-opcode");
  assertEquals(await settled(writer.ready), "reserved-opcode");
  assertEquals(await settled(reader.closed), "reserved-opcode");
});

test("a violation fails the writable side although nobody has read what stood before it", async () => {
  const stream = new FrameDecoderStream({ role: "client" });
  const [reader, writer] = [stream.readable.getReader(), stream.writable.getWriter()];
  const read = reader.read();
  await writer.write(fromHex("810161 810162 830161")).catch(() => {});
  assertEquals(await settled(writer.closed), "reserved-opcode");
  assertEquals(showFrame((await read).value!), "81 61");
  assertEquals(showFrame((await reader.read()).value!), "81 62");
  assertEquals(await settled(reader.read()), "reserved-opcode");
});

test("a violation cancels the source", async () => {
  const source = sourceOf([fromHex("830161"), fromHex("810161"), fromHex("810161")]);
  await collect(source.readable.pipeThrough(new FrameDecoderStream({ role: "client" })));
  await pause();
  assertEquals(outcome({ error: source.cancelled }), "reserved-opcode");
});

for (const [name, make, chunk] of STREAMS) {
  test(`${name}: a writer that nobody reads from is held after at most 2 chunks`, async () => {
    const writer = make().writable.getWriter();
    let written = 0;
    while (written < 10 && await settled(writer.ready) === "ok") {
      writer.write(chunk()).catch(() => {});
      written++;
    }
    assertEquals(written >= 1 && written <= 2, true, `${written} chunks went in`);
    writer.abort().catch(() => {});
  });

  test(`${name}: a source that nobody reads from is asked for at most 2 chunks`, async () => {
    const source = sourceOf(Array.from({ length: 10 }, chunk));
    const readable = source.readable.pipeThrough(make());
    await pause(30);
    assertEquals(source.taken <= 2, true, `${source.taken} chunks were taken`);
    const reader = readable.getReader();
    await reader.read();
    await pause(30);
    assertEquals(source.taken >= 1 && source.taken <= 3, true, `${source.taken} chunks were taken`);
    await reader.cancel();
  });

  test(`${name}: a cancel goes through to the source`, async () => {
    const source = sourceOf(Array.from({ length: 10 }, chunk));
    const reader = source.readable.pipeThrough(make()).getReader();
    await reader.read();
    const reason = new Error("enough");
    await reader.cancel(reason);
    await pause();
    assertEquals(source.cancelled === reason, true);
  });

  test(`${name}: a cancel while a read waits ends the read and goes through to the writer`, async () => {
    const stream = make();
    const [reader, writer] = [stream.readable.getReader(), stream.writable.getWriter()];
    const read = reader.read();
    await reader.cancel(new RangeError("enough"));
    assertEquals((await read).done, true);
    assertEquals(await settled(writer.closed), "RangeError");
    assertEquals(await settled(writer.write(chunk())), "RangeError");
  });

  test(`${name}: a cancel frees a writer that is held back`, async () => {
    const stream = make();
    const writer = stream.writable.getWriter();
    writer.write(chunk()).catch(() => {});
    const held = writer.write(chunk());
    held.catch(() => {});
    await pause();
    await stream.readable.cancel(new RangeError("enough"));
    assertEquals(await settled(held), "RangeError");
    assertEquals(await settled(writer.closed), "RangeError");
  });

  test(`${name}: an error of the source comes out behind what stood before it`, async () => {
    const source = sourceOf([chunk(), chunk()], { error: new RangeError("cut") });
    const collected = await collect(source.readable.pipeThrough(make()));
    assertEquals([collected.items.length, outcome(collected)], [2, "RangeError"]);
  });

  test(`${name}: an abort reaches a read that waits`, async () => {
    const stream = make();
    const [reader, writer] = [stream.readable.getReader(), stream.writable.getWriter()];
    const read = reader.read();
    await writer.abort(new RangeError("cut"));
    assertEquals(await settled(read), "RangeError");
    assertEquals(await settled(reader.closed), "RangeError");
  });

  test(`${name}: an abort with a chunk under way reaches the reader`, async () => {
    const stream = make();
    const writer = stream.writable.getWriter();
    writer.write(chunk()).catch(() => {});
    await pause();
    const abort = writer.abort(new RangeError("cut"));
    const collected = await collect(stream.readable);
    assertEquals(outcome(collected), "RangeError");
    assertEquals(collected.items.length <= 1, true);
    assertEquals(await settled(abort), "ok");
  });

  test(`${name}: a close waits for the reader, and ends the stream`, async () => {
    const stream = make();
    const writer = stream.writable.getWriter();
    writer.write(chunk()).catch(() => {});
    const closed = writer.close();
    const collected = await collect(stream.readable);
    assertEquals([collected.items.length, outcome(collected)], [1, "end"]);
    assertEquals(await settled(closed), "ok");
  });

  test(`${name}: items come out before the writer is done`, async () => {
    const stream = make();
    const [reader, writer] = [stream.readable.getReader(), stream.writable.getWriter()];
    for (let i = 0; i < 3; i++) {
      const write = writer.write(chunk());
      assertEquals((await reader.read()).done, false);
      assertEquals(await settled(write), "ok");
    }
    await reader.cancel();
  });
}

const WRONG: readonly unknown[] = [undefined, null, 1, true, {}, [], Symbol("a")];

for (
  const [name, make, wrong] of [
    [
      "FrameDecoderStream",
      () => pair(new FrameDecoderStream()),
      [...WRONG, "text", new ArrayBuffer(2), new Uint16Array(2)],
    ],
    ["MessageEncoderStream", () => pair(new MessageEncoderStream()), WRONG],
    [
      "FrameEncoderStream",
      () => pair(new FrameEncoderStream()),
      [...WRONG, "text", new Uint8Array(2), { ...frame(1, ""), payload: "text" }],
    ],
    [
      "MessageDecoderStream",
      () => pair(new MessageDecoderStream()),
      [
        ...WRONG,
        "text",
        new Uint8Array(2),
        { ...frame(1, ""), payload: "text" },
        { ...frame(1, ""), payload: [1, 2] },
        ...[3, 7, 0xb, 0xf, 0x11, -1, 1.5, NaN, undefined, "1"].map((opcode) => ({
          ...frame(1, "61"),
          opcode,
        })),
      ],
    ],
  ] as const
) {
  test(`${name}: a chunk of the wrong type fails both sides with a TypeError`, async () => {
    for (const chunk of wrong) {
      const stream = make();
      const [reader, writer] = [stream.readable.getReader(), stream.writable.getWriter()];
      const read = reader.read();
      read.catch(() => {});
      await writer.write(chunk).catch(() => {});
      assertEquals(await settled(read), "TypeError");
      assertEquals(await settled(writer.closed), "TypeError");
    }
  });
}

test("what stood before a chunk of the wrong type comes out, then the TypeError", async () => {
  const chunks = [fromHex("810161 810162"), "text", fromHex("810163")] as unknown as Uint8Array[];
  const source = sourceOf(chunks);
  const collected = await collect(
    source.readable.pipeThrough(new FrameDecoderStream({ role: "client" })),
    { slow: true },
  );
  assertEquals([collected.items.map(showFrame), outcome(collected)], [["81 61", "81 62"], "TypeError"]);
  assertEquals(outcome({ error: source.cancelled }), "TypeError");
});

for (
  const [name, illegal] of [
    ...[3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf, 0x10, 0x81, -1, 1.5, NaN].map((opcode) =>
      [`the opcode ${opcode}`, frame(opcode, "61")] as const
    ),
    ["a Ping of 126 bytes", frame(Opcode.Ping, "61*126")],
    ["a Pong of 126 bytes", frame(Opcode.Pong, "61*126")],
    ["a Close of 126 bytes", frame(Opcode.Close, "03e8 61*124")],
    ["a Ping without FIN", frame(Opcode.Ping, "61", { fin: false })],
    ["a Pong without FIN", frame(Opcode.Pong, "", { fin: false })],
    ["a Close without FIN", frame(Opcode.Close, "03e8", { fin: false })],
  ] as const
) {
  test(`an encoder refuses ${name} with a TypeError`, async () => {
    const good = frame(Opcode.Text, "61");
    const collected = await collect(
      sourceOf([good, illegal, good]).readable.pipeThrough(new FrameEncoderStream()),
    );
    assertEquals([collected.items.length, outcome(collected)], [1, "TypeError"]);
  });
}

test("nothing becomes an unhandled rejection when the user looks at nothing", async () => {
  // An unhandled rejection fails the run by itself; here they are given the time.
  sourceOf([fromHex("810161 830161")]).readable
    .pipeThrough(new FrameDecoderStream({ role: "client" }))
    .pipeThrough(new MessageDecoderStream()).getReader().read();
  sourceOf([fromHex("8101ff")]).readable
    .pipeThrough(new FrameDecoderStream({ role: "client" }))
    .pipeThrough(new MessageDecoderStream());
  for (const [, make, chunk] of STREAMS) {
    for (const end of [new Error("cut"), undefined]) {
      const source = sourceOf([chunk(), Symbol("wrong")], { error: end });
      const readable = source.readable.pipeThrough(make());
      const reader = readable.getReader();
      await reader.read();
      await settled(reader.read());
    }
  }
  await pause(30);
});
