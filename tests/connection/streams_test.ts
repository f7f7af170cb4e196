import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects } from "#std/assert";
import {
  acceptStream,
  type ByteStream,
  connectStream,
  HandshakeError,
  receiveUpgrade,
  WebSocketError,
} from "../../mod.ts";
import { Opcode } from "../../lib/protocol/frame.ts";
import { receive, receiveAll, settles } from "../support/serving.ts";
import { clientClose, clientFrame, UPGRADE } from "../support/wire.ts";

/** Two byte streams joined in memory. */
function pair(): [ByteStream, ByteStream] {
  const up = new TransformStream<Uint8Array, Uint8Array>();
  const down = new TransformStream<Uint8Array, Uint8Array>();
  return [
    { readable: down.readable, writable: up.writable },
    { readable: up.readable, writable: down.writable },
  ];
}

/** Both ends of a connection. */
function join(
  ...[accept, connect]: [Parameters<typeof acceptStream>[1]?, Parameters<typeof connectStream>[2]?]
) {
  const [client, server] = pair();
  return Promise.all([
    connectStream(client, "ws://example.com/chat", connect),
    acceptStream(server, accept),
  ]);
}

/** A server's stream that a test feeds by hand; `sent` gathers what the server writes. */
function scripted(...chunks: (string | Uint8Array)[]): { stream: ByteStream; sent: () => string } {
  let sent = "";
  const encoder = new TextEncoder();
  const readable = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) {
        controller.enqueue(typeof chunk === "string" ? encoder.encode(chunk) : chunk);
      }
    },
  });
  const writable = new WritableStream<Uint8Array>({
    write: (chunk) => void (sent += String.fromCharCode(...chunk)),
  });
  return { stream: { readable, writable }, sent: () => sent };
}

test("both ends of a pair of streams shake hands, talk and close", async () => {
  const [client, server] = await join({ protocols: ["chat"] }, { protocols: ["chat", "other"] });
  assertEquals([client.protocol, server.protocol, client.extensions], ["chat", "chat", ""]);
  await client.send("up");
  await server.send(Uint8Array.of(1, 2, 3));
  assertEquals(await receive(server), "up");
  assertEquals(await receive(client), Uint8Array.of(1, 2, 3));
  assert(await client.ping() >= 0);
  client.close({ closeCode: 3001, reason: "done" });
  assertEquals(await client.closed, { closeCode: 3001, reason: "done" });
  assertEquals(await server.closed, { closeCode: 3001, reason: "done" });
  assertEquals(await receiveAll(server), []);
});

test("a message of 1 MiB crosses a pair of streams in both directions", async () => {
  const [client, server] = await join();
  const bytes = new Uint8Array(1_048_576).map((_, i) => i * 7);
  const [got] = await Promise.all([receive(server), client.send(bytes)]);
  assertEquals(got, bytes);
  const [back] = await Promise.all([receive(client), server.send(bytes)]);
  assertEquals(back, bytes);
});

test("the chunks of a stream are not written to", async () => {
  const frame = clientFrame(Opcode.Text, "masked");
  const copy = frame.slice();
  const { stream } = scripted(UPGRADE, frame);
  assertEquals(await receive(await acceptStream(stream)), "masked");
  assertEquals(frame, copy);
});

test("a wrong request is refused on the wire, and acceptStream rejects with the same status", async () => {
  const { stream, sent } = scripted(UPGRADE.replace("13", "12"));
  const error = await assertRejects(() => acceptStream(stream, { closeTimeout: 10 }), HandshakeError);
  assertEquals([error.code, error.status], ["version", 426]);
  assertMatch(sent(), /^HTTP\/1\.1 426 /);
});

test("a stream that ends in the middle of the head rejects", async () => {
  const readable = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("GET / HT"));
      controller.close();
    },
  });
  const error = await assertRejects(
    () => acceptStream({ readable, writable: new WritableStream() }, { closeTimeout: 10 }),
    HandshakeError,
  );
  assertEquals(error.code, "ended");
});

test("a stream that never sends a head is refused after handshakeTimeout", async () => {
  const { stream, sent } = scripted();
  const options = { handshakeTimeout: 30, closeTimeout: 10 };
  assertEquals((await assertRejects(() => acceptStream(stream, options), HandshakeError)).code, "timeout");
  assertMatch(sent(), /^HTTP\/1\.1 408 /);
});

