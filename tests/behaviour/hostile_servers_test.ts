import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "#std/assert";
import { HandshakeError, type WebSocketConnection, WebSocketError } from "../../mod.ts";
import type { HandshakeErrorCode } from "../../lib/errors.ts";
import { answer, receiveKey, type Script, scripted, writeForever } from "../support/scripted_server.ts";
import { testOverTcpAndTls } from "../support/links.ts";
import { receive, receiveAll, settles, sleep, trusted } from "../support/serving.ts";
import { connect, WebSocketStream } from "../support/sluice.ts";
import type { Wire } from "../support/wire.ts";
import { CLIENT_ROWS } from "../vectors/handshake_client.ts";
import { latin1 } from "../vectors/splits.ts";
import { slowdown } from "../support/patience.ts";

const HEAD = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Accept: {accept}\r\n\r\n";
const FORBIDDEN = "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\n";
const CLOSE = "\x88\x02\x03\xe8";
/** How long the client's own Close with a code is: it is masked. */
const MASKED_CLOSE = 8;

/** How long a server may take that is given all the time it needs: nothing may be left to this timeout. */
const AMPLE = 60_000;
/** How long one may take that never comes to an end. */
const SHORT = 300;
/** How much later than that a client may give up. */
const TOLERANCE = 100;

type Options = NonNullable<Parameters<typeof connect>[1]>;

/** Does something that must take a time. What the machine is late by, a timer of our own is late by as well. */
async function inTime(time: number, run: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  const due = sleep(time).then(() => performance.now());
  await run();
  const end = performance.now();
  assert(end - start > time - 20, `It took only ${end - start} ms`);
  assert(end - await due < TOLERANCE * slowdown(), `It took ${end - start} ms`);
}

/** Connects both ways; each must fail with the same. */
async function refused(
  url: string,
  options: Options,
  { code, status }: { code: HandshakeErrorCode; status?: number | undefined },
): Promise<void> {
  const all = { ...trusted(), ...options };
  const stream = new WebSocketStream(url, all);
  const errors = await Promise.all(
    [connect(url, all), stream.opened, stream.closed].map((promise) =>
      assertRejects(() => promise as Promise<unknown>, HandshakeError)
    ),
  );
  for (const error of errors) {
    assertEquals(error.code, code);
    assertEquals(error.status, status);
    assertEquals(error.message.includes(new URL(url).host), true, error.message);
  }
  assertEquals(errors[1], errors[2]);
}

for (const row of CLIENT_ROWS) {
  test(`a client comes to ${row.expect} by ${row.name} (${row.section})`, () =>
    scripted(answer(row.response), async (url) => {
      const options = { protocols: row.protocols, handshakeTimeout: AMPLE };
      if (row.expect !== "open") {
        return await refused(url, options, { code: row.expect, status: row.status });
      }
      const socket = await connect(url, options);
      assertEquals([socket.protocol, socket.extensions], [row.protocol ?? "", ""]);
      if (row.rest !== undefined) assertEquals(await receive(socket), "Hello");
      socket.abort();
    }));
}

/** What a server does, and what must come of it. */
interface HostileServer {
  readonly name: string;
  readonly script: Script;
  readonly code: HandshakeErrorCode;
  readonly status?: number;
  /** Whether only the timeout ends it. */
  readonly late?: boolean;
}

/** Sends a part of an answer, and when that is on its way does something else. */
function cutOff(text: string, then: (wire: Wire) => void): Script {
  return async (wire) => {
    await answer(text)(wire);
    await sleep(20);
    then(wire);
  };
}

/** Sends the same over and over behind the beginning of an answer. */
function endless(text: string, unit: string): Script {
  return async (wire) => {
    await answer(text)(wire);
    const written = await writeForever(wire, latin1(unit.repeat(Math.ceil(4_096 / unit.length))));
    // More than the two kernels hold, and the client has read what it should not have.
    assert(written < 32 * 1_048_576, `The client took ${written} bytes`);
  };
}

