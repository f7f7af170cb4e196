import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { test } from "node:test";
import {
  brotliCompressSync,
  brotliDecompressSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateSync,
} from "node:zlib";
import { assert, assertEquals, assertMatch } from "#std/assert";
import { echo, serving, settlesInTime, until } from "../support/serving.ts";
import { UPGRADE, Wire } from "../support/wire.ts";
import { fromLatin1, latin1 } from "../vectors/splits.ts";

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** Whether the body is whole, by its own framing. */
  readonly whole: boolean;
}

/** Sends a request as it stands, and reads the answer strictly. */
async function ask(port: number, request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"): Promise<Answer> {
  const wire = await Wire.open(port);
  wire.send(request);
  const [statusLine = "", ...lines] = (await wire.head()).trimEnd().split("\r\n");
  const headers = new Headers();
  for (const line of lines) {
    headers.append(line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1));
  }
  const raw = fromLatin1(await wire.rest());
  wire.destroy();
  const status = Number(statusLine.split(" ")[1]);
  const length = headers.get("content-length");
  if (headers.get("transfer-encoding") === "chunked") {
    assertEquals(length, null);
    return { status, headers, ...unchunk(raw) };
  }
  return { status, headers, body: raw, whole: length === null || Number(length) === raw.length };
}

function unchunk(raw: string): { body: string; whole: boolean } {
  let body = "";
  for (let at = 0; at < raw.length;) {
    const line = raw.indexOf("\r\n", at);
    const size = parseInt(raw.slice(at, line), 16);
    if (size === 0) return { body, whole: raw.slice(line) === "\r\n\r\n" };
    body += raw.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
  return { body, whole: false };
}

const bytes = (text: string) => new TextEncoder().encode(text);

/** A body that comes in parts, each in a turn of its own; an error among them is what it fails with. */
function slowly(...parts: (Uint8Array | string | Error)[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 40));
      const part = parts.shift();
      if (part === undefined) controller.close();
      else if (part instanceof Error) controller.error(part);
      else controller.enqueue(part as Uint8Array);
    },
  }, { highWaterMark: 0 });
}

const form = new FormData();
form.append("a", "b");

const TYPES: readonly [name: string, make: () => Response, type: RegExp | null][] = [
  ["a string", () => new Response("<script>"), /^text\/plain;charset=UTF-8$/],
  ["an empty string", () => new Response(""), /^text\/plain;charset=UTF-8$/],
  ["a long string", () => new Response("ü".repeat(100_000)), /^text\/plain;charset=UTF-8$/],
  [
    "a string with a type",
    () => new Response("<p>", { headers: { "Content-Type": "text/html" } }),
    /^text\/html$/,
  ],
  ["a Blob", () => new Response(new Blob(["x"], { type: "application/pdf" })), /^application\/pdf$/],
  [
    "URLSearchParams",
    () => new Response(new URLSearchParams({ a: "b" })),
    /^application\/x-www-form-urlencoded;charset=UTF-8$/,
  ],
  ["FormData", () => new Response(form), /^multipart\/form-data; boundary=/],
  ["bytes", () => new Response(Uint8Array.of(0x89, 0x50, 0xff)), null],
  ["a stream", () => new Response(slowly(bytes("text"))), null],
  ["nothing", () => new Response(null), null],
];

