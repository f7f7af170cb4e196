import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "#std/assert";
import type { Server } from "../../lib/server/server.ts";
import { HandshakeError } from "../../mod.ts";
import { makeCertificate } from "../support/certificate.ts";
import { requires } from "../support/requires.ts";
import { echo, receive, receiveAll, settlesInTime } from "../support/serving.ts";
import { connect, serve, WebSocketStream } from "../support/sluice.ts";
import { portOf } from "../support/wire.ts";

const MiB = 1_048_576;

test("wss: carries messages of all sizes, both ways, and closes", requires("openssl"), async () => {
  const { cert, key } = makeCertificate();
  const secure: boolean[] = [];
  const server = await serve(
    { hostname: "127.0.0.1", tls: { cert, key }, fetch: () => new Response("hi") },
    (socket, request) => {
      secure.push(request.secure, request.url.protocol === "https:");
      return echo(socket);
    },
  );
  const socket = await connect(`wss://localhost:${portOf(server)}/`, { tls: { ca: cert } });
  for (const size of [0, 125, 126, 65_535, 65_536, MiB]) {
    const bytes = new Uint8Array(size).map((_, i) => i);
    await socket.send(bytes);
    assertEquals(await receive(socket), bytes);
  }
  assert(await socket.ping() >= 0);
  socket.close({ closeCode: 4000, reason: "done" });
  assertEquals(await socket.closed, { closeCode: 4000, reason: "done" });
  assertEquals(secure, [true, true]);
  await server.close();
});

test("wss: pipeTo echoes a burst in order", requires("openssl"), async () => {
  const tls = makeCertificate();
  const server = await serve(
    { hostname: "127.0.0.1", tls },
    ({ readable, writable }) => readable.pipeTo(writable),
  );
  const socket = await connect(`wss://127.0.0.1:${portOf(server)}/`, { tls: { ca: tls.cert } });
  const texts = Array.from({ length: 500 }, (_, i) => `${i} `.repeat(i));
  (async () => {
    for (const text of texts) await socket.send(text);
  })();
  for (const text of texts) assertEquals(await receive(socket), text);
  await server.close();
});

test(
  "wss: a certificate that nobody vouches for, or for another name, is refused",
  requires("openssl"),
  async () => {
    const tls = makeCertificate();
    const other = makeCertificate("DNS:other.example");
    const server = await serve({ hostname: "127.0.0.1", tls }, echo);
    const second = await serve({ hostname: "127.0.0.1", tls: other }, echo);
    const refused: [string, object][] = [
      [`wss://localhost:${portOf(server)}/`, {}],
      [`wss://localhost:${portOf(server)}/`, { tls: { ca: other.cert } }],
      [`wss://localhost:${portOf(second)}/`, { tls: { ca: other.cert } }],
      [`wss://localhost:${portOf(server)}/`, { tls: { ca: tls.cert, serverName: "other.example" } }],
      [`ws://localhost:${portOf(server)}/`, { handshakeTimeout: 1_000 }],
    ];
    for (const [url, options] of refused) await assertRejects(() => connect(url, options), HandshakeError);
    const named = await connect(`wss://127.0.0.1:${portOf(second)}/`, {
      tls: { ca: other.cert, serverName: "other.example" },
    });
    named.send("by name");
    assertEquals(await receive(named), "by name");
    await Promise.all([server.close(), second.close()]);
  },
);

test("wss: a certificate is verified whatever the environment says", requires("openssl"), async () => {
  const tls = makeCertificate();
  const server = await serve({ hostname: "127.0.0.1", tls }, echo);
  const url = `wss://localhost:${portOf(server)}/`;
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  try {
    await assertRejects(() => connect(url), HandshakeError);
    await assertRejects(() => connect(url, { tls: { ca: makeCertificate().cert } }), HandshakeError);
    const socket = await connect(url, { tls: { ca: tls.cert } });
    socket.abort();
  } finally {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    await server.close({ timeout: 100 });
  }
});

test("wss: only an https page is the server's own", requires("openssl"), async () => {
  const tls = makeCertificate();
  const server = await serve({ hostname: "127.0.0.1", tls }, echo);
  const host = `localhost:${portOf(server)}`;
  const open = (origin: string) => connect(`wss://${host}/`, { tls: { ca: tls.cert }, origin });
  try {
    const { status } = await assertRejects(() => open(`http://${host}`), HandshakeError);
    assertEquals(status, 403);
    const socket = await open(`https://${host}`);
    socket.abort();
  } finally {
    await server.close({ timeout: 100 });
  }
});

test(
  "wss: a peer that speaks no TLS, or stops in the middle of it, costs nobody else",
  requires("openssl"),
  async () => {
    const tls = makeCertificate();
    const server = await serve(
      { hostname: "127.0.0.1", tls, handshakeTimeout: 300, closeTimeout: 300 },
      echo,
    );
    const [plain, silent] = [dial(server), dial(server)];
    plain.socket.write("GET / HTTP/1.1\r\n\r\n");
    silent.socket.write(Uint8Array.of(0x16, 0x03, 0x01));
    const socket = await connect(`wss://localhost:${portOf(server)}/`, { tls: { ca: tls.cert } });
    socket.send("meanwhile");
    assertEquals(await receive(socket), "meanwhile");
    assert(await settlesInTime(plain.gone, 3_000), "a peer that speaks no TLS was not cut");
    assert(await settlesInTime(silent.gone, 3_000), "a handshake that never ends was not cut");
    silent.socket.destroy();
    await server.close();
  },
);

