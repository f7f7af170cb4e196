import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "#std/assert";
import { HandshakeError, type UpgradeRequest } from "../../mod.ts";
import { testOverTcpAndTls } from "../support/links.ts";
import { echo, receive, serving, settlesInTime, trusted, until } from "../support/serving.ts";
import { connect, serve } from "../support/sluice.ts";
import { portOf, UPGRADE, Wire } from "../support/wire.ts";
import { assertTook } from "../support/patience.ts";

/** Sends the usual upgrade with more headers, and returns the head of the answer. */
async function upgrade(port: number, headers: string[] = []): Promise<string> {
  const wire = await Wire.open(port);
  wire.send(UPGRADE.replace("\r\n\r\n", ["", ...headers, "", ""].join("\r\n")));
  const head = await wire.head();
  wire.destroy();
  return head;
}

const statusOf = (head: string) => Number(head.split(" ")[1]);

test("the handler gets the request: URL, headers, protocols, address", async () => {
  const requests: UpgradeRequest[] = [];
  await serving({}, (_, request) => Promise.resolve(requests.push(request)), async ({ port }) => {
    await connect(`ws://127.0.0.1:${port}/a//b?c=%20d`, {
      headers: { "X-Name": "Ada" },
      protocols: ["x", "y"],
    });
    const [request] = requests;
    assert(request !== undefined);
    assertEquals(request.url.href, `http://127.0.0.1:${port}/a//b?c=%20d`);
    assertEquals(request.method, "GET");
    assertEquals(request.headers.get("x-name"), "Ada");
    assertEquals(request.protocols, ["x", "y"]);
    assertEquals(request.remoteAddress?.hostname, "127.0.0.1");
    assert(request.remoteAddress!.port > 0);
    assertEquals([request.secure, request.context], [false, undefined]);
  });
});

testOverTcpAndTls("the signal of an upgrade is aborted when its client leaves", async () => {
  const aborted = Promise.withResolvers<void>();
  await serving({}, (socket, request) => {
    request.signal.addEventListener("abort", () => aborted.resolve());
    return socket.closed;
  }, async ({ open }) => {
    (await open()).abort();
    await aborted.promise;
  });
});

test("the server's first choice of protocol is taken, and only one that was offered", () =>
  serving({ protocols: ["b", "a"] }, echo, async ({ open, port }) => {
    assertEquals((await open({ protocols: ["a", "b", "c"] })).protocol, "b");
    assertEquals((await open({ protocols: "a" })).protocol, "a");
    assertEquals((await open()).protocol, "");
    assertEquals(/sec-websocket-protocol/i.test(await upgrade(port, ["Sec-WebSocket-Protocol: c"])), false);
  }));

test("protocols may be a function; one that chooses what was not offered is at fault", async () => {
  const stages: string[] = [];
  const protocols = (offered: readonly string[]) => offered.includes("bad") ? "other" : offered.at(-1);
  await serving(
    { protocols, onError: (_, { stage }) => stages.push(stage) },
    echo,
    async ({ open, port }) => {
      assertEquals((await open({ protocols: ["a", "b"] })).protocol, "b");
      assertEquals(statusOf(await upgrade(port, ["Sec-WebSocket-Protocol: bad"])), 500);
      assertEquals(stages, ["accept"]);
    },
  );
});

test("a page of the server's own may connect, one of another may not, and no browser at all may", () =>
  serving({}, echo, async ({ port }) => {
    const status = async (origin: string) => statusOf(await upgrade(port, [`Origin: ${origin}`]));
    assertEquals(await status("http://localhost"), 101);
    assertEquals(await status("https://localhost"), 101); // behind something that ends TLS
    assertEquals(await status("http://localhost:81"), 403);
    assertEquals(await status("https://evil.example"), 403);
    assertEquals(await status("null"), 403);
    assertEquals(statusOf(await upgrade(port)), 101);
  }));

test("origins may be a list, a function, or any", async () => {
  const origins = ["https://good.example", "https://evil.example"];
  const seen = async (option: Parameters<typeof serve>[0]["origins"]) => {
    const statuses: number[] = [];
    await serving({ ...option !== undefined && { origins: option } }, echo, async ({ port }) => {
      for (const origin of origins) statuses.push(statusOf(await upgrade(port, [`Origin: ${origin}`])));
    });
    return statuses;
  };
  assertEquals(await seen(["https://good.example"]), [101, 403]);
  assertEquals(await seen((origin) => origin.includes("good")), [101, 403]);
  assertEquals(await seen("any"), [101, 101]);
  assertEquals(await seen(undefined), [403, 403]);
});

