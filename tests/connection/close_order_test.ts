/**
 * The end of what a peer sends takes its place in the order of messages: replies to those before it are sent, however the
 * bytes are cut, however they are read, in both roles.
 *
 * @module
 */

import { test } from "node:test";
import { setImmediate as task } from "node:timers/promises";
import { assertEquals } from "#std/assert";
import { zlibCodec } from "../../lib/adapters/zlib/codec.ts";
import { Compression } from "../../lib/handshake/compression.ts";
import { Connection } from "../../lib/connection/connection.ts";
import { readLimits } from "../../lib/connection/limits.ts";
import { Endpoint, type EndpointDeflate } from "../../lib/protocol/endpoint.ts";
import { parseExtensions } from "../../lib/handshake/extensions.ts";
import { Opcode, type Role } from "../../lib/protocol/frame.ts";
import { type Message, toWebSocket, type WebSocketConnection } from "../../mod.ts";
import { eventsOf } from "../support/endpoint_events.ts";
import { clientClose, clientFrame } from "../support/wire.ts";
import { showEvent, wireTo } from "../protocol/replay.ts";
import { concat } from "../vectors/hex.ts";
import { latin1, splitAt } from "../vectors/splits.ts";
import { RecordingTransport, serverOver } from "./recording_transport.ts";

/** Sends what was gathered, and goes on, in a task of its own. */
class TaskTransport extends RecordingTransport {
  override defer(): void {
    setImmediate(() => this.sink.flush());
  }
  override yield(): void {
    setImmediate(() => this.sink.goOn());
  }
}

const MAX_MESSAGE_SIZE = 1_000;

/** Lets the event loop turn a few times: whoever answers late answers after that. */
async function tasks(): Promise<void> {
  for (let i = 0; i < 10; i++) await task();
}

/** How messages are read and answered. */
const readers: Readonly<Record<string, (socket: WebSocketConnection) => Promise<unknown>>> = {
  "for await": async (socket) => {
    for await (const message of socket) await socket.send(message);
  },
  "for await, with some tasks before each reply": async (socket) => {
    for await (const message of socket) {
      await tasks();
      await socket.send(message);
    }
  },
  "forEach": (socket) => socket.forEach((message) => socket.send(message)),
  "forEach that borrows, with some tasks before each reply": (socket) =>
    socket.forEach(async (message) => {
      await tasks();
      await socket.send(message);
    }, { borrow: true }),
  "readable, with some tasks before each reply": async (socket) => {
    const reader = socket.readable.getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      await tasks();
      await socket.send(read.value);
    }
  },
  "pipeTo": (socket) => socket.readable.pipeTo(socket.writable),
  "a transform": (socket) =>
    socket.readable.pipeThrough(new TransformStream<Message, Message>()).pipeTo(socket.writable),
  "incoming": async (socket) => {
    for await (const message of socket.incoming()) {
      await socket.send(message.type === "text" ? await message.text() : await message.bytes());
    }
  },
  "toWebSocket": (socket) => {
    const face = toWebSocket(socket);
    face.onmessage = ({ data }) => face.send(data);
    return new Promise((resolve) => face.onclose = resolve);
  },
};

const ends: Readonly<Record<string, readonly [frames: string, end: string]>> = {
  "a Close": ["88 05: 0fa0 627965", 'close 4000 "bye"'],
  "a violation": ["83 01: 61; 81 01: 62", "close 1002"],
  "a message that is too big": ["82 7e 0401: 00*20", "close 1009"],
  "bad UTF-8": ["81 02: ff61; 81 01: 62", "close 1007"],
  "bad compressed data": ["c1 03: f248cd; 88 00", "close 1007"],
};

function deflates(role: Role): { ours: EndpointDeflate; theirs: EndpointDeflate; header: string } {
  const settings = Compression.read({ codec: zlibCodec, threshold: 4, contextTakeover: true }, undefined)!;
  const accepted = settings.accept(parseExtensions(settings.offer)!)!;
  const confirmed = settings.confirm(accepted.header)!;
  const [server, client] = [accepted.start(), confirmed.start()];
  const { header } = accepted;
  return role === "server"
    ? { ours: server, theirs: client, header }
    : { ours: client, theirs: server, header };
}