for (const [name, make, type] of TYPES) {
  test(`${name} has the same type from fetch and from authorize, and for HEAD`, () =>
    serving({ fetch: make, authorize: make }, echo, async ({ port }) => {
      const answers = [
        await ask(port),
        await ask(port, UPGRADE),
        await ask(port, "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
      ];
      for (const { status, headers } of answers) {
        assertEquals(status, 200);
        const sent = headers.get("content-type");
        if (type === null) assertEquals(sent, null);
        else assertMatch(sent!, type);
      }
      assertEquals(answers[2]!.body, "");
    }));
}

test("what is about a connection is not sent, nor what Connection names", () => {
  const headers = {
    "Connection": "keep-alive, X-Hop",
    "Keep-Alive": "timeout=5",
    "Proxy-Connection": "keep-alive",
    "TE": "trailers",
    "Trailer": "X-End",
    "Transfer-Encoding": "gzip, chunked",
    "Upgrade": "h2c",
    "X-Hop": "1",
    "X-End": "2",
  };
  const answer = () => new Response("text", { headers });
  return serving({ fetch: answer, authorize: answer }, echo, async ({ port }) => {
    for (const { headers, body } of [await ask(port), await ask(port, UPGRADE)]) {
      headers.delete("content-type");
      assertEquals([...headers], [["connection", "close"], ["content-length", "4"], ["x-end", "2"]]);
      assertEquals(body, "text");
    }
  });
});

const LENGTHS: readonly [
  name: string,
  make: () => Response,
  expected: { status: number; body: string; whole: boolean; length: string | null; errors: number },
][] = [
  [
    "that is right is kept",
    () => new Response(slowly(bytes("abc"), bytes("de")), { headers: { "Content-Length": "5" } }),
    { status: 200, body: "abcde", whole: true, length: "5", errors: 0 },
  ],
  [
    "that is not one number is replaced",
    () => new Response("abcde", { headers: [["Content-Length", "4"], ["Content-Length", "4"]] }),
    { status: 200, body: "abcde", whole: true, length: "5", errors: 0 },
  ],
  [
    "that is not a number is replaced",
    () => new Response("abcde", { headers: { "Content-Length": "0x5" } }),
    { status: 200, body: "abcde", whole: true, length: "5", errors: 0 },
  ],
  [
    "that has a sign is replaced",
    () => new Response("abcde", { headers: { "Content-Length": "-4" } }),
    { status: 200, body: "abcde", whole: true, length: "5", errors: 0 },
  ],
  [
    "that nobody knows is not sent",
    () => new Response(slowly(bytes("abc"), bytes("de"))),
    { status: 200, body: "abcde", whole: true, length: null, errors: 0 },
  ],
  [
    "that is too long is noticed before the head is sent",
    () => new Response("abcde", { headers: { "Content-Length": "6" } }),
    { status: 500, body: "Cannot serve request: the server failed\n", whole: true, length: "40", errors: 1 },
  ],
  [
    "that is too long is noticed at the end, and the client sees it",
    () => new Response(slowly(bytes("abcde")), { headers: { "Content-Length": "6" } }),
    { status: 200, body: "abcde", whole: false, length: "6", errors: 1 },
  ],
  [
    "that is too short is noticed, and nothing is sent behind it",
    () => new Response(slowly(bytes("abc"), bytes("de")), { headers: { "Content-Length": "4" } }),
    { status: 200, body: "abc", whole: false, length: "4", errors: 1 },
  ],
  [
    "is not sent with 204",
    () => new Response(null, { status: 204, headers: { "Content-Length": "5" } }),
    { status: 204, body: "", whole: true, length: null, errors: 0 },
  ],
];

for (const [name, make, expected] of LENGTHS) {
  test(`a Content-Length ${name}`, () => {
    const errors: unknown[] = [];
    return serving({ fetch: make, onError: (error) => errors.push(error) }, echo, async ({ port }) => {
      const { status, body, whole, headers } = await ask(port);
      const length = headers.get("content-length");
      assertEquals({ status, body, whole, length, errors: errors.length }, expected);
    });
  });
}

test("a HEAD request is told the length that its handler gives, or that of the body", () => {
  const fetch = (request: Request) =>
    request.url.endsWith("/given")
      ? new Response(null, { headers: { "Content-Length": "1234" } })
      : new Response(request.url.endsWith("/without") ? null : "abcde");
  return serving({ fetch }, echo, async ({ port }) => {
    const head = (path: string) => ask(port, `HEAD ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const [given, known] = [await head("/given"), await head("/known")];
    assertEquals([given.headers.get("content-length"), given.body], ["1234", ""]);
    assertEquals([known.headers.get("content-length"), known.body], ["5", ""]);
    // As that of a HEAD request to another server: its length is not known, and not 0.
    const without = await head("/without");
    assertEquals([without.headers.get("content-length"), without.body], [null, ""]);
  });
});

const TEXT = "It was a bright cold day in April. ".repeat(500);

const CODINGS: Record<string, { encode(text: string): Uint8Array; decode(bytes: Uint8Array): Uint8Array }> = {
  "gzip": { encode: gzipSync, decode: gunzipSync },
  "x-gzip": { encode: gzipSync, decode: gunzipSync },
  "br": { encode: brotliCompressSync, decode: brotliDecompressSync },
  "deflate": { encode: deflateSync, decode: inflateSync },
};

/** The body of an answer, decoded as its headers say: not by `fetch`, which knows fewer codings on Deno. */
function decoded({ headers, body }: Answer): string {
  const coding = headers.get("content-encoding");
  return coding === null ? body : new TextDecoder().decode(CODINGS[coding]!.decode(latin1(body)));
}

/** A server that answers with what its path says. */
async function upstream(test: (url: string) => Promise<void>): Promise<void> {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const coding = request.url!.slice(1);
    const codec = CODINGS[coding];
    if (codec !== undefined) {
      const body = codec.encode(TEXT);
      response.writeHead(200, { "Content-Encoding": coding, "Content-Length": body.length, "X-Up": "1" });
      response.end(body);
    } else if (coding === "length") {
      response.writeHead(200, { "Content-Length": TEXT.length, "X-Up": "1" });
      response.end(TEXT);
    } else {
      response.writeHead(200, { "X-Up": "1" });
      response.write(TEXT.slice(0, 10));
      setTimeout(() => response.end(TEXT.slice(10)), 40);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await test(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const passOn = (origin: string) => (request: Request) =>
  fetch(origin + new URL(request.url).pathname, { method: request.method });

const wrap = (origin: string) => async (request: Request) => {
  const response = await passOn(origin)(request);
  return new Response(response.body, response);
};

for (const path of ["/chunked", "/length", "/gzip", "/x-gzip", "/br", "/deflate"]) {
  for (const [how, makeFetch] of [["as it is", passOn], ["in a Response of its own", wrap]] as const) {
    // Nothing tells that such a body was decoded.
    if (makeFetch === wrap && ["/br", "/deflate"].includes(path)) continue;
    test(`fetch passes on what another server answered, ${how}: ${path}`, () =>
      upstream((origin) =>
        serving({ fetch: makeFetch(origin) }, echo, async ({ port }) => {
          const answer = await ask(port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
          assertEquals([answer.status, answer.whole, answer.headers.get("x-up")], [200, true, "1"]);
          assertEquals(answer.headers.get("keep-alive"), null);
          assertEquals(decoded(answer), TEXT);
          const head = await ask(port, `HEAD ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
          assertEquals([head.status, head.headers.get("x-up"), head.body], [200, "1", ""]);
        })
      ));
  }
}

