import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import type { ConnectOptions } from "../../lib/connection/connect.ts";
import type { ServeOptions } from "../../lib/server/serve_options.ts";
import {
  type Frame,
  FrameDecoderStream,
  type IncomingMessage,
  MessageDecoderStream,
  MessageStreamEncoderStream,
  Opcode,
  toWebSocket,
  type WebSocketConnection,
} from "../../mod.ts";
import { collect, sourceOf } from "../streams/drive.ts";
import { echo, serving } from "../support/serving.ts";
import { clientFrame, Wire } from "../support/wire.ts";
import { concat } from "../vectors/hex.ts";

const SIZES = [5, 0, 1, 64, 65, 125, 126, 1_000, 1_001, 5_000, 20_000, 65_536, 0, 200_000, 3, 1_048_576, 10];

/** Bytes that tell whether they are the right ones. */
function bytesOf(size: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, i) => i * 7 + size);
}

/** Sees to it that bytes are the receiver's own, takes their buffer away, and returns them. */
function takeOver(bytes: Uint8Array): Uint8Array {
  const { buffer, byteOffset, byteLength, constructor } = bytes;
  assertEquals([constructor, byteOffset, buffer.byteLength], [Uint8Array, 0, byteLength]);
  const moved = structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
  assertEquals(bytes.byteLength, 0);
  return new Uint8Array(moved);
}

/** Takes over all that a connection receives, and looks whether it is what was sent. */
async function takeOverAll(socket: WebSocketConnection, sizes: readonly number[]): Promise<void> {
  const left = [...sizes];
  for await (const message of socket) {
    assert(typeof message !== "string");
    assertEquals(takeOver(message), bytesOf(left.shift()!));
    if (left.length === 0) return;
  }
  assertEquals(left, [], "these did not come");
}

const COMPRESSION = { contextTakeover: true, threshold: 0 } as const;
const LINKS: readonly [name: string, serve: ServeOptions, connect: ConnectOptions][] = [
  ["", {}, {}],
  [", compressed", { compression: COMPRESSION }, { compression: COMPRESSION }],
];

for (const [name, serveOptions, connectOptions] of LINKS) {
  test(`a message is its receiver's own, in both roles${name}`, async () => {
    const served = Promise.withResolvers<void>();
    const handler = async (socket: WebSocketConnection) => {
      await takeOverAll(socket, SIZES).then(served.resolve, served.reject);
      for (const size of SIZES) socket.send(bytesOf(size));
      await socket.closed;
    };
    await serving(serveOptions, handler, async ({ open }) => {
      const socket = await open(connectOptions);
      for (const size of SIZES) socket.send(bytesOf(size));
      await served.promise;
      await takeOverAll(socket, SIZES);
      socket.close();
      assertEquals((await socket.closed).closeCode, 1000);
    });
  });

  test(`a message that came as a stream is its receiver's own${name}`, async () => {
    const sizes = [4_096, 0, 70_000, 5, 200_000];
    const stream = (size: number) => {
      const bytes = bytesOf(size);
      return ReadableStream.from([bytes.subarray(0, size / 2), bytes.subarray(size / 2)]);
    };
    const handler = (socket: WebSocketConnection) => takeOverAll(socket, sizes);
    await serving(serveOptions, handler, async ({ open }) => {
      const socket = await open(connectOptions);
      for (const size of sizes) await socket.sendStream(stream(size));
      assertEquals((await socket.closed).closeCode, 1000);
    });
  });

  test(`the parts of a message, and bytes(), are their reader's own${name}`, async () => {
    const done = Promise.withResolvers<void>();
    const read = async (messages: AsyncIterable<IncomingMessage>) => {
      let index = 0;
      for await (const message of messages) {
        const parts: Uint8Array[] = [];
        if (index % 2 === 0) parts.push(takeOver(await message.bytes()));
        else for await (const part of message.readable) parts.push(takeOver(part as Uint8Array));
        assertEquals(concat(parts), bytesOf(SIZES[index >> 1]!));
        if (++index === SIZES.length * 2) return;
      }
    };
    const handler = async (socket: WebSocketConnection) => {
      await read(socket.incoming()).then(done.resolve, done.reject);
    };
    await serving(serveOptions, handler, async ({ open }) => {
      const socket = await open(connectOptions);
      for (const size of SIZES) for (let i = 0; i < 2; i++) socket.send(bytesOf(size));
      await done.promise;
    });
  });
}