interface Scene {
  readonly role: Role;
  readonly read: (socket: WebSocketConnection) => Promise<unknown>;
  readonly messages: readonly Message[];
  readonly frames: string;
  readonly compression: boolean;
}

/** Plays a scene whose bytes are cut; returns what the peer receives. */
async function play(
  { role, read, messages, frames, compression }: Scene,
  cut: (bytes: Uint8Array) => Iterable<Uint8Array>,
): Promise<string[]> {
  const transport = new TaskTransport();
  const deflate = compression ? deflates(role) : undefined;
  const limits = { maxMessageSize: MAX_MESSAGE_SIZE, maxEmptyFragments: 8 };
  const peer = new Endpoint({
    role: role === "server" ? "client" : "server",
    ...limits,
    deflate: deflate?.theirs,
  });
  const connection = new Connection(transport, {
    role,
    protocol: "",
    extensions: "",
    deflate: deflate?.ours,
    limits: readLimits({ ...limits, keepalive: false, closeTimeout: 30_000 }),
    rest: new Uint8Array(0),
    ...role === "server" && { greeting: greeting(deflate?.header) },
  });
  transport.take();
  for (const message of messages) peer.sendMessage(message);
  const bytes = concat([peer.output.take().slice(), wireTo(role, frames)]);
  const reading = read(connection).catch(() => {});
  for (const chunk of cut(bytes)) {
    transport.sink.data(chunk.slice());
    await task();
  }
  await connection.closed.catch(() => {});
  await reading;
  transport.sink.gone();
  peer.receive(transport.take());
  return [...eventsOf(peer)].map(showEvent);
}

function greeting(extensions: string | undefined): Uint8Array {
  const line = extensions === undefined ? "" : `Sec-WebSocket-Extensions: ${extensions}\r\n`;
  return latin1(`HTTP/1.1 101 Switching Protocols\r\n${line}\r\n`);
}

/** What must come: every message, then the end. */
function expected(messages: readonly Message[], end: string): string[] {
  return [...messages.map((data) => showEvent(data)), end];
}

const hex = (text: string) => new TextEncoder().encode(text);
const pattern = (i: number): Message =>
  i % 2 === 0 ? `text number ${i}, ${i}` : hex(`binary number ${i}, ${i}`);

for (const role of ["server", "client"] as const) {
  for (const [way, read] of Object.entries(readers)) {
    for (const compression of [false, true]) {
      const name = `${compression ? "compressed, " : ""}to a ${role} that reads by ${way}`;
      for (const [what, [frames, end]] of Object.entries(ends)) {
        if (what === "bad compressed data" && !compression) continue;
        const scene = { role, read, frames, compression };
        const matches = (came: string[], messages: readonly Message[], cut: string) => {
          const wanted = expected(messages, end);
          assertEquals(came.slice(0, -1), wanted.slice(0, -1), `cut ${cut}`);
          assertEquals(came.at(-1)!.startsWith(end), true, `${came.at(-1)}, cut ${cut}`);
        };
        test(`a message and ${what} in one packet, ${name}: the reply comes first, however they are cut`, async () => {
          for (const message of [pattern(0), pattern(1)]) {
            const one = { ...scene, messages: [message] };
            let size = 0;
            matches(await play(one, (bytes) => (size = bytes.length, [bytes])), [message], "nowhere");
            // All faults are held in the same way: for most of them every fifth place will do.
            const step = what === "a Close" || what === "a violation" ? 1 : 5;
            const places = Array.from({ length: Math.floor((size - 1) / step) }, (_, i) => (i + 1) * step);
            await Promise.all(places.map(async (at) => {
              const halves = (bytes: Uint8Array) => [bytes.subarray(0, at), bytes.subarray(at)];
              matches(await play(one, halves), [message], `at ${at}`);
            }));
            matches(await play(one, (bytes) => splitAt(bytes, [...bytes.keys()])), [message], "everywhere");
          }
        });
      }

      test(`50 messages and an end in one packet, ${name}: 50 replies come first`, async () => {
        const messages = Array.from({ length: 50 }, (_, i) => pattern(i));
        await Promise.all(
          Object.values(ends).slice(0, 2).map(async ([frames, end]) => {
            const scene = { role, read, messages, frames, compression };
            const wanted = expected(messages, end);
            for (const size of [Infinity, 700, 100, 1]) {
              const came = await play(scene, (bytes) => {
                const places = [...bytes.keys()].filter((at) => at % size === 0);
                return splitAt(bytes, places);
              });
              assertEquals(came.slice(0, -1), wanted.slice(0, -1), `in chunks of ${size}`);
              assertEquals(came.at(-1)!.startsWith(end), true, came.at(-1));
            }
          }),
        );
      });
    }
  }
}