for (const coding of ["gzip", "br", "deflate"]) {
  test(`a body that is coded keeps its Content-Encoding: ${coding}`, () => {
    const body = new Uint8Array(CODINGS[coding]!.encode(TEXT));
    const headers = { "Content-Encoding": coding, "Content-Length": String(body.length) };
    return serving({ fetch: () => new Response(body, { headers }) }, echo, async ({ port }) => {
      const answer = await ask(port);
      assertEquals(answer.headers.get("content-encoding"), coding);
      assertEquals(answer.headers.get("content-length"), String(body.length));
      assertEquals(decoded(answer), TEXT);
    });
  });
}

async function readBefore(): Promise<Response> {
  const response = new Response("text");
  await response.text();
  return response;
}

function locked(): Response {
  const response = new Response("text");
  response.body!.getReader();
  return response;
}

const FAULTY: readonly [name: string, make: () => Response | Promise<Response>, error: RegExp][] = [
  [
    "fails at once",
    () => new Response(new ReadableStream({ pull: (it) => it.error(new Error("on purpose")) })),
    /^on purpose$/,
  ],
  [
    "holds strings",
    () => new Response(new ReadableStream({ start: (it) => it.enqueue("text" as never) })),
    /Uint8Array/,
  ],
  ["was read before", readBefore, /the body of the response was read before/],
  // Bun calls it read as soon as it is locked.
  ["is locked", locked, /the body of the response (is locked|was read before)/],
];