test("what authorize returns is the context; a Response refuses with status, headers and body", () =>
  serving(
    {
      authorize: async (request): Promise<{ user: string } | Response> => {
        await Promise.resolve();
        const user = request.url.searchParams.get("user");
        return user === null
          ? new Response("Who are you?", { status: 401, headers: { "WWW-Authenticate": "Basic" } })
          : { user };
      },
    },
    (socket, request) => socket.send(request.context.user),
    async ({ port }) => {
      assertEquals(await receive(await connect(`ws://127.0.0.1:${port}/?user=ada`)), "ada");
      const error = await assertRejects(() => connect(`ws://127.0.0.1:${port}/`), HandshakeError);
      assertEquals([error.code, error.status], ["refused", 401]);
      const wire = await Wire.open(port);
      wire.send(UPGRADE);
      assertMatch(await wire.head(), /^HTTP\/1\.1 401 Unauthorized\r\n(.*\r\n)*www-authenticate: Basic\r\n/i);
      assertEquals(new TextDecoder().decode(await wire.rest()), "Who are you?");
      wire.destroy();
    },
  ));

test("an authorize that throws refuses with 500, and onError hears of it", () => {
  const stages: string[] = [];
  const authorize = () => {
    throw new Error("on purpose");
  };
  return serving({ authorize, onError: (_, { stage }) => stages.push(stage) }, echo, async ({ port }) => {
    assertEquals(statusOf(await upgrade(port)), 500);
    assertEquals(stages, ["authorize"]);
  });
});

test("headers go out with the 101, and those that cannot are refused at once", async () => {
  await serving({ headers: [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]] }, echo, async ({ port }) => {
    assertMatch(await upgrade(port), /set-cookie: a=1\r\nset-cookie: b=2\r\n/i);
  });
  for (
    const headers of [
      { "x": "a\r\nb: c" },
      { "x\n": "a" },
      { "x": "\0" },
      { "Upgrade": "h2c" },
      { "Sec-WebSocket-Accept": "x" },
      { "Content-Length": "0" },
    ]
  ) {
    await assertRejects(() => serve({ headers }, echo), TypeError);
  }
});

test("one connection more than maxConnections is answered with 503, and gets in when another has left", () =>
  serving({ maxConnections: 2 }, echo, async ({ open, port, server }) => {
    const sockets = [await open(), await open()];
    const head = await upgrade(port);
    assertEquals(statusOf(head), 503);
    assertMatch(head, /\r\nretry-after: \d+\r\n/i);
    sockets[0]!.close();
    await until(() => server.connections.size === 1);
    await open();
  }));

testOverTcpAndTls(
  "a handshake that is not complete within handshakeTimeout is answered with 408, whatever trickles in",
  () =>
    serving({ handshakeTimeout: 300 }, echo, async ({ port }) => {
      const start = performance.now(); // the server's clock runs from its TCP connection
      const wire = await Wire.open(port);
      const trickle = setInterval(() => wire.send("G"), 40);
      const head = await wire.head();
      clearInterval(trickle);
      const time = performance.now() - start;
      assertEquals(statusOf(head), 408);
      assertTook(time, { least: 290, most: 800 });
      wire.destroy();
    }),
);

test("serve rejects when its port is taken, and on wrong options", async () => {
  await serving({}, echo, async ({ port }) => {
    await assertRejects(() => serve({ hostname: "127.0.0.1", port }, echo));
  });
  for (const [name, value] of Object.entries({ maxMessageSize: -1, maxHeaders: 1.5, closeTimeout: NaN })) {
    await assertRejects(() => serve({ [name]: value }, echo), RangeError, name);
  }
  await assertRejects(
    () => serve({ maxMessageSize: "10" as unknown as number }, echo),
    TypeError,
    "maxMessageSize",
  );
  await assertRejects(() => serve({ handshakeTimeout: 2 ** 31 }, echo), RangeError, "handshakeTimeout");
  await assertRejects(() => serve({}, undefined as unknown as typeof echo), TypeError, "handler");
});

test("serve listens on all addresses unless told otherwise, and a signal closes it", async () => {
  const controller = new AbortController();
  const server = await serve({ signal: controller.signal }, echo);
  assert("hostname" in server.address);
  assertEquals(server.address.hostname, "0.0.0.0");
  const socket = await connect(`ws://localhost:${portOf(server)}/`);
  controller.abort();
  assertEquals((await socket.closed).closeCode, 1001);
  await server.close();
  await assertRejects(() => connect(`ws://127.0.0.1:${portOf(server)}/`), HandshakeError);
});