/** Sends the same now and then, and never comes to an end. */
function trickling(text: string, unit: string): Script {
  return async (wire) => {
    await answer(text)(wire);
    while (!await settles(wire.ended, 40)) wire.send(unit);
  };
}

const ended = (wire: Wire) => void wire.socket.end();
const reset = (wire: Wire) => void wire.socket.resetAndDestroy();
const half = HEAD.slice(0, HEAD.indexOf("\r\nConnection"));

const hostile: readonly HostileServer[] = [
  { name: "says nothing", script: () => Promise.resolve(), code: "timeout", late: true },
  { name: "takes the request and says nothing", script: answer(""), code: "timeout", late: true },
  { name: "stops in the middle of the head", script: answer(half), code: "timeout", late: true },
  { name: "stops before the last LF", script: answer(HEAD.slice(0, -1)), code: "timeout", late: true },
  { name: "trickles the status line", script: trickling("HTTP/1.1 101 ", "a"), code: "timeout", late: true },
  { name: "trickles header lines", script: trickling(half, "\r\nX: 1"), code: "timeout", late: true },
  { name: "ends the stream before the head", script: cutOff("", ended), code: "ended" },
  { name: "ends the stream in the middle of the head", script: cutOff(half, ended), code: "ended" },
  { name: "resets the stream before the head", script: cutOff("", reset), code: "ended" },
  { name: "resets the stream in the middle of the head", script: cutOff(half, reset), code: "ended" },
  {
    name: "ends the stream before it has read anything",
    script: (wire) => Promise.resolve(ended(wire)),
    code: "ended",
  },
  { name: "never ends the status line", script: endless("HTTP/1.1 101 ", "a"), code: "head-too-large" },
  { name: "never ends a header name", script: endless(`${half}\r\n`, "a"), code: "head-too-large" },
  { name: "never ends a header value", script: endless(`${half}\r\nX: `, "a"), code: "head-too-large" },
  { name: "never ends the head", script: endless(half, "\r\nX: 1"), code: "too-many-headers" },
  {
    name: "never ends the head, in long lines",
    script: endless(half, `\r\nX: ${"a".repeat(4_000)}`),
    code: "head-too-large",
  },
  {
    name: "sends interim responses for ever",
    script: endless("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    code: "too-many-interim",
  },
  {
    name: "sends long interim responses",
    script: endless("", `HTTP/1.1 103 Early Hints\r\nLink: <${"a".repeat(7_000)}>\r\n\r\n`),
    code: "head-too-large",
  },
  {
    name: "never ends the body of a 403",
    script: endless(`${FORBIDDEN}\r\n`, "Get away. "),
    code: "refused",
    status: 403,
  },
  {
    name: "never ends the chunked body of a 200",
    script: endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nHello\r\n"),
    code: "refused",
    status: 200,
  },
  {
    name: "never sends the body of a 403 that it announced",
    script: answer(`${FORBIDDEN}Content-Length: 100000\r\n\r\n`),
    code: "refused",
    status: 403,
  },
  {
    name: "answers before it was asked, for another key",
    script: (wire) => Promise.resolve(wire.send(HEAD.replace("{accept}", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))),
    code: "accept-mismatch",
  },
  {
    name: "sends the request back",
    script: async (wire) => wire.send(await wire.head()),
    code: "status-line",
  },
  { name: "sends zeros for ever", script: endless("", "\0"), code: "status-line" },
  { name: "speaks TLS", script: answer("\x15\x03\x03\0\x02\x02\x46"), code: "status-line" },
  { name: "speaks HTTP/2", script: answer("\0\0\x12\x04\0\0\0\0\0"), code: "status-line" },
];

for (const { name, script, code, status, late = false } of hostile) {
  const define = late ? testOverTcpAndTls : test;
  define(`a client gives up with ${code} on a server that ${name}`, () =>
    scripted(
      script,
      (url) =>
        late
          ? inTime(SHORT, () => refused(url, { handshakeTimeout: SHORT }, { code }))
          : refused(url, { handshakeTimeout: AMPLE }, { code, status }),
    ));
}

/** What a server may say to the offer of permessage-deflate, and what it must not (RFC 7692 §7.1). */
const extensionAnswers: readonly { readonly answer: string; readonly right: boolean }[] = [
  ...["", "; server_no_context_takeover", "; client_no_context_takeover", "; server_max_window_bits=10"].map(
    (parameters) => ({ answer: `permessage-deflate${parameters}`, right: true }),
  ),
  ...[
    "permessage-deflate, permessage-deflate",
    "permessage-deflate\r\nSec-WebSocket-Extensions: permessage-deflate",
    "permessage-deflate, foo",
    "permessage-deflate; foo",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; server_no_context_takeover=1",
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; server_max_window_bits=7",
    "permessage-deflate; server_max_window_bits=16",
    "permessage-deflate; server_max_window_bits=010",
    "permessage-deflate; client_max_window_bits=99",
    'permessage-deflate; server_max_window_bits="10',
    "permessage-deflate;",
    "permessage-bzip2",
    "constructor",
    "",
  ].map((answer) => ({ answer, right: false })),
];

for (const { answer: extension, right } of extensionAnswers) {
  const head = HEAD.replace("\r\n\r\n", `\r\nSec-WebSocket-Extensions: ${extension}\r\n\r\n`);
  test(`a client that offers compression ${right ? "takes" : "refuses"} ${JSON.stringify(extension)}`, () =>
    scripted(answer(head), async (url) => {
      const options = { compression: true, handshakeTimeout: AMPLE };
      if (!right) return await refused(url, options, { code: "extension-not-offered" });
      const socket = await connect(url, options);
      assertEquals(socket.extensions, extension);
      socket.abort();
    }));
}

test("a client does not follow a redirection, and does not ask again", async () => {
  let asked = 0;
  await scripted(answer(HEAD), async (other, otherCount) => {
    const script: Script = async (wire) => {
      await answer(`HTTP/1.1 301 Moved\r\nLocation: ${other}\r\nContent-Length: 0\r\n\r\n`)(wire);
      asked++;
      assertEquals(await wire.rest(), new Uint8Array(0));
    };
    await scripted(script, (url) => refused(url, {}, { code: "refused", status: 301 }));
    assertEquals([asked, otherCount()], [2, 0]);
  });
});

testOverTcpAndTls(
  "a client that is told to give up in the middle of a head frees its socket",
  () =>
    scripted(answer(half), async (url) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(new Error("enough")), 50);
      await assertRejects(() => connect(url, { ...trusted(), signal: controller.signal }), Error, "enough");
      const stream = new WebSocketStream(url, trusted());
      setTimeout(() => stream.close(), 50);
      assertEquals((await assertRejects(() => stream.opened, Error)).name, "AbortError");
    }),
);

