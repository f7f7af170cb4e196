import { test } from "node:test";
import { assertEquals, assertInstanceOf, assertMatch } from "#std/assert";
import { attach } from "../../lib/adapters/node_attach.ts";
import { upgrade } from "../../lib/adapters/node_upgrade.ts";
import { zlibCodec } from "../../lib/adapters/zlib/codec.ts";
import type { ConnectOptions } from "../../lib/connection/connect.ts";
import { Groups, MemoryHub } from "../../lib/groups/mod.ts";
import { natsBroker } from "../../lib/groups/brokers/nats.ts";
import { redisBroker } from "../../lib/groups/brokers/redis.ts";
import type { ServeOptions } from "../../lib/server/serve_options.ts";
import {
  type AcceptOptions,
  acceptStream,
  type ByteStream,
  connectStream,
  FrameDecoderStream,
  FrameEncoderStream,
  MessageDecoderStream,
  MessageStreamDecoderStream,
  receiveUpgrade,
  toWebSocket,
  type UpgradeRequest,
  type WebSocketConnection,
} from "../../mod.ts";
import { makeCertificate } from "../support/certificate.ts";
import { echo, serving } from "../support/serving.ts";
import { connect, serve, WebSocketStream } from "../support/sluice.ts";
import { UPGRADE } from "../support/wire.ts";

/** Nobody listens there: options are checked before anything is dialled. */
const URL = "ws://127.0.0.1:9/";

/** The error that something throws, or its promise rejects with; fails if it does neither. */
async function errorOf(run: () => unknown): Promise<Error> {
  let result: unknown;
  try {
    result = await run();
  } catch (error) {
    assertInstanceOf(error, Error);
    return error;
  }
  if (typeof result === "object" && result !== null && "close" in result) {
    (result as WebSocketConnection).close();
  }
  throw new Error("It was not refused");
}

/** Two connections in memory. */
async function pair(): Promise<[client: WebSocketConnection, server: WebSocketConnection]> {
  const [client, server] = streams();
  return await Promise.all([connectStream(client, "ws://localhost/"), acceptStream(server)]);
}

function streams(): [client: ByteStream, server: ByteStream] {
  const up = new TransformStream<Uint8Array, Uint8Array>();
  const down = new TransformStream<Uint8Array, Uint8Array>();
  return [{ readable: down.readable, writable: up.writable }, {
    readable: up.readable,
    writable: down.writable,
  }];
}

/** Takes options as something of the API does, and fails as that does. */
type Taker = (options: never) => unknown;

/** Makes a taker that needs an open connection. */
function onConnection(take: (connection: WebSocketConnection, options: never) => unknown): Taker {
  return async (options) => {
    const [connection, other] = await pair();
    other.closed.catch(() => {});
    try {
      return await take(connection, options);
    } finally {
      connection.abort();
    }
  };
}

const httpServer = { on() {}, off() {}, listenerCount: () => 0, listeners: () => [] } as never;
const socket = { destroyed: true, destroy() {}, on() {} };
const request = { httpVersion: "1.1", rawHeaders: [] };
const redis = {
  isReady: true,
  sendCommand: () => Promise.resolve(),
  duplicate: () => undefined as never,
  on: () => undefined,
  off: () => undefined,
};
const member = { send() {}, closed: new Promise<never>(() => {}), close() {}, bufferedAmount: 0 } as never;

