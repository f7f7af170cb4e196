import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects } from "#std/assert";
import { WebSocket, WebSocketServer } from "ws";
import { connect, upgrade } from "../../lib/adapters/node.ts";
import { HandshakeError } from "../../mod.ts";
import { makeCertificate } from "../support/certificate.ts";
import { requires } from "../support/requires.ts";
import { echo, receive, settlesInTime } from "../support/serving.ts";
import { runtime } from "../support/sluice.ts";
import { clientClose, clientFrame, UPGRADE, Wire } from "../support/wire.ts";
import { HELLO, SERVER_ROWS } from "../vectors/handshake_server.ts";
import { sameBytes } from "../vectors/hex.ts";
import { fromLatin1, latin1 } from "../vectors/splits.ts";
import { echoed, leave, openBystander } from "../interop/bystander.ts";
import { within } from "../interop/within.ts";

const MEBIBYTE = 1_048_576;
const HELLO_BACK = "\x81\x05Hello";

type Options = NonNullable<Parameters<typeof upgrade>[3]>;
type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** What a test gets: where the server is, and what became of each upgrade. */
interface Host {
  readonly server: Server;
  readonly port: number;
  readonly outcomes: Promise<unknown>[];
}

/** Makes a listener that upgrades what is for it, and echoes; each outcome is `"done"`, or the error. */
function echoing(outcomes: Promise<unknown>[], options?: Options): UpgradeListener {
  return (request, socket, head) => {
    if (request.url === "/ws") return;
    const serve = async (): Promise<unknown> => {
      const connection = await upgrade(request, socket, head, options).catch((error: unknown) => {
        // Where the options are wrong the socket is still ours.
        socket.destroy();
        throw error;
      });
      await echo(connection);
      return "done";
    };
    outcomes.push(serve().catch((error: unknown) => error));
  };
}

const plain: RequestListener = (_, response) => response.end("plain");

