/**
 * What a client learns of a server that it gets no WebSocket from, and what it passes over on the way to one.
 *
 * @module
 */

import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects } from "#std/assert";
import { HandshakeError } from "../../mod.ts";
import { testOverTcpAndTls } from "../support/links.ts";
import { answer, type Script, scripted } from "../support/scripted_server.ts";
import { echo, receive, serving, trusted } from "../support/serving.ts";
import { connect } from "../support/sluice.ts";
import type { Wire } from "../support/wire.ts";

const HEAD = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Accept: {accept}\r\n\r\n";
const HINTS = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";

/** Nothing may be left to this timeout. */
const AMPLE = 60_000;

/** Connects to a server that refuses. */
async function refusal(script: Script): Promise<HandshakeError> {
  let refused: HandshakeError | undefined;
  await scripted(script, async (url) => {
    const options = { ...trusted(), handshakeTimeout: AMPLE };
    refused = await assertRejects(() => connect(url, options), HandshakeError);
    assertEquals(refused.code, "refused");
    assert(refused.message.startsWith(`Cannot connect to ${new URL(url).host}: `), refused.message);
  });
  return refused!;
}

/** Answers, then ends the stream. */
function answerAndEnd(text: string): Script {
  return async (wire: Wire) => {
    await answer(text)(wire);
    wire.socket.end();
  };
}

for (
  const [what, interim] of Object.entries({
    "a 100": "HTTP/1.1 100 Continue\r\n\r\n",
    "a 102 and a 103": `HTTP/1.1 102 Processing\r\n\r\n${HINTS}`,
    "sixteen 103": HINTS.repeat(16),
  })
) {
  test(`a client skips ${what} before the 101, and takes what comes with it`, () =>
    scripted(answer(`${interim}${HEAD}\x81\x05Hello`), async (url) => {
      const socket = await connect(url, { handshakeTimeout: AMPLE });
      assertEquals(await receive(socket), "Hello");
      socket.abort();
    }));
}