function dial(server: Server): { socket: Socket; gone: Promise<unknown> } {
  const socket = connectTcp(portOf(server), "127.0.0.1");
  socket.on("error", () => {}).resume();
  return { socket, gone: new Promise((resolve) => socket.on("close", resolve)) };
}

test("a unix socket carries the same, and its path is free again afterwards", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-"));
  const path = join(folder, "socket");
  try {
    const server = await serve({ path }, (socket, request) => {
      assertEquals([request.remoteAddress, request.secure], [undefined, false]);
      return echo(socket);
    });
    assertEquals(server.address, { path });
    const socket = await connect("ws://example.com/", { path });
    for (const size of [10, 70_000, MiB]) {
      await socket.send("a".repeat(size));
      assertEquals((await receive(socket)).length, size);
    }
    socket.close();
    assertEquals(await receiveAll(socket), []);
    await server.close();
    assertEquals(existsSync(path), false);
    await assertRejects(() => connect("ws://example.com/", { path }), HandshakeError);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const PEM = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";

test("TLS on a unix socket is a TypeError, on both sides; so are tls options without a key", async () => {
  await assertRejects(
    () => serve({ path: "/tmp/x", tls: { cert: PEM, key: PEM } }, echo),
    TypeError,
    "unix socket",
  );
  await assertRejects(() => connect("wss://localhost/", { path: "/tmp/x" }), TypeError, "unix socket");
  await assertRejects(
    () => serve({ tls: { cert: PEM } as { cert: string; key: string } }, echo),
    TypeError,
    "cert and key",
  );
  for (const port of [-1, 65_536, 1.5, NaN]) {
    await assertRejects(() => serve({ port }, echo), RangeError, "port");
  }
});

test("WebSocketStream opens, carries messages, and closes with the peer's code and reason", async () => {
  const server = await serve({ hostname: "127.0.0.1", protocols: ["p"] }, echo);
  const stream = new WebSocketStream(`ws://127.0.0.1:${portOf(server)}/x`, { protocols: ["p"] });
  assertEquals(stream.url, `ws://127.0.0.1:${portOf(server)}/x`);
  const { readable, writable, protocol, extensions } = await stream.opened;
  assertEquals([protocol, extensions], ["p", ""]);
  const writer = writable.getWriter();
  const reader = readable.getReader();
  await writer.write("text");
  await writer.write(Uint8Array.of(1));
  assertEquals((await reader.read()).value, "text");
  assertEquals((await reader.read()).value, Uint8Array.of(1));
  stream.close({ closeCode: 3456, reason: "ok" });
  assertEquals(await stream.closed, { closeCode: 3456, reason: "ok" });
  assertEquals((await reader.read()).done, true);
  await server.close();
});

test("WebSocketStream holds close to the proposal's rules", async () => {
  const server = await serve({ hostname: "127.0.0.1" }, echo);
  const stream = new WebSocketStream(`ws://127.0.0.1:${portOf(server)}/`);
  await stream.opened;
  const nameOf = (info: { closeCode?: number; reason?: string }) => {
    try {
      stream.close(info);
    } catch (error) {
      return (error as Error).name;
    }
  };
  for (const closeCode of [0, 999, 1001, 1005, 2999, 5000]) {
    assertEquals(nameOf({ closeCode }), "InvalidAccessError");
  }
  assertEquals(nameOf({ reason: "ü".repeat(62) }), "SyntaxError");
  stream.close({ reason: "no code" });
  assertEquals(await stream.closed, { closeCode: 1000, reason: "no code" });
  await server.close();
});

test("WebSocketStream converts a code before anything changes", async () => {
  const server = await serve({ hostname: "127.0.0.1" }, echo);
  for (const [code, closeCode] of [["3000", 3000], [3000.5, 3000], [{ valueOf: () => 4000 }, 4000]]) {
    const stream = new WebSocketStream(`ws://127.0.0.1:${portOf(server)}/`);
    await stream.opened;
    for (
      const info of [
        { closeCode: NaN },
        { closeCode: 68_536 },
        { closeCode: 1n },
        { reason: Symbol("x") },
        3000,
      ]
    ) {
      assertThrows(() => stream.close(info as { closeCode: number }), TypeError);
    }
    stream.close({ closeCode: code as number, reason: 7 as unknown as string });
    assertEquals(await stream.closed, { closeCode, reason: "7" });
  }
  // One that is still connecting stays so when its argument is wrong.
  const early = new WebSocketStream(`ws://127.0.0.1:${portOf(server)}/`);
  assertThrows(() => early.close({ closeCode: "none" as unknown as number }), TypeError);
  await early.opened;
  early.close();
  await early.closed;
  await server.close();
});

test("WebSocketStream rejects opened and closed when it cannot open, is closed too early, or is aborted", async () => {
  const server = await serve(
    { hostname: "127.0.0.1", authorize: () => new Promise<undefined>(() => {}) },
    echo,
  );
  const url = `ws://127.0.0.1:${portOf(server)}/`;
  const closed = new WebSocketStream(url);
  closed.close();
  assertEquals((await assertRejects(() => closed.opened, Error)).name, "AbortError");
  assertEquals((await assertRejects(() => closed.closed, Error)).name, "AbortError");
  const controller = new AbortController();
  const aborted = new WebSocketStream(url, { signal: controller.signal });
  controller.abort(new Error("why"));
  await assertRejects(() => aborted.opened, Error, "why");
  await server.close();
  const refused = new WebSocketStream(url);
  await assertRejects(() => refused.opened, HandshakeError);
  await assertRejects(() => refused.closed, HandshakeError);
  let name = "";
  try {
    new WebSocketStream("nonsense:");
  } catch (error) {
    name = (error as Error).name;
  }
  assertEquals(name, "SyntaxError");
});