/** Everything that takes options, a name that it does not know, and the known one that is nearest. */
const takers: Readonly<Record<string, readonly [take: Taker, unknown: string, nearest: string]>> = {
  "serve": [(options) => serve(options, echo), "origin", "origins"],
  "serve, keepalive": [(keepalive) => serve({ keepalive }, echo), "intervall", "keepalive.interval"],
  "serve, compression": [(compression) => serve({ compression }, echo), "treshold", "compression.threshold"],
  "serve, contextTakeover": [
    (contextTakeover) => serve({ compression: { contextTakeover } }, echo),
    "servers",
    "compression.contextTakeover.server",
  ],
  "serve, tls": [(tls) => serve({ tls }, echo), "certificate", "tls.cert"],
  "attach": [(options) => attach(httpServer, options, echo), "pathname", "path"],
  "upgrade": [
    (options) => upgrade(request, socket, new Uint8Array(), options),
    "maxPayload",
    "maxMessageSize",
  ],
  "connect": [(options) => connect(URL, options), "protocol", "protocols"],
  "connect, keepalive": [(keepalive) => connect(URL, { keepalive }), "time_out", "keepalive.timeout"],
  "connect, compression": [
    (compression) => connect(URL, { compression }),
    "windowbits",
    "compression.windowBits",
  ],
  "connect, tls": [(tls) => connect(URL, { tls }), "servername", "tls.serverName"],
  "WebSocketStream": [(options) => new WebSocketStream(URL, options).opened, "header", "headers"],
  "acceptStream": [(options) => acceptStream(streams()[1], options), "perMessageDeflate", "compression"],
  "receiveUpgrade": [(options) => receiveUpgrade(streams()[1], options), "maxHeaderSize", "maxHeadSize"],
  "accept": [(options) => acceptPending(options), "header", "headers"],
  "connectStream": [(options) => connectStream(streams()[0], URL, options), "closeTimout", "closeTimeout"],
  "close": [onConnection((connection, options) => connection.close(options)), "code", "closeCode"],
  "forEach": [
    onConnection((connection, options) => connection.forEach(() => {}, options)),
    "borow",
    "borrow",
  ],
  "ping": [onConnection((connection, options) => connection.ping(options)), "payload", "data"],
  "incoming": [
    onConnection((connection, options) => connection.incoming(options)),
    "maxSize",
    "maxMessageSize",
  ],
  "sendStream": [
    onConnection((connection, options) => connection.sendStream(new ReadableStream(), options)),
    "typ",
    "type",
  ],
  "toWebSocket": [onConnection((connection, options) => toWebSocket(connection, options)), "uri", "url"],
  "server.close": [closeServer, "timout", "timeout"],
  "FrameDecoderStream": [(options) => new FrameDecoderStream(options), "maxMessageSize", "maxFrameSize"],
  "FrameEncoderStream": [(options) => new FrameEncoderStream(options), "rôle", "role"],
  "MessageDecoderStream": [(options) => new MessageDecoderStream(options), "oncontrol", "onControl"],
  "MessageStreamDecoderStream": [
    (options) => new MessageStreamDecoderStream(options),
    "highwatermark",
    "highWaterMark",
  ],
  "Groups": [(options) => new Groups(options), "slowConsumers", "slowConsumer"],
  "join": [(options) => new Groups().join("a", member, options), "name", "as"],
  "publish": [(options) => new Groups().publish("a", "b", options), "exempt", "except"],
  "redisBroker": [(options) => redisBroker(redis, options), "presenceTTL", "presenceTtl"],
  "natsBroker": [(options) => natsBroker(undefined as never, options), "presense", "presence"],
};

async function acceptPending(options: never): Promise<void> {
  const [client, server] = streams();
  const writer = client.writable.getWriter();
  writer.write(new TextEncoder().encode(UPGRADE)).catch(() => {});
  const answer = new Response(client.readable).text();
  const upgrade = await receiveUpgrade(server);
  answer.then(() => writer.close()).catch(() => {});
  await upgrade.accept(options);
}

async function closeServer(options: never): Promise<void> {
  const server = await serve({ hostname: "127.0.0.1" }, echo);
  try {
    await server.close(options);
  } finally {
    await server.close();
  }
}

for (const [name, [take, unknown, nearest]] of Object.entries(takers)) {
  test(`${name} refuses an unknown option, and tells the nearest`, async () => {
    const path = nearest.includes(".") ? nearest.slice(0, nearest.lastIndexOf(".") + 1) : "";
    const error = await errorOf(() => take({ [unknown]: 1 } as never));
    assertEquals(
      [error.constructor, error.message],
      [TypeError, `Cannot set ${path}${unknown}: there is no such option, did you mean ${nearest}?`],
    );
  });

  test(`${name} refuses what is no object of options`, async () => {
    for (const wrong of [8080, "chat", ["chat"], () => {}, null]) {
      // A dictionary of the WHATWG's may be null.
      if (wrong === null && name === "WebSocketStream") continue;
      // Those that may be something else than an object say so.
      const error = await errorOf(() => take(wrong as never));
      assertEquals(error.constructor, TypeError);
      assertMatch(
        error.message,
        /^Cannot set [\w.]+: it must be (?:an object|(?:a boolean|false) or an object)/,
      );
    }
  });
}

test("close takes no code and reason in place of an object", async () => {
  const [client] = await pair();
  const close = client.close.bind(client) as unknown as (...values: unknown[]) => void;
  for (const wrong of [[4000, "bye"], ["bye"], [{ code: 4000 }], [{ closeCode: "4000" }], [{ reason: 1 }]]) {
    assertEquals((await errorOf(() => close(...wrong))).constructor, TypeError);
  }
  assertMatch(
    (await errorOf(() => close(4000, "bye"))).message,
    /such as \{ closeCode: 4000, reason: "Bye" \}/,
  );
  // None of them has begun to close it.
  await client.send("still open");
  client.abort();
});

const { cert, key } = makeCertificate();