test("messages of one write, fragmented and with Pings among them, are their receiver's own", async () => {
  const done = Promise.withResolvers<void>();
  const sizes = [5, 1_000, 0, 7, 3_000, 2];
  const handler = async (socket: WebSocketConnection) => {
    await takeOverAll(socket, sizes).then(done.resolve, done.reject);
  };
  await serving({}, handler, async ({ port }) => {
    const wire = await Wire.upgrade(port);
    wire.send(concat(sizes.flatMap((size, i) => {
      const bytes = bytesOf(size);
      if (i % 2 === 0) return [clientFrame(Opcode.Ping, "ping"), clientFrame(Opcode.Binary, bytes)];
      return [
        clientFrame(Opcode.Binary, bytes.subarray(0, size / 2), false),
        clientFrame(Opcode.Ping, "ping"),
        clientFrame(Opcode.Continuation, bytes.subarray(size / 2)),
      ];
    })));
    await done.promise;
    wire.destroy();
  });
});

test("a message may go to a stream of bytes, which takes its buffer away", async () => {
  const handler = async (socket: WebSocketConnection) => {
    const iterator = socket[Symbol.asyncIterator]();
    const bytes = new ReadableStream({
      type: "bytes",
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(value as Uint8Array<ArrayBuffer>);
      },
    });
    for await (const chunk of bytes) await socket.send(chunk);
  };
  await serving({}, handler, async ({ open }) => {
    const socket = await open();
    const sizes = [10, 20, 3, 300, 5_000, 70_000];
    for (const size of sizes) socket.send(bytesOf(size));
    await takeOverAll(socket, sizes);
  });
});

test("what toWebSocket dispatches as an ArrayBuffer is its listener's own", async () => {
  const done = Promise.withResolvers<void>();
  const handler = (socket: WebSocketConnection) => {
    const face = toWebSocket(socket);
    face.binaryType = "arraybuffer";
    const left = [...SIZES];
    face.onmessage = ({ data }) => {
      try {
        assertEquals(takeOver(new Uint8Array(data)), bytesOf(left.shift()!));
        if (left.length === 0) done.resolve();
      } catch (error) {
        done.reject(error);
      }
    };
    return socket.closed;
  };
  await serving({}, handler, async ({ open }) => {
    const socket = await open();
    for (const size of SIZES) socket.send(bytesOf(size));
    await done.promise;
    socket.close();
    await socket.closed;
  });
});

test("a buffer that was taken away from a message leaves what is sent back alone", async () => {
  await serving({}, echo, async ({ open }) => {
    const socket = await open();
    for (const size of [3, 40, 2_000]) {
      const message = bytesOf(size);
      const sending = socket.send(message);
      structuredClone(message.buffer, { transfer: [message.buffer] });
      await sending;
    }
    await takeOverAll(socket, [3, 40, 2_000]);
  });
});

for (const pieces of [false, true]) {
  test(`the frames of a FrameDecoderStream are their reader's own${pieces ? ", in pieces" : ""}`, async () => {
    const sizes = [5, 0, 125, 3_000, 70_000, 6];
    const bytes = concat(sizes.map((size) => clientFrame(Opcode.Binary, bytesOf(size))));
    const chunks = [bytes.subarray(0, 2_000), bytes.subarray(2_000, 40_000), bytes.subarray(40_000)];
    const reading = sourceOf(chunks).readable.pipeThrough(new FrameDecoderStream({ pieces }));
    const payloads: Uint8Array[] = [];
    for await (const { payload } of reading) payloads.push(takeOver(payload));
    assertEquals(concat(payloads), concat(sizes.map(bytesOf)));
  });
}

test("the messages of a MessageDecoderStream are their reader's own", async () => {
  const sizes = [5, 0, 125, 3_000, 70_000, 6];
  const bytes = concat(sizes.flatMap((size) => [
    clientFrame(Opcode.Binary, bytesOf(size)),
    clientFrame(Opcode.Binary, bytesOf(size).subarray(0, 3), false),
    clientFrame(Opcode.Continuation, bytesOf(size).subarray(3)),
  ]));
  const messages = sourceOf([bytes]).readable
    .pipeThrough(new FrameDecoderStream()).pipeThrough(new MessageDecoderStream());
  const { items } = await collect(messages);
  const expected = sizes.flatMap((size) => [bytesOf(size), bytesOf(size)]);
  assertEquals(items.map((item) => takeOver(item as Uint8Array)), expected);
});

test("the empty frame that ends a streamed message is its reader's own", async () => {
  const frames = async () => {
    const message = { type: "binary" as const, readable: ReadableStream.from<Uint8Array>([]) };
    const stream = ReadableStream.from([message]).pipeThrough(new MessageStreamEncoderStream());
    return (await collect<Frame>(stream)).items;
  };
  for (let i = 0; i < 2; i++) for (const { payload } of await frames()) takeOver(payload);
});