test("serve rejects with the reason of a signal that is aborted before it listens, and listens no more", async () => {
  const reason = new Error("too late");
  await assertRejects(() => serve({ signal: AbortSignal.abort(reason) }, echo), Error, "too late");
  const free = await serve({ hostname: "127.0.0.1" }, echo);
  const port = portOf(free);
  await free.close();
  const controller = new AbortController();
  const starting = serve({ hostname: "127.0.0.1", port, signal: controller.signal }, echo);
  controller.abort(reason);
  await assertRejects(() => starting, Error, "too late");
  await assertRejects(() => Wire.open(port));
});

test("connect rejects when nobody listens, on a wrong URL or option, and when its signal is aborted", async () => {
  const server = await serve({ hostname: "127.0.0.1" }, echo);
  const url = `ws://127.0.0.1:${portOf(server)}/`;
  await assertRejects(
    () => connect(url, { signal: AbortSignal.abort(new Error("too late")) }),
    Error,
    "too late",
  );
  await assertRejects(() => connect(url, { protocols: ["a", "a"] }), SyntaxError);
  await assertRejects(() => connect(url, { headers: { Host: "x" } }), TypeError);
  await assertRejects(() => connect(url, { headers: { a: "b\r\nc: d" } }), TypeError);
  await assertRejects(() => connect("ftp://localhost"), SyntaxError);
  await server.close();
  const error = await assertRejects(() => connect(url), HandshakeError);
  assertEquals(error.code, "unreachable");
});

testOverTcpAndTls(
  "connect gives up on a server that does not answer: by handshakeTimeout, or by its signal",
  async () => {
    await serving({ authorize: () => new Promise<undefined>(() => {}) }, echo, async ({ url }) => {
      const error = await assertRejects(
        () => connect(url, { ...trusted(), handshakeTimeout: 100 }),
        HandshakeError,
      );
      assertEquals(error.code, "timeout");
      const controller = new AbortController();
      setTimeout(() => controller.abort(new Error("enough")), 50);
      await assertRejects(() => connect(url, { ...trusted(), signal: controller.signal }), Error, "enough");
    });
  },
);

test("an origins function that throws refuses with 500, and an onError that throws harms nobody", async () => {
  let told = 0;
  const origins = () => {
    throw new Error("on purpose");
  };
  const onError = () => {
    told++;
    throw new Error("on purpose, too");
  };
  const print = console.error;
  const printed: unknown[] = [];
  console.error = (...values) => printed.push(values);
  try {
    await serving({ origins, onError }, echo, async ({ open, port }) => {
      assertEquals(statusOf(await upgrade(port, ["Origin: http://localhost"])), 500);
      assertEquals([told, printed.length], [1, 2]);
      const socket = await open();
      socket.send("still here");
      assertEquals(await receive(socket), "still here");
    });
  } finally {
    console.error = print;
  }
});

testOverTcpAndTls(
  "server.close checks its options at once, and answers plain HTTP that was asked for",
  async () => {
    const gate = Promise.withResolvers<void>();
    let asked = false;
    const fetch = async () => {
      asked = true;
      await gate.promise;
      return new Response("late");
    };
    await serving({ fetch }, echo, async ({ port, server }) => {
      assertThrows(() => server.close({ closeCode: 1006 }), RangeError);
      assertThrows(() => server.close({ timeout: -1 }), RangeError, "timeout");
      const wire = await Wire.open(port);
      wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await until(() => asked);
      const closed = server.close();
      gate.resolve();
      assertEquals(statusOf(await wire.head()), 200);
      assertEquals(new TextDecoder().decode(await wire.rest()), "late");
      wire.destroy();
      await closed;
    });
  },
);

test("a client that leaves while authorize decides is known to its request", async () => {
  const left = Promise.withResolvers<void>();
  let asked = false;
  const authorize = (request: UpgradeRequest) => {
    asked = true;
    request.signal.addEventListener("abort", () => left.resolve());
    return left.promise;
  };
  await serving({ authorize }, echo, async ({ port }) => {
    const wire = await Wire.open(port);
    wire.send(UPGRADE);
    await until(() => asked);
    wire.socket.resetAndDestroy();
    assert(await settlesInTime(left.promise, 2_000), "the signal was not aborted");
  });
});