for (const [name, make, reason] of FAULTY) {
  for (const [hook, request] of [["fetch", undefined], ["authorize", UPGRADE]] as const) {
    test(`a response of ${hook} whose body ${name} is answered with 500, and onError is called`, () => {
      const stages: string[] = [];
      const onError = (error: unknown, { stage }: { stage: string }) => {
        assertMatch((error as Error).message, reason);
        stages.push(stage);
      };
      return serving({ [hook]: make, onError }, echo, async ({ port }) => {
        const { status, whole } = await ask(port, request);
        assertEquals([status, whole, stages], [500, true, [hook]]);
      });
    });
  }
}

test("one Response that is returned twice is sent once; the second time is a 500", () => {
  const errors: unknown[] = [];
  const response = new Response("text");
  return serving(
    { fetch: () => response, onError: (error) => errors.push(error) },
    echo,
    async ({ port }) => {
      const answers = [await ask(port), await ask(port), await ask(port)];
      assertEquals(answers.map(({ status }) => status), [200, 500, 500]);
      assertEquals([answers[0]!.body, errors.length], ["text", 2]);
    },
  );
});

test("a Response without a body can be returned as often as one likes", () => {
  const response = new Response(null, { status: 204 });
  return serving({ fetch: () => response }, echo, async ({ port }) => {
    assertEquals([(await ask(port)).status, (await ask(port)).status], [204, 204]);
  });
});

for (
  const [name, last] of [["fails", new Error("on purpose")], ["holds a string", "text"]] as const
) {
  for (const headers of [{}, { "Content-Length": "10" }]) {
    for (const [hook, request] of [["fetch", undefined], ["authorize", UPGRADE]] as const) {
      const how = "Content-Length" in headers ? "its length" : "chunks";
      test(`a body that ${name} half way is seen to be cut, by ${how} (${hook}), and onError is called`, () => {
        const stages: string[] = [];
        const onError = (_: unknown, { stage }: { stage: string }) => stages.push(stage);
        const make = () => new Response(slowly(bytes("abc"), last, bytes("never")), { headers });
        return serving({ [hook]: make, onError }, echo, async ({ port }) => {
          const { status, body, whole } = await ask(port, request);
          assertEquals({ status, body, whole, stages }, {
            status: 200,
            body: "abc",
            whole: false,
            stages: [hook],
          });
        });
      });
    }
  }
}

test("a client that leaves cancels the body, and that is no error", () => {
  const cancelled = Promise.withResolvers<void>();
  const errors: unknown[] = [];
  let pulled = 0;
  const body = () =>
    new ReadableStream({
      pull(controller) {
        if (++pulled === 1) controller.enqueue(bytes("first"));
        else return new Promise(() => {});
      },
      cancel: () => cancelled.resolve(),
    }, { highWaterMark: 0 });
  return serving(
    { fetch: () => new Response(body()), onError: (error) => errors.push(error) },
    echo,
    async ({ port }) => {
      const wire = await Wire.open(port);
      wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await wire.head();
      await until(() => pulled === 2);
      wire.socket.resetAndDestroy();
      assert(await settlesInTime(cancelled.promise, 5_000), "the body was not cancelled");
      assertEquals(errors, []);
    },
  );
});

test("an error of another connection that fetch lets through is reported", () => {
  const stages: string[] = [];
  return serving(
    {
      fetch: async () => {
        const { HandshakeError } = await import("../../mod.ts");
        throw new HandshakeError("unreachable");
      },
      onError: (_, { stage }) => stages.push(stage),
    },
    echo,
    async ({ port }) => {
      assertEquals([(await ask(port)).status, stages], [500, ["fetch"]]);
    },
  );
});

test("a 426 of the user's own says what to upgrade to", () =>
  serving({ fetch: () => new Response("no", { status: 426 }) }, echo, async ({ port }) => {
    const { status, headers } = await ask(port);
    assertEquals([status, headers.get("upgrade")], [426, "websocket"]);
  }));