test("a client skips a 103 that comes alone, in pieces", () => {
  const script: Script = async (wire) => {
    for (const part of [HINTS.slice(0, 40), HINTS.slice(40, -1), `${HINTS.slice(-1)}HTTP`]) {
      wire.send(part);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await answer(HEAD.slice(4))(wire);
  };
  return scripted(script, async (url) => {
    (await connect(url, { handshakeTimeout: AMPLE })).abort();
  });
});

for (
  const [what, head] of Object.entries({
    "a header of 14,000 bytes": HEAD.replace(
      "\r\n\r\n",
      `\r\nContent-Security-Policy: ${"x".repeat(14_000)}\r\n\r\n`,
    ),
    "a reason of 14,000 bytes": HEAD.replace("Switching Protocols", "x".repeat(14_000)),
  })
) {
  testOverTcpAndTls(
    `a client takes ${what}, as maxHeadSize allows`,
    () =>
      scripted(answer(`${head}\x81\x05Hello`), async (url) => {
        const socket = await connect(url, { ...trusted(), handshakeTimeout: AMPLE });
        assertEquals(await receive(socket), "Hello");
        socket.abort();
      }),
  );

  test(`a client with maxHeadSize 14,000 refuses ${what}`, () =>
    scripted(answer(head), async (url) => {
      const options = { handshakeTimeout: AMPLE, maxHeadSize: 14_000 };
      const { code } = await assertRejects(() => connect(url, options), HandshakeError);
      assertEquals(code, "head-too-large");
    }));

  test(`a client with a larger maxHeadSize takes ${what} five times over`, () =>
    scripted(answer(`${head.replace("x".repeat(14_000), "x".repeat(70_000))}\x81\x05Hello`), async (url) => {
      const socket = await connect(url, { handshakeTimeout: AMPLE, maxHeadSize: 100_000 });
      assertEquals(await receive(socket), "Hello");
      socket.abort();
    }));
}

test("a refusal behind a 103 is the answer", async () => {
  const { status } = await refusal(answer(`${HINTS}HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n`));
  assertEquals(status, 404);
});

testOverTcpAndTls("the error of a refusal has the server's status, headers and body", async () => {
  const { status, response, message } = await refusal(answer(
    "HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\nLocation: /there\r\nWWW-Authenticate: Basic\r\n" +
      "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nLater and more",
  ));
  assertMatch(message, /: the server answered with status 429 Slow Down$/);
  assert(response !== undefined);
  assertEquals([status, response.status, response.statusText], [429, 429, "Slow Down"]);
  const names = ["retry-after", "location", "www-authenticate", "content-type"];
  assertEquals(names.map((name) => response.headers.get(name)), ["7", "/there", "Basic", "text/plain"]);
  assertEquals(await response.text(), "Later");
});

/** Bodies as servers send them, and what a client has of each. */
const bodies: Readonly<Record<string, readonly [script: Script, body: string]>> = {
  "of no length, up to the end of the stream": [
    answerAndEnd("HTTP/1.1 403 Forbidden\r\n\r\nGet away."),
    "Get away.",
  ],
  "in chunks": [
    answer(
      "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nGet\r\n6\r\n away.\r\n0\r\n\r\n",
    ),
    "Get away.",
  ],
  "in chunks that are cut off": [
    answerAndEnd("HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGet\r\nA\r\n aw"),
    "Get aw",
  ],
  "in chunks that are wrong": [
    answer("HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGetxx\r\n"),
    "Get",
  ],
  "shorter than it says": [
    answerAndEnd("HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nGet away."),
    "Get away.",
  ],
  "of more than 64 KiB": [
    answer(`HTTP/1.1 403 Forbidden\r\nContent-Length: 100000\r\n\r\n${"a".repeat(100_000)}`),
    "a".repeat(65_536),
  ],
  "that a 204 cannot have": [answer("HTTP/1.1 204 No Content\r\n\r\nGet away."), ""],
  "that does not come": [answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nGet"), "Get"],
};

for (const [what, [script, body]] of Object.entries(bodies)) {
  test(`the error of a refusal has a body ${what}`, async () => {
    assertEquals(await (await refusal(script)).response!.text(), body);
  });
}

test("a status that no Response can have is told alone", async () => {
  const { status, response } = await refusal(answer("HTTP/1.1 999 No\r\n\r\n"));
  assertEquals([status, response], [999, undefined]);
});

testOverTcpAndTls(
  "the error of a server that is not there has host, port, reason, and no status",
  async () => {
    let port = 0;
    let url = "";
    await serving({}, echo, (serving) => {
      ({ port, url } = serving);
      return Promise.resolve();
    });
    const error = await assertRejects(() => connect(url, trusted()), HandshakeError);
    assertEquals([error.code, error.status, error.response], ["unreachable", undefined, undefined]);
    assert(error.message.startsWith(`Cannot connect to 127.0.0.1:${port}: `), error.message);
    assertMatch(error.message, /ECONNREFUSED/);
    assert(error.cause !== undefined);
  },
);

test("the error of a name that nobody knows has it, and no status", async () => {
  const error = await assertRejects(() => connect("ws://name.invalid:81/"), HandshakeError);
  assertEquals([error.code, error.status], ["unreachable", undefined]);
  assertMatch(error.message, /^Cannot connect to name\.invalid:81: .+/);
});

test("the error of a unix socket that is not there has its path", async () => {
  const error = await assertRejects(() => connect("ws://x/", { path: "/nowhere/socket" }), HandshakeError);
  assertMatch(error.message, /^Cannot connect to \/nowhere\/socket: .+/);
});

testOverTcpAndTls(
  "the error of a time-out has host, port and the time, and no status",
  () =>
    scripted(answer(""), async (url) => {
      const options = { ...trusted(), handshakeTimeout: 200 };
      const error = await assertRejects(() => connect(url, options), HandshakeError);
      assertEquals([error.code, error.status], ["timeout", undefined]);
      assertEquals(
        error.message,
        `Cannot connect to ${new URL(url).host}: the handshake took more than 200 ms`,
      );
    }),
);

test("the error of a wrong answer has host and port, and no status", () =>
  scripted(answer(HEAD.replace("{accept}", "x")), async (url) => {
    const error = await assertRejects(() => connect(url), HandshakeError);
    assertEquals([error.code, error.status], ["accept-mismatch", undefined]);
    assertMatch(error.message, /^Cannot connect to 127\.0\.0\.1:\d+: Sec-WebSocket-Accept/);
  }));

testOverTcpAndTls(
  "a signal's reason is what connect rejects with: TimeoutError for AbortSignal.timeout",
  () =>
    scripted(answer(""), async (url) => {
      const options = { ...trusted(), signal: AbortSignal.timeout(200), handshakeTimeout: AMPLE };
      assertEquals((await assertRejects(() => connect(url, options), Error)).name, "TimeoutError");
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 100);
      const aborted = { ...trusted(), signal: controller.signal, handshakeTimeout: AMPLE };
      assertEquals((await assertRejects(() => connect(url, aborted), Error)).name, "AbortError");
    }),
);