test("an upgrade can be looked at and accepted", async () => {
  const [client, server] = pair();
  const connecting = connectStream(client, "wss://example.com:8443/a?b", {
    headers: { "X-Name": "Ada" },
    protocols: "x",
  });
  const upgrade = await receiveUpgrade(server);
  assertEquals(upgrade.url.href, "http://example.com:8443/a?b");
  assertEquals(upgrade.headers.get("x-name"), "Ada");
  assertEquals([upgrade.method, upgrade.protocols, upgrade.remoteAddress], ["GET", ["x"], undefined]);
  const [socket, other] = await Promise.all([upgrade.accept({ protocols: ["x"] }), connecting]);
  assertEquals([socket.protocol, other.protocol], ["x", "x"]);
});

test("an upgrade can be looked at and refused, with a response of one's own", async () => {
  const [client, server] = pair();
  const connecting = assertRejects(() => connectStream(client, "ws://example.com/"), HandshakeError);
  const upgrade = await receiveUpgrade(server, { closeTimeout: 10 });
  await upgrade.reject(new Response("Gone", { status: 410 }));
  assertEquals((await connecting).status, 410);
});

test("acceptStream holds the Origin to its policy", async () => {
  const refused = scripted(UPGRADE.replace("\r\n\r\n", "\r\nOrigin: https://evil.example\r\n\r\n"));
  const error = await assertRejects(() => acceptStream(refused.stream, { closeTimeout: 10 }), HandshakeError);
  assertEquals([error.code, error.status], ["origin", 403]);
  const accepted = scripted(UPGRADE.replace("\r\n\r\n", "\r\nOrigin: https://evil.example\r\n\r\n"));
  (await acceptStream(accepted.stream, { origins: "any" })).abort();
});

test("wrong options reject before the stream is touched", async () => {
  const [client, server] = pair();
  await assertRejects(() => acceptStream(server, { maxMessageSize: -1 }), RangeError, "maxMessageSize");
  await assertRejects(() => connectStream(client, "http//no"), SyntaxError);
  assertEquals([client.readable.locked, server.readable.locked], [false, false]);
});

test("an error of the stream is the cause of the connection's", async () => {
  let fail!: (error: Error) => void;
  const readable = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(UPGRADE));
      fail = (error) => controller.error(error);
    },
  });
  const socket = await acceptStream({ readable, writable: new WritableStream() });
  fail(new Error("unplugged"));
  const error = await assertRejects(() => socket.closed, WebSocketError);
  assertEquals([error.code, (error.cause as Error).message], ["connection-lost", "unplugged"]);
});

test("a chunk that is no Uint8Array fails the connection, not the process", async () => {
  const readable = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(UPGRADE));
      controller.enqueue("text" as unknown as Uint8Array);
    },
  });
  const socket = await acceptStream({ readable, writable: new WritableStream() });
  const error = await assertRejects(() => socket.closed, WebSocketError);
  assert(error.cause instanceof TypeError);
});

test("a connection that nobody reads does not read on: at most a queue, a message and a chunk are taken", async () => {
  let pulled = 0;
  const frame = clientFrame(Opcode.Binary, new Uint8Array(16_384));
  const readable = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (pulled++ === 0) controller.enqueue(new TextEncoder().encode(UPGRADE));
      else controller.enqueue(frame.slice());
    },
  }, { highWaterMark: 0 });
  const socket = await acceptStream({ readable, writable: new WritableStream() }, { highWaterMark: 65_536 });
  await settles(socket.closed, 50);
  assert(pulled >= 4 && pulled <= 8, `${pulled} chunks of 16 KiB were taken`);
  const before = pulled;
  for (let i = 0; i < 8; i++) assertEquals((await receive(socket)).length, 16_384);
  await settles(socket.closed, 50);
  assert(pulled > before, "reading did not go on");
  socket.abort();
});

test("a peer that stops answering after our Close is cut after closeTimeout", async () => {
  const { stream } = scripted(UPGRADE);
  const socket = await acceptStream(stream, { closeTimeout: 30 });
  socket.close();
  assertEquals((await assertRejects(() => socket.closed, WebSocketError)).code, "close-timeout");
});

test("the answer to a Close is the last thing written", async () => {
  const { stream, sent } = scripted(
    UPGRADE,
    clientFrame(Opcode.Ping, "p"),
    clientClose(1000),
    clientFrame(Opcode.Ping, "q"),
  );
  const socket = await acceptStream(stream, { closeTimeout: 10 });
  await socket.closed;
  await settles(new Promise(() => {}), 30);
  assertEquals(sent().slice(sent().indexOf("\r\n\r\n") + 4), "\x8a\x01p\x88\x02\x03\xe8");
});