test("a client hears of the first fault alone, whatever else is wrong", () =>
  scripted(
    cutOff("HTTP/1.0 200 OK\r\nSec-WebSocket-Accept: {accept}x\r\n\r\n\x83\x80", ended),
    (url) => refused(url, {}, { code: "http-version" }),
  ));

// What does open.

/** Runs a test with the connection that a script leads to. */
function opened(
  script: Script,
  test: (socket: WebSocketConnection) => Promise<void>,
  options?: Options,
): Promise<void> {
  return scripted(script, async (url) => {
    const socket = await connect(url, {
      ...trusted(),
      handshakeTimeout: AMPLE,
      closeTimeout: AMPLE,
      ...options,
    });
    await test(socket);
  });
}

test("a head that comes byte by byte opens, and so do frames", () =>
  opened(async (wire) => {
    const text = HEAD.replace("{accept}", await receiveKey(wire)) + "\x81\x05Hello" + CLOSE;
    for (const byte of latin1(text)) {
      wire.send(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await wire.take(MASKED_CLOSE);
    ended(wire);
  }, async (socket) => {
    assertEquals(await receiveAll(socket), ["Hello"]);
    assertEquals(await socket.closed, { closeCode: 1000, reason: "" });
  }));

test("many messages and a Close glued to the head are all kept", () => {
  const texts = Array.from({ length: 500 }, (_, i) => `message ${i}`);
  const frames = texts.map((text) => `\x81${String.fromCharCode(text.length)}${text}`).join("");
  const script: Script = async (wire) => {
    await answer(HEAD + frames + CLOSE)(wire);
    await wire.take(MASKED_CLOSE);
    ended(wire);
  };
  return opened(script, async (socket) => {
    assertEquals(await receiveAll(socket), texts);
    assertEquals(await socket.closed, { closeCode: 1000, reason: "" });
  });
});

test("a frame of which only half is glued to the head is put together", () =>
  opened(cutOff(`${HEAD}\x81\x05He`, (wire) => wire.send(`llo`)), async (socket) => {
    assertEquals(await receive(socket), "Hello");
    socket.abort();
  }));

test("a frame with a length of 1 MiB announced and not sent waits, and its end is 1006", () =>
  opened(cutOff(`${HEAD}\x82\x7f\0\0\0\0\0\x10\0\0abc`, ended), async (socket) => {
    const error = await assertRejects(() => socket.closed, WebSocketError);
    assertEquals([error.code, error.closeCode], ["connection-lost", 1006]);
    assertEquals(await assertRejects(() => receive(socket), WebSocketError), error);
  }));

for (const [how, then] of [["ends", ended], ["resets", reset]] as const) {
  test(`a server that ${how} the stream behind its 101 is lost, and what it has said is kept`, () => {
    const script: Script = async (wire) => {
      await answer(`${HEAD}\x81\x05Hello`)(wire);
      // A reset takes with it what has not been read.
      await wire.take(MASKED_CLOSE);
      then(wire);
    };
    return opened(script, async (socket) => {
      socket.send("ab"); // as long as a Close
      const error = await assertRejects(() => socket.closed, WebSocketError);
      assertEquals([error.code, error.closeCode], ["connection-lost", 1006]);
      assertEquals(await receive(socket), "Hello");
      assertEquals(await assertRejects(() => receive(socket), WebSocketError), error);
    });
  });
}

test("a message and a Close in one packet with the 101, then a reset: the message is kept", async () => {
  const script: Script = async (wire) => {
    await answer(`${HEAD}\x81\x05Hello${CLOSE}`)(wire);
    reset(wire);
  };
  // The reset may come at any moment: each time is another.
  for (let i = 0; i < 20; i++) {
    await opened(script, async (socket) => {
      const messages: unknown[] = [];
      await (async () => {
        for await (const message of socket) messages.push(message);
      })().catch(() => {});
      assertEquals(messages, ["Hello"]);
    });
  }
});

test("a second head behind the first is no frame", () =>
  opened(answer(HEAD + HEAD), async (socket) => {
    const error = await assertRejects(() => socket.closed, WebSocketError);
    assertEquals([error.code, error.closeCode], ["reserved-bit", 1002]);
  }));

testOverTcpAndTls(
  "a server that never answers the Close is cut after closeTimeout",
  () =>
    opened(answer(HEAD), async (socket) => {
      await inTime(SHORT, async () => {
        socket.close();
        const error = await assertRejects(() => socket.closed, WebSocketError);
        assertEquals(error.code, "close-timeout");
      });
    }, { closeTimeout: SHORT }),
);

testOverTcpAndTls(
  "a server that answers the Close and never ends the stream is cut after closeTimeout",
  () => {
    const script: Script = async (wire) => {
      await answer(HEAD)(wire);
      await wire.take(MASKED_CLOSE);
      wire.send(latin1(CLOSE));
      await writeForever(wire, "late ");
    };
    return opened(script, async (socket) => {
      socket.close();
      assertEquals((await socket.closed).closeCode, 1000);
    }, { closeTimeout: SHORT });
  },
);