/** Runs a test on a server that is plain HTTP beside its upgrades; the server has no socket left when it is over. */
async function hosting(
  options: Options & { tls?: { cert: string; key: string } },
  test: (host: Host) => Promise<void>,
): Promise<void> {
  const { tls, ...own } = options;
  const outcomes: Promise<unknown>[] = [];
  const server = tls === undefined ? createServer(plain) : createTlsServer(tls, plain) as Server;
  server.on("upgrade", echoing(outcomes, own));
  const sockets = new Set<Duplex>();
  server.on("connection", (socket: Duplex) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const closed = once(server, "close");
  try {
    await test({ server, port: (server.address() as AddressInfo).port, outcomes });
    await within("The end of each upgrade", Promise.all(outcomes));
    server.close();
    await within("The end of the server", closed);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

/** Asks over a socket of its own. */
async function ask(port: number): Promise<string> {
  const wire = await Wire.open(port);
  wire.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  return fromLatin1(await within("The answer", wire.rest()));
}

/** Sends an upgrade with more header lines, and returns the answer's head. */
async function answerTo(port: number, ...lines: string[]): Promise<string> {
  const wire = await Wire.open(port);
  wire.send([UPGRADE.trimEnd(), ...lines, "", ""].join("\r\n"));
  const head = await within("The answer", wire.head());
  wire.destroy();
  return head;
}

function statusOf(head: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
}

test("an http.Server's upgrade echoes messages up to 1 MiB, and closes", () =>
  hosting({}, async ({ port, outcomes }) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    await within("The 101", once(socket, "open"));
    for (const size of [0, 125, 126, 65_535, 65_536, MEBIBYTE]) {
      const bytes = new Uint8Array(size).map((_, i) => i);
      socket.send(bytes);
      const [data, binary] = await within("The echo", once(socket, "message"));
      assert(binary && sameBytes(data, bytes), `the echo of ${size} bytes is another message`);
    }
    assertEquals(await echoed(socket, "x".repeat(MEBIBYTE)), "x".repeat(MEBIBYTE));
    socket.close(4000, "done");
    const [code, reason] = await within("The end", once(socket, "close"));
    assertEquals([code, String(reason)], [4000, "done"]);
    assertEquals(await Promise.all(outcomes), ["done"]);
  }));

test("an https.Server's upgrade does the same", requires("openssl"), () => {
  const tls = makeCertificate();
  return hosting({ tls }, async ({ port, outcomes }) => {
    const socket = await connect(`wss://localhost:${port}/`, { tls: { ca: tls.cert } });
    const bytes = new Uint8Array(MEBIBYTE).map((_, i) => i >> 3);
    await socket.send(bytes);
    assertEquals(await receive(socket), bytes);
    const other = new WebSocket(`wss://localhost:${port}/`, { ca: tls.cert });
    await within("The 101", once(other, "open"));
    assertEquals(await echoed(other, "hello"), "hello");
    await leave(other);
    socket.close({ closeCode: 4000, reason: "done" });
    assertEquals(await socket.closed, { closeCode: 4000, reason: "done" });
    assertEquals(await Promise.all(outcomes), ["done", "done"]);
  });
});

test("a path that is another listener's, such as of npm's ws, is left alone", () =>
  hosting({}, async ({ server, port }) => {
    const theirs = new WebSocketServer({ noServer: true });
    theirs.on("connection", (socket) => socket.on("message", (data) => socket.send(`ws: ${data}`)));
    server.on("upgrade", (request, socket, head) => {
      if (request.url !== "/ws") return;
      theirs.handleUpgrade(request, socket, head, (socket) => theirs.emit("connection", socket));
    });
    const [one, two] = [
      await openBystander(`ws://127.0.0.1:${port}/`),
      await openBystander(`ws://127.0.0.1:${port}/ws`),
    ];
    for (const text of ["a", "b", "c"]) {
      assertEquals(await Promise.all([echoed(one, text), echoed(two, text)]), [text, `ws: ${text}`]);
    }
    await leave(one);
    assertEquals(await echoed(two, "d"), "ws: d");
    await leave(two);
  }));

test("requests that are no upgrade are answered as before, also between upgrades", () =>
  hosting({}, async ({ port }) => {
    assertMatch(await ask(port), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n[^]*plain/);
    const sockets = await Promise.all(
      Array.from({ length: 20 }, () => openBystander(`ws://127.0.0.1:${port}/`)),
    );
    const asked = await Promise.all(sockets.map((socket, i) => i % 2 ? ask(port) : echoed(socket, `${i}`)));
    assertEquals(asked.map((got, i) => i % 2 ? got.includes("plain") : got === `${i}`), Array(20).fill(true));
    await Promise.all(sockets.map(leave));
    assertMatch(await ask(port), /plain/);
  }));

test("an upgrade behind a request on the same socket works", () =>
  hosting({}, async ({ port }) => {
    const wire = await Wire.open(port);
    wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assertEquals(statusOf(await within("The answer", wire.head())), 200);
    assertMatch(fromLatin1(await wire.take("plain".length)), /plain/);
    wire.send(UPGRADE);
    assertEquals(statusOf(await within("The 101", wire.head())), 101);
    wire.send(latin1(HELLO));
    assertEquals(fromLatin1(await within("The echo", wire.take(HELLO_BACK.length))), HELLO_BACK);
    wire.send(clientClose(1000));
    assertEquals(await wire.closeCode(), 1000);
    assertEquals(await within("The end", wire.ended), "end");
    wire.destroy();
  }));

test("frames glued to the head are kept, wherever they are cut", () =>
  hosting({}, async ({ port }) => {
    const frames = fromLatin1(clientFrame(1, "first")) + HELLO;
    for (let cut = 0; cut <= frames.length; cut++) {
      const wire = await Wire.open(port);
      wire.send(latin1(UPGRADE + frames.slice(0, cut)));
      assertEquals(statusOf(await within("The 101", wire.head())), 101);
      wire.send(latin1(frames.slice(cut)));
      const back = `\x81\x05first${HELLO_BACK}`;
      const got = await within("The echoes", wire.take(back.length));
      assertEquals(fromLatin1(got), back, `cut behind ${cut}`);
      wire.send(clientClose(1000));
      assertEquals(fromLatin1(await within("The end", wire.rest())), "\x88\x02\x03\xe8");
      wire.destroy();
    }
  }));

/** What Node's own parser lets pass, refuses with another status, or does not take for an upgrade. */
const DECIDED_BY_NODE: ReadonlySet<string> = new Set([
  "a method in lower case",
  "HTTP/0.9",
  "HTTP/0.1",
  "the HTTP/2 preface",
  "HTTP/1.2",
  "HTTP/2.1",
  "two spaces",
  "two empty lines first",
  "a bare LF first",
  "an authority",
  "no Upgrade",
  "no Connection",
  "Connection: close",
  "a line over 16 KiB",
  "a target of 17 KB",
  "a name over 16 KiB",
]);

/** Where the `node:http` of another runtime has its own idea, before anything comes to Sluice; on Deno it is no upgrade. */
const DECIDED_BY_OTHERS: Readonly<Record<string, { deno?: number; bun?: number }>> = {
  "much space around values": { deno: 200 },
  "HTTP/2.0": { bun: 400 },
  "an absolute ws: target": { bun: 400 },
  "OPTIONS *": { bun: 400 },
};

for (const row of SERVER_ROWS.filter(({ name }) => !DECIDED_BY_NODE.has(name))) {
  const others = DECIDED_BY_OTHERS[row.name] ?? {};
  const answers = [
    row.expect,
    ...Object.entries(others).map(([runtime, status]) => `${status} on ${runtime}`),
  ];
  const theirs = runtime === "node" ? undefined : others[runtime];
  test(`an http.Server's upgrade answers ${row.name} with ${answers.join(", ")} (${row.section})`, () =>
    hosting({}, async ({ port, outcomes }) => {
      const wire = await Wire.open(port);
      wire.send(latin1(row.request));
      if (theirs !== undefined) {
        assertEquals(statusOf(await within("The answer", wire.head())), theirs);
        wire.destroy();
        return assertEquals(outcomes, []);
      }
      if (row.expect === 101) {
        assertEquals(statusOf(await within("The 101", wire.head())), 101);
        if (row.rest === undefined) wire.send(latin1(HELLO));
        // Whatever else is glued to the head is no frame.
        if (row.rest === undefined || row.rest === HELLO) {
          assertEquals(fromLatin1(await within("The echo", wire.take(HELLO_BACK.length))), HELLO_BACK);
          wire.send(clientClose(1000));
          assertEquals(await within("The Close", wire.closeCode()), 1000);
        } else {
          assertEquals(await within("The Close", wire.closeCode()), 1002);
        }
      } else {
        assertEquals(statusOf(await within("The refusal", wire.head())), row.expect);
      }
      await within("The end of the stream", wire.rest());
      wire.destroy();
      const [outcome] = await within("The outcome", Promise.all(outcomes));
      // Without an outcome it was Node that refused.
      if (outcome instanceof HandshakeError) assertEquals(outcome.code, row.code);
      else assert(outcome === undefined ? row.expect !== 101 : row.expect === 101, String(outcome));
    }));
}

test("a page of another origin is refused, unless it is listed", async () => {
  const other = "Origin: https://other.example";
  await hosting({}, async ({ port, outcomes }) => {
    assertEquals(statusOf(await answerTo(port, other)), 403);
    assertEquals(statusOf(await answerTo(port, "Origin: null")), 403);
    assertEquals(statusOf(await answerTo(port, "Origin: http://localhost")), 101);
    assertEquals(statusOf(await answerTo(port)), 101);
    const [first] = await Promise.all(outcomes);
    assert(first instanceof HandshakeError);
    assertEquals([first.code, first.status], ["origin", 403]);
  });
  await hosting({ origins: ["https://other.example"] }, async ({ port }) => {
    assertEquals(statusOf(await answerTo(port, other)), 101);
    assertEquals(statusOf(await answerTo(port, "Origin: https://third.example")), 403);
  });
  await hosting({ origins: "any" }, async ({ port }) => {
    assertEquals(statusOf(await answerTo(port, "Origin: https://third.example")), 101);
  });
});

test("protocols and headers go out with the 101", () =>
  hosting({ protocols: ["b", "a"], headers: { "X-Name": "Ada" } }, async ({ port }) => {
    const head = await answerTo(port, "Sec-WebSocket-Protocol: a, b, c");
    assertMatch(head, /\r\nSec-WebSocket-Protocol: b\r\n/i);
    assertMatch(head, /\r\nX-Name: Ada\r\n/i);
    assertEquals(
      /\r\nSec-WebSocket-Protocol/i.test(await answerTo(port, "Sec-WebSocket-Protocol: c")),
      false,
    );
    assertEquals(/\r\nSec-WebSocket-Protocol/i.test(await answerTo(port)), false);
  }));

test("limits hold on what was upgraded", () =>
  hosting({ maxMessageSize: 4 }, async ({ port }) => {
    const wire = await Wire.open(port);
    wire.send(UPGRADE);
    await wire.head();
    wire.send(latin1(HELLO));
    assertEquals(await within("The Close", wire.closeCode()), 1009);
    wire.destroy();
  }));

test("options that cannot be used throw before anything is done with the socket", async () => {
  const wrong: [Options, typeof TypeError | typeof RangeError][] = [
    [{ headers: { "Upgrade": "h2c" } }, TypeError],
    [{ headers: { "x": "a\r\nb: c" } }, TypeError],
    [{ headers: { "Sec-WebSocket-Accept": "x" } }, TypeError],
    [{ maxMessageSize: "10" as unknown as number }, TypeError],
    [{ keepalive: true as unknown as false }, TypeError],
    [{ maxHeaders: -1 }, RangeError],
  ];
  for (const [options, type] of wrong) {
    await hosting(options, async ({ port, outcomes }) => {
      const wire = await Wire.open(port);
      wire.send(UPGRADE);
      assertEquals(await within("The end of the stream", wire.rest()), new Uint8Array(0));
      const [outcome] = await Promise.all(outcomes);
      assert(outcome instanceof type, String(outcome));
      wire.destroy();
    });
  }
});

test("a protocol that was not offered is a TypeError, and the client is told 500", () =>
  hosting({ protocols: () => "other" }, async ({ port, outcomes }) => {
    assertEquals(statusOf(await answerTo(port, "Sec-WebSocket-Protocol: a")), 500);
    const [outcome] = await Promise.all(outcomes);
    assert(outcome instanceof TypeError, String(outcome));
  }));

test("a client that left before its upgrade was taken up is an error", async () => {
  const server = createServer(plain);
  const taken = Promise.withResolvers<unknown>();
  server.on("upgrade", async (request, socket, head) => {
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const connection = upgrade(request, socket, head);
    connection.then((connection) => connection.abort(), () => {});
    connection.then(taken.resolve, taken.reject);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const wire = await Wire.open((server.address() as AddressInfo).port);
  wire.send(UPGRADE);
  assert(await settlesInTime(taken.promise, 2_000), "it never settled");
  assertEquals((await assertRejects(() => taken.promise, HandshakeError)).code, "ended");
  wire.destroy();
  server.close();
  await once(server, "close");
});