/** Values that can never work: refused by what takes them, with the name, before anything listens or is dialled. */
const wrong: readonly (readonly [
  of: "serve" | "connect" | "both",
  name: string,
  value: unknown,
  error: typeof Error,
])[] = [
  ["serve", "hostname", "", TypeError],
  ["serve", "hostname", "[::1]", TypeError],
  ["serve", "hostname", 8080, TypeError],
  ["serve", "port", "8080", TypeError],
  ["serve", "port", 8080.5, RangeError],
  ["serve", "port", -1, RangeError],
  ["serve", "port", 65_536, RangeError],
  ["both", "path", "", TypeError],
  ["both", "path", "a\0b", TypeError],
  ["both", "path", 1, TypeError],
  ["serve", "tls", { cert: "", key }, TypeError],
  ["serve", "tls", { cert, key: "" }, TypeError],
  ["serve", "tls", { cert: new Uint8Array(), key }, TypeError],
  ["serve", "tls", { cert: "/etc/cert.pem", key }, TypeError],
  ["serve", "tls", { cert }, TypeError],
  ["serve", "tls", {}, TypeError],
  ["serve", "tls", true, TypeError],
  ["connect", "tls", { ca: "" }, TypeError],
  ["connect", "tls", { ca: "/etc/ca.pem" }, TypeError],
  ["connect", "tls", { serverName: 1 }, TypeError],
  ["both", "maxHeadSize", 0, RangeError],
  ["both", "maxHeaders", 0, RangeError],
  ["both", "handshakeTimeout", 0, RangeError],
  ["both", "handshakeTimeout", "10", TypeError],
  ["both", "maxMessageSize", "1MB", TypeError],
  ["both", "maxMessageSize", -1, RangeError],
  ["both", "closeTimeout", NaN, RangeError],
  ["both", "highWaterMark", 1.5, RangeError],
  ["both", "keepalive", true, TypeError],
  ["both", "keepalive", 30_000, TypeError],
  ["both", "keepalive", { interval: "30s" }, TypeError],
  ["both", "keepalive", { interval: 0 }, RangeError],
  ["both", "keepalive", { timeout: 0 }, RangeError],
  ["both", "compression", "deflate", TypeError],
  ["both", "compression", { level: 10 }, RangeError],
  ["both", "compression", { codec: {} }, TypeError],
  ["both", "compression", { contextTakeover: "server" }, TypeError],
  ["both", "headers", "X-Name: Ada", TypeError],
  ["both", "headers", { "X-Name": 1 }, TypeError],
  ["both", "signal", true, TypeError],
  ["both", "signal", new AbortController(), TypeError],
  ["serve", "protocols", "chat", TypeError],
  ["serve", "protocols", ["a b"], TypeError],
  ["serve", "protocols", [""], TypeError],
  ["serve", "protocols", ["a", "a"], TypeError],
  ["serve", "protocols", [1], TypeError],
  ["connect", "protocols", [1], TypeError],
  ["connect", "protocols", { chat: 1 }, TypeError],
  ["connect", "protocols", "a b", SyntaxError],
  ["connect", "origin", 1, TypeError],
  ["serve", "origins", "https://example.com", TypeError],
  ["serve", "origins", ["https://example.com/"], TypeError],
  ["serve", "authorize", true, TypeError],
  ["serve", "fetch", "page", TypeError],
  ["serve", "onError", console, TypeError],
  ["serve", "maxConnections", "many", TypeError],
  ["serve", "maxBodySize", null, TypeError],
];
for (const [of, name, value, type] of wrong) {
  const shown = JSON.stringify(value)?.replaceAll(/"-----BEGIN[^"]*"/g, "…") ?? typeof value;
  test(`${name}: ${shown} is refused by ${of}`, async () => {
    const calls = {
      serve: () => serve({ hostname: "127.0.0.1", [name]: value }, echo),
      connect: () => connect(URL, { [name]: value }),
    };
    for (const call of of === "both" ? [calls.serve, calls.connect] : [calls[of]]) {
      const error = await errorOf(call);
      assertEquals(error.constructor, type);
      if (type !== SyntaxError) assertMatch(error.message, new RegExp(name === "headers" ? "header" : name));
    }
  });
}

test("serve refuses a handler that is none", async () => {
  for (const handler of [undefined, null, {}, "echo"]) {
    assertMatch((await errorOf(() => serve({}, handler as never))).message, /handler must be a function/);
  }
});

/** One right value for each option of `serve`: the compiler demands that none is missing. */
const served: Required<ServeOptions<undefined>> = {
  hostname: "127.0.0.1",
  port: 0,
  path: "/nonexistent/socket",
  tls: { cert, key },
  signal: new AbortController().signal,
  authorize: () => undefined,
  fetch: () => new Response("page"),
  maxBodySize: 0,
  hosts: ["localhost"],
  maxConnections: 1,
  onError: () => {},
  onRefused: () => {},
  protocols: ["chat"],
  origins: ["https://example.com"],
  headers: { "X-Name": "Ada" },
  compression: {
    windowBits: 15,
    memLevel: 9,
    level: 9,
    threshold: 0,
    contextTakeover: { server: true },
    codec: zlibCodec,
  },
  maxMessageSize: Infinity,
  maxHeadSize: 1_024,
  maxHeaders: 20,
  maxEmptyFragments: 0,
  handshakeTimeout: 1_000,
  closeTimeout: 0,
  highWaterMark: 1,
  keepalive: { interval: 1_000, timeout: 1_000 },
};

