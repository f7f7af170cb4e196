import { Buffer } from "node:buffer";
import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import {
  acceptStream,
  type ByteStream,
  connectStream,
  FrameDecoderStream,
  toWebSocket,
  type WebSocketConnection,
} from "../../mod.ts";
import { Opcode } from "../../lib/protocol/frame.ts";
import { collect, sourceOf } from "../streams/drive.ts";
import { receive, serving } from "../support/serving.ts";
import { clientFrame } from "../support/wire.ts";

/** Bytes as a program for Node has them: in a buffer that it shares with others. */
function pooled(...bytes: number[]): Buffer {
  const buffer = Buffer.from(new ArrayBuffer(bytes.length + 64), 32, bytes.length);
  buffer.set(bytes);
  return buffer;
}

/** Two ends of a stream whose chunks are Buffers that are kept. */
function bufferPair(): { client: ByteStream; server: ByteStream; passed: { is: Buffer; was: string }[] } {
  const passed: { is: Buffer; was: string }[] = [];
  const direction = () =>
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        const is = Buffer.from(new ArrayBuffer(chunk.length + 64), 32, chunk.length);
        is.set(chunk);
        passed.push({ is, was: is.toString("hex") });
        controller.enqueue(is);
      },
    });
  const [up, down] = [direction(), direction()];
  return {
    client: { readable: down.readable, writable: up.writable },
    server: { readable: up.readable, writable: down.writable },
    passed,
  };
}

async function openPair(): Promise<
  { client: WebSocketConnection; server: WebSocketConnection; passed: { is: Buffer; was: string }[] }
> {
  const { client, server, passed } = bufferPair();
  const [accepted, connected] = await Promise.all([
    acceptStream(server),
    connectStream(client, "ws://example.com/"),
  ]);
  return { client: connected, server: accepted, passed };
}

test("a Buffer that waits behind a sendStream goes out as it was when it was given", async () => {
  await serving({}, async (socket) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const source = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await promise;
        controller.close();
      },
    });
    const streamed = socket.sendStream(source);
    const message = pooled(1, 2, 3);
    const sent = socket.send(message);
    message.fill(9);
    resolve();
    await Promise.all([streamed, sent]);
    await socket.closed;
  }, async ({ open }) => {
    const socket = await open();
    assertEquals(await receive(socket), new Uint8Array(0));
    assertEquals(await receive(socket), Uint8Array.of(1, 2, 3));
  });
});

test("FrameDecoderStream does not change a Buffer that it is given", async () => {
  const frame = clientFrame(Opcode.Binary, Uint8Array.of(1, 2, 3));
  const chunk = pooled(...frame);
  const { items } = await collect(sourceOf([chunk]).readable.pipeThrough(new FrameDecoderStream()));
  assertEquals(items.map(({ payload }) => [...payload]), [[1, 2, 3]]);
  assertEquals([...chunk], [...frame]);
});

test("acceptStream and connectStream do not change the Buffers that they read, nor keep views of them", async () => {
  const { client, server, passed } = await openPair();
  const messages = [Uint8Array.of(1, 2, 3), new Uint8Array(70_000).fill(4), Uint8Array.of()];
  for (const message of messages) {
    client.send(message);
    const there = await receive(server) as Uint8Array;
    assertEquals([there.constructor, there], [Uint8Array, message]);
    server.send(there);
    const back = await receive(client) as Uint8Array;
    assertEquals([back.constructor, back], [Uint8Array, message]);
  }
  assert(passed.length > 6);
  assertEquals(passed.every(({ is, was }) => is.toString("hex") === was), true);
  client.close();
  await server.closed;
});

test("incoming() over Buffers gives parts of the reader's own", async () => {
  const { client, server } = await openPair();
  client.sendStream(ReadableStream.from([pooled(1, 2), pooled(3), new Uint8Array(70_000).fill(4)]));
  const kept: Uint8Array[] = [];
  for await (const message of server.incoming()) {
    for await (const part of message.readable as ReadableStream<Uint8Array>) kept.push(part);
    break;
  }
  assertEquals(kept.map(({ constructor }) => constructor), kept.map(() => Uint8Array));
  assertEquals(
    Buffer.concat(kept).equals(Buffer.concat([Buffer.of(1, 2, 3), Buffer.alloc(70_000, 4)])),
    true,
  );
  client.close();
  await server.closed;
});

test("toWebSocket over Buffers hands out an ArrayBuffer with the message, and nothing else", async () => {
  const { client, server } = await openPair();
  const face = toWebSocket(server);
  face.binaryType = "arraybuffer";
  const data = new Promise<ArrayBuffer>((resolve) => face.onmessage = (event) => resolve(event.data));
  client.send(pooled(104, 101, 108, 108, 111));
  assertEquals([...new Uint8Array(await data)], [104, 101, 108, 108, 111]);
  client.close();
  await server.closed;
});