/** A server's end whose peer reads nothing until the test says so, and is closed by it right after a message. */
function congested() {
  const transport = new TaskTransport();
  transport.busy = true;
  const connection = serverOver(transport, { highWaterMark: 1, closeTimeout: 30_000 });
  transport.sink.drain();
  let closed = false;
  connection.closed.then(() => closed = true);
  const receive = () => transport.sink.data(concat([clientFrame(Opcode.Text, "0"), clientClose(4000)]));
  const isClosed = async () => {
    await tasks();
    return closed;
  };
  /** Lets the peer read up to the end; returns what it was sent. */
  const finish = async () => {
    while (!closed) {
      await task();
      transport.sink.drain();
    }
    transport.sink.drain();
    transport.sink.gone();
    const peer = new Endpoint({ role: "client", maxMessageSize: MAX_MESSAGE_SIZE, maxEmptyFragments: 8 });
    peer.receive(transport.take());
    return [...eventsOf(peer)].map(showEvent);
  };
  return { connection, receive, isClosed, finish };
}

test("a Close waits for the chunks in writable, which wait for the peer to read", async () => {
  const { connection, receive, isClosed, finish } = congested();
  const writer = connection.writable.getWriter();
  const reading = (async () => {
    for await (const message of connection) {
      for (const part of [1, 2, 3]) writer.write(`${message}${part}`).catch(() => {});
    }
  })();
  receive();
  assertEquals(await isClosed(), false);
  assertEquals(await finish(), ['text "01"', 'text "02"', 'text "03"', 'close 4000 ""']);
  await reading;
});

test("a Close waits for replies that stand in line behind a streamed message", async () => {
  const { connection, receive, finish } = congested();
  const { readable, writable } = new TransformStream<string, string>();
  connection.sendStream(readable);
  const writer = writable.getWriter();
  const reading = (async () => {
    for await (const message of connection) {
      for (const part of [1, 2]) connection.send(`${message}${part}`).catch(() => {});
      writer.write("streamed");
      writer.close();
    }
  })();
  receive();
  assertEquals(await finish(), ['text "streamed"', 'text "01"', 'text "02"', 'close 4000 ""']);
  await reading;
});

test("a Close does not wait for chunks in a writable that failed", async () => {
  const { connection, receive, finish } = congested();
  const writer = connection.writable.getWriter();
  writer.closed.catch(() => {});
  const reading = (async () => {
    for await (const _ of connection) {
      for (const part of ["a", {}, "b"]) writer.write(part as string).catch(() => {});
    }
  })();
  receive();
  assertEquals(await finish(), ['text "a"', 'close 4000 ""']);
  await reading;
  await writer.write("c").catch(() => {});
});

test("a Close waits for a Blob that toWebSocket reads slowly, and for what is sent after it", async () => {
  class SlowBlob extends Blob {
    override async arrayBuffer(): Promise<ArrayBuffer> {
      await tasks();
      return super.arrayBuffer();
    }
  }
  const { connection, receive, finish } = congested();
  const face = toWebSocket(connection);
  face.onmessage = ({ data }) => {
    face.send(new SlowBlob(["a"]));
    face.send(data);
  };
  receive();
  assertEquals(await finish(), ["binary 61", 'text "0"', 'close 4000 ""']);
});