for (const [name, value] of Object.entries(served)) {
  if (name === "path") continue;
  test(`serve takes ${name}`, async () => {
    const server = await serve({ hostname: "127.0.0.1", [name]: value }, echo);
    await server.close();
  });
}

/** One right value for each option of `connect`. */
const connected: Required<ConnectOptions> = {
  protocols: "chat",
  headers: new Headers({ "X-Name": "Ada" }),
  origin: "http://localhost",
  compression: true,
  signal: new AbortController().signal,
  path: "/nonexistent/socket",
  tls: { ca: cert, serverName: "localhost" },
  maxMessageSize: 1,
  maxHeadSize: 1_024,
  maxHeaders: 20,
  maxEmptyFragments: 0,
  handshakeTimeout: 1_000,
  closeTimeout: 0,
  highWaterMark: 1,
  keepalive: false,
};

test("connect takes each of its options", () =>
  serving({ origins: "any" }, echo, async ({ url }) => {
    for (const [name, value] of Object.entries(connected)) {
      if (name === "path") continue;
      const socket = await connect(url, { [name]: value }).catch((cause) => {
        throw new Error(`connect does not take ${name}`, { cause });
      });
      socket.abort();
    }
  }));

test("TLS takes PEM as bytes", async () => {
  const bytes = (pem: string) => new TextEncoder().encode(pem);
  const server = await serve(
    { hostname: "127.0.0.1", tls: { cert: bytes(cert), key: bytes(key).buffer } },
    echo,
  );
  const port = (server.address as { port: number }).port;
  const socket = await connect(`wss://localhost:${port}/`, { tls: { ca: bytes(cert) } });
  assertEquals(await socket.ping() >= 0, true);
  socket.close();
  await server.close();
});

test("a certificate that is not one, and a key of another certificate, fail when the server starts", async () => {
  const garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  for (const tls of [{ cert: garbage, key }, { cert, key: makeCertificate().key }]) {
    await errorOf(() => serve({ hostname: "127.0.0.1", tls }, echo));
  }
});

test("options are copied: what is changed later changes nothing", async () => {
  const protocols = ["chat"];
  const origins = ["https://example.com"];
  const headers = new Map([["X-Name", "Ada"]]).entries(); // can be read once
  const hosts = ["127.0.0.1"];
  await serving({ protocols, origins, headers, hosts }, echo, async ({ open }) => {
    hosts[0] = "example.org";
    protocols.pop();
    origins[0] = "https://example.org";
    for (let i = 0; i < 2; i++) {
      const socket = await open({ protocols: "chat", origin: "https://example.com" });
      assertEquals(socket.protocol, "chat");
    }
  });
});

test("connect takes options that an object has from its class", async () => {
  class Defaults {
    get headers() {
      return { "X-Name": "Ada" };
    }
    get origin() {
      return "https://example.com";
    }
  }
  const seen: unknown[] = [];
  const authorize = ({ headers }: UpgradeRequest) =>
    void seen.push(headers.get("x-name"), headers.get("origin"));
  await serving({ authorize, origins: "any" }, echo, async ({ url }) => {
    (await connect(url, new Defaults())).close();
  });
  assertEquals(seen, ["Ada", "https://example.com"]);
});

test("receiveUpgrade takes options that an object has from its class, and accept leaves out what is undefined", async () => {
  const up = new TransformStream<Uint8Array>();
  const down = new TransformStream<Uint8Array>();
  const connecting = connectStream({ readable: down.readable, writable: up.writable }, "ws://localhost/", {
    protocols: "chat",
    origin: "https://example.com",
  });
  const options = Object.create({ protocols: ["chat"], origins: ["https://example.com"] }) as AcceptOptions;
  const pending = await receiveUpgrade({ readable: up.readable, writable: down.writable }, options);
  const accepted = await pending.accept({ origins: undefined } as unknown as AcceptOptions);
  assertEquals(accepted.protocol, "chat");
  (await connecting).abort();
  accepted.abort();
});

test("Groups takes each of its options", async () => {
  await new Groups({
    broker: new MemoryHub().connect(),
    slowConsumer: "wait",
    maxBuffered: Infinity,
    maxPending: 1,
    maxGroups: 1,
    timeout: 1,
    onError() {},
  }).close();
});
