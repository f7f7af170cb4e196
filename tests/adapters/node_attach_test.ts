import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "#std/assert";
import {
  attach,
  type Attached,
  type AttachOptions,
  type ErrorContext,
  type Handler,
  type HttpServer,
  type RefusedHandshake,
  refuseUpgrade,
  upgrade,
} from "../../lib/adapters/node.ts";
import { HandshakeError } from "../../mod.ts";
import { within } from "../interop/within.ts";
import { makeCertificate } from "../support/certificate.ts";
import { requires } from "../support/requires.ts";
import { echo, receive, sleep, until } from "../support/serving.ts";
import { connect } from "../support/sluice.ts";
import { clientClose, clientFrame, UPGRADE, Wire } from "../support/wire.ts";
import { latin1 } from "../vectors/splits.ts";

/** What a test gets: the server, and where it is. */
interface Host {
  readonly server: Server;
  readonly port: number;
}

/** Runs a test beside an `http.Server` that says "plain"; no socket of it is left when the test is over. */
async function hosting(
  test: (host: Host) => Promise<void>,
  server: Server = createServer((_, response) => response.end("plain")),
): Promise<void> {
  const sockets = new Set<Duplex>();
  server.on("connection", (socket: Duplex) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await test({ server, port: (server.address() as AddressInfo).port });
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

/** Runs a test beside a server with one handler attached, which is closed before the test is over. */
function attaching<C>(
  options: AttachOptions<C>,
  handler: Handler<C>,
  test: (host: Host & { attached: Attached }) => Promise<void>,
): Promise<void> {
  return hosting(async (host) => {
    const attached = attach(host.server, options, handler);
    try {
      await test({ ...host, attached });
    } finally {
      await attached.close({ timeout: 100 });
    }
  });
}

/** The upgrade of a path, with more header lines. */
function upgradeOf(path: string, ...lines: string[]): string {
  return [UPGRADE.replace("GET / ", `GET ${path} `).trimEnd(), ...lines, "", ""].join("\r\n");
}

/** Sends an upgrade and returns the status of the answer. */
async function statusOf(port: number, path: string, ...lines: string[]): Promise<number> {
  const wire = await Wire.open(port);
  wire.send(upgradeOf(path, ...lines));
  const head = await within("The answer", wire.head());
  wire.destroy();
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
}

/** Whether the server is still there, and knows its way: over a socket of its own. */
async function plain(port: number): Promise<string> {
  const wire = await Wire.open(port);
  wire.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  return latinText(await within("The answer", wire.rest()));
}

function latinText(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

/** Takes one message through a connection of its own. */
async function echoes(port: number, path: string): Promise<void> {
  const socket = await connect(`ws://127.0.0.1:${port}${path}`);
  await socket.send("hello");
  assertEquals(await receive(socket), "hello");
  socket.close();
  await socket.closed;
}

/** Cuts a connection with a reset. */
function reset({ socket }: Wire): void {
  socket.on("error", () => {});
  socket.resetAndDestroy();
}

test("attach: a handler echoes, beside plain requests", () =>
  attaching({ path: "/echo" }, echo, async ({ port }) => {
    await echoes(port, "/echo");
    await echoes(port, "/echo?a=query");
    assertMatch(await plain(port), /^HTTP\/1\.1 200 OK\r\n[^]*plain/);
  }));

test("attach: on an https.Server", requires("openssl"), () => {
  const tls = makeCertificate();
  return hosting(async ({ server, port }) => {
    const attached = attach(server, {}, async (socket, { secure, url }) => {
      await socket.send(`${secure} ${url.protocol}`);
    });
    const socket = await connect(`wss://localhost:${port}/`, { tls: { ca: tls.cert } });
    assertEquals(await receive(socket), "true https:");
    await attached.close();
  }, createTlsServer(tls) as Server);
});

test("attach: a request without TLS is not secure", () =>
  attaching(
    {},
    async (socket, { secure, url }) => await socket.send(`${secure} ${url.protocol}`),
    async ({ port }) => {
      const socket = await connect(`ws://127.0.0.1:${port}/`);
      assertEquals(await receive(socket), "false http:");
    },
  ));

test("attach: authorize refuses, or gives the handler its context", () =>
  attaching({
    authorize: ({ url }) => url.searchParams.get("name") ?? new Response("Who?\n", { status: 401 }),
  }, async (socket, { context }) =>
    await socket.send(`Hello, ${context}`), async ({ port }) => {
    const socket = await connect(`ws://127.0.0.1:${port}/?name=Ada`);
    assertEquals(await receive(socket), "Hello, Ada");
    assertEquals(await statusOf(port, "/"), 401);
  }));

test("attach: pages of other origins are refused unless they are listed", () =>
  attaching({ origins: ["https://listed.example"] }, echo, async ({ port }) => {
    assertEquals(await statusOf(port, "/", "Origin: https://other.example"), 403);
    assertEquals(await statusOf(port, "/", "Origin: https://listed.example"), 101);
    assertEquals(await statusOf(port, "/", "Origin: http://localhost"), 101);
  }));

test("attach: connections beyond maxConnections get 503", () =>
  attaching({ maxConnections: 1 }, echo, async ({ port, attached }) => {
    const socket = await connect(`ws://127.0.0.1:${port}/`);
    assertEquals(attached.connections.size, 1);
    assertEquals(await statusOf(port, "/"), 503);
    socket.close();
    await socket.closed;
    await until(() => attached.connections.size === 0);
    assertEquals(await statusOf(port, "/"), 101);
  }));

test("attach: limits hold, on heads too", () =>
  attaching({ maxMessageSize: 4, maxHeaders: 10, maxHeadSize: 1_000 }, echo, async ({ port }) => {
    const wire = await Wire.upgrade(port);
    wire.send(clientFrame(1, "hello"));
    assertEquals(await within("The Close", wire.closeCode()), 1009);
    wire.destroy();
    const five = ["a: 1", "b: 2", "c: 3", "d: 4", "e: 5"];
    assertEquals(await statusOf(port, "/", ...five), 101);
    assertEquals(await statusOf(port, "/", ...five, "f: 6"), 431);
    assertEquals(await statusOf(port, "/", `a: ${"x".repeat(700)}`), 101);
    assertEquals(await statusOf(port, "/", `a: ${"x".repeat(900)}`), 431);
  }));

test("attach: errors of handler and authorize go to onError, and cost their client alone", () => {
  const errors: [unknown, ErrorContext["stage"]][] = [];
  return attaching({
    authorize: ({ url }) => {
      if (url.pathname === "/authorize") throw new Error("of authorize");
    },
    onError: (error, { stage }) => errors.push([(error as Error).message, stage]),
  }, async (socket, { url }) => {
    if (url.pathname === "/handler") throw new Error("of the handler");
    await echo(socket);
  }, async ({ port }) => {
    assertEquals(await statusOf(port, "/authorize"), 500);
    const socket = await connect(`ws://127.0.0.1:${port}/handler`);
    assertEquals((await socket.closed).closeCode, 1011);
    await echoes(port, "/");
    assertEquals(errors, [["of authorize", "authorize"], ["of the handler", "handler"]]);
  });
});

test("attach: the connection lives as long as its handler", () =>
  attaching({}, async (socket) => void await receive(socket), async ({ port }) => {
    const socket = await connect(`ws://127.0.0.1:${port}/`);
    await socket.send("the last");
    assertEquals((await socket.closed).closeCode, 1000);
  }));

test("attach: frames that came with the head are not lost", () =>
  attaching({}, echo, async ({ port }) => {
    const wire = await Wire.open(port);
    wire.send(new Uint8Array([...latin1(UPGRADE), ...clientFrame(1, "first")]));
    await within("The 101", wire.head());
    assertEquals(latinText((await within("The echo", wire.frame())).payload), "first");
    wire.send(clientClose(1000));
    assertEquals(await within("The Close", wire.closeCode()), 1000);
    wire.destroy();
  }));

test("attach: what matches no path gets 404 where there is no other listener, and the connection ends", () =>
  attaching({ path: "/chat" }, echo, async ({ port }) => {
    for (const path of ["/", "/chat/", "/Chat", "/chatter", "//chat", "/?/chat", "/a/chat"]) {
      assertEquals(await statusOf(port, path), 404, path);
    }
    const wire = await Wire.open(port);
    wire.send(upgradeOf("/other"));
    const answer = latinText(await within("The answer", wire.rest()));
    assertMatch(
      answer,
      /^HTTP\/1\.1 404 Not Found\r\n(?:[^]*\r\n)?\r\nNot found\n$/,
    );
    assertEquals(await wire.ended, "end");
    wire.destroy();
    await echoes(port, "/chat");
  }));

test("attach: what matches no path is left to other listeners", () =>
  attaching({ path: "/mine" }, echo, async ({ server, port }) => {
    server.on("upgrade", (request, socket) => {
      if (request.url !== "/mine") socket.end("HTTP/1.1 418 Theirs\r\nConnection: close\r\n\r\n");
    });
    assertEquals(await statusOf(port, "/theirs"), 418);
    await echoes(port, "/mine");
  }));

test("attach: a path that throws or rejects is nobody else's affair, of other handlers and other listeners", () => {
  const told: string[] = [];
  const onError = (error: unknown, { stage }: ErrorContext) => told.push(`${stage}: ${error}`);
  const path = (pathname: string): boolean => {
    if (pathname === "/throws") throw new Error("on purpose");
    return pathname === "/rejects" && Promise.reject(new Error("late")) as unknown as boolean;
  };
  return attaching({ path, onError }, echo, async ({ server, port }) => {
    const paths = ["/throws", "/rejects"];
    const others = paths.map((path) => attach(server, { path }, echo));
    for (const path of paths) await echoes(port, path);
    await Promise.all(others.map((other) => other.close()));
    for (const path of paths) assertEquals(await statusOf(port, path), 500, path);
    server.on("upgrade", (_, socket) => socket.end("HTTP/1.1 418 Mine\r\n\r\n"));
    for (const path of paths) assertEquals(await statusOf(port, path), 418, path);
    const failures = [
      "accept: Error: on purpose",
      "accept: TypeError: Cannot attach: path must return true or false, not object",
    ];
    assertEquals(told, [...failures, ...failures, ...failures]);
  });
});

test("attach: several paths of one server, each with its own handler", () =>
  hosting(async ({ server, port }) => {
    const says = (name: string): Handler<undefined> => async (socket) => await socket.send(name);
    const all = [
      attach(server, { path: "/a" }, says("a")),
      attach(server, { path: "/café" }, says("café")),
      attach(server, { path: (path) => path.startsWith("/rooms/") }, says("room")),
    ];
    for (const [path, name] of [["/a", "a"], ["/caf%C3%A9", "café"], ["/rooms/1", "room"]]) {
      const socket = await connect(`ws://127.0.0.1:${port}${path}`);
      assertEquals(await receive(socket), name);
    }
    assertEquals(await statusOf(port, "/rooms"), 404);
    for (const attached of all) await attached.close();
  }));

test("attach: a predicate that fails, or does not say true or false, lets nobody in", () => {
  const errors: unknown[] = [];
  const onError = (error: unknown, { stage }: ErrorContext) => errors.push([`${error}`, stage]);
  const path = (pathname: string): boolean => {
    if (pathname === "/throws") throw new Error("of the predicate");
    if (pathname === "/rejects") return Promise.reject(new Error("late")) as unknown as boolean;
    return (pathname === "/promise" ? Promise.resolve(false) : "yes") as unknown as boolean;
  };
  return attaching({ path, onError }, echo, async ({ port }) => {
    assertEquals(await statusOf(port, "/throws"), 500);
    assertEquals(await statusOf(port, "/promise"), 500);
    assertEquals(await statusOf(port, "/rejects"), 500);
    assertEquals(await statusOf(port, "/text"), 500);
    assertEquals(errors, [
      ["Error: of the predicate", "accept"],
      ["TypeError: Cannot attach: path must return true or false, not object", "accept"],
      ["TypeError: Cannot attach: path must return true or false, not object", "accept"],
      ["TypeError: Cannot attach: path must return true or false, not string", "accept"],
    ]);
  });
});

/** Asks for an upgrade that is not to WebSocket, as `curl --http2` does; returns the answer. */
async function askForHttp2(port: number): Promise<string> {
  const wire = await Wire.open(port);
  wire.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n");
  return latinText(await within("The answer", wire.rest()));
}

test("attach: what asks for another upgrade is a plain request", () =>
  hosting(async ({ server, port }) => {
    const hooks: HttpServer = server; // Node's types do not have it
    const before = hooks.shouldUpgradeCallback!;
    const attached = [attach(server, { path: "/a" }, echo), attach(server, { path: "/b" }, echo)];
    assertMatch(await askForHttp2(port), /^HTTP\/1\.1 200 OK\r\n[^]*plain/);
    await echoes(port, "/a");
    const ours = hooks.shouldUpgradeCallback!;
    hooks.shouldUpgradeCallback = (request) => request.url !== "/b" && ours(request);
    assertEquals(await statusOf(port, "/b"), 200);
    hooks.shouldUpgradeCallback = before;
    for (const one of attached) await one.close();
    assertEquals(hooks.shouldUpgradeCallback === before, true);
    const again = attach(server, {}, echo);
    assertMatch(await askForHttp2(port), /^HTTP\/1\.1 200 OK\r\n[^]*plain/);
    await again.close();
    assertEquals(hooks.shouldUpgradeCallback === before, true);
  }));

test("attach: another upgrade that comes all the same, since others listen, is answered by fetch or 426", async () => {
  await attaching({ fetch: () => new Response("a page") }, echo, async ({ server, port }) => {
    server.on("upgrade", () => {});
    assertMatch(await askForHttp2(port), /^HTTP\/1\.1 200 OK\r\n[^]*a page/);
  });
  await attaching({}, echo, async ({ server, port }) => {
    server.on("upgrade", () => {});
    assertMatch(await askForHttp2(port), /^HTTP\/1\.1 426 /);
  });
});

test("attach: once it closes nobody is asked about upgrades any more: they get 503", async () => {
  let asked = 0;
  const done = Promise.withResolvers<void>();
  await attaching({ authorize: () => void asked++ }, () => done.promise, async ({ port, attached }) => {
    const socket = await connect(`ws://127.0.0.1:${port}/`);
    const closed = attached.close();
    assertEquals((await socket.closed).closeCode, 1001);
    assertEquals(await statusOf(port, "/"), 503);
    done.resolve();
    await closed;
  });
  assertEquals(asked, 1);
});

test("attach: close() says 1001, waits for handlers, and leaves the server running", () =>
  hosting(async ({ server, port }) => {
    const done = Promise.withResolvers<void>();
    const attached = attach(server, { path: "/echo" }, async (socket) => {
      await echo(socket);
      await done.promise;
    });
    const socket = await connect(`ws://127.0.0.1:${port}/echo`);
    const closed = attached.close();
    assertEquals((await socket.closed).closeCode, 1001);
    assertEquals(attached.close(), closed);
    assertEquals(await statusOf(port, "/echo"), 503);
    done.resolve();
    await within("The end", closed);
    assertEquals([attached.connections.size, server.listenerCount("upgrade")], [0, 0]);
    assertMatch(await plain(port), /plain/);
    const again = attach(server, { path: "/echo" }, echo);
    await echoes(port, "/echo");
    await again.close();
  }));

test("attach: close() cuts handlers that do not end, and clients that are being decided on", () =>
  hosting(async ({ server, port }) => {
    const never = new Promise<never>(() => {});
    const authorize = ({ url }: { url: URL }) => url.pathname === "/undecided" ? never : undefined;
    const attached = attach(server, { authorize }, () => never);
    const [decided, undecided] = [await Wire.upgrade(port), await Wire.open(port)];
    undecided.send(upgradeOf("/undecided"));
    await until(() => attached.connections.size === 1);
    await sleep(20);
    await within("The end", attached.close({ closeCode: 1012, timeout: 50 }));
    assertEquals(await within("The Close", decided.closeCode()), 1012);
    await within("The end of both", Promise.all([decided.ended, undecided.ended]));
    decided.destroy();
  }));

test("attach: signal and await using close", () =>
  hosting(async ({ server, port }) => {
    const controller = new AbortController();
    attach(server, { signal: controller.signal }, echo);
    const first = await connect(`ws://127.0.0.1:${port}/`);
    controller.abort();
    assertEquals((await first.closed).closeCode, 1001);
    await until(() => server.listenerCount("upgrade") === 0);
    const attached = attach(server, {}, echo);
    const second = await connect(`ws://127.0.0.1:${port}/`);
    await attached[Symbol.asyncDispose]();
    assertEquals((await second.closed).closeCode, 1001);
    const aborted = AbortSignal.abort(new RangeError("too late"));
    assertThrows(() => attach(server, { signal: aborted }, echo), RangeError);
  }));

test("attach: wrong arguments throw at once", () =>
  hosting(async ({ server, port }) => {
    const wrong = (options: unknown, rest: { handler?: unknown; target?: unknown } = {}) => {
      const { handler, target } = { handler: echo, target: server, ...rest };
      return assertThrows(
        () => attach(target as Server, options as AttachOptions, handler as Handler<undefined>),
        TypeError,
      ).message;
    };
    assertMatch(wrong({}, { target: () => {} }), /must be an http\.Server, not function; .* listen\(\)/);
    assertMatch(wrong({}, { target: undefined }), /must be an http\.Server, not undefined/);
    assertMatch(wrong({}, { target: null }), /must be an http\.Server, not/);
    assertMatch(wrong({}, { target: {} }), /must be an http\.Server, not object/);
    assertMatch(wrong({}, { handler: undefined }), /the handler must be a function, not undefined/);
    assertMatch(wrong({ path: "chat" }), /path must be a path such as "\/chat", not "chat"/);
    assertMatch(wrong({ path: "" }), /path must be a path/);
    assertMatch(wrong({ path: "/chat?room=1" }), /path must be a path/);
    assertMatch(wrong({ path: /chat/ }), /Cannot set path: it must be a string or a function, not object/);
    assertMatch(wrong({ maxMessageSize: "1" }), /maxMessageSize/);
    assertEquals(server.listenerCount("upgrade"), 0);
    const attached = attach(server, { path: "/chat" }, echo);
    assertMatch(wrong({ path: "/chat" }), /\/chat is attached already/);
    await echoes(port, "/chat");
    await attached.close();
  }));

test("attach: clients that reset at any moment cost nothing", () => {
  const asked: string[] = [];
  const errors: unknown[] = [];
  return attaching({
    path: (path) => path !== "/unknown",
    authorize: async ({ url, signal }) => {
      asked.push(url.pathname);
      if (url.pathname === "/undecided") await new Promise((resolve) => signal.onabort = resolve);
    },
    onError: (error) => errors.push(error),
  }, async (socket, { url }) => {
    if (url.pathname === "/sending") { for (;;) await socket.send(new Uint8Array(65_536)); }
    await echo(socket);
  }, async ({ port, attached }) => {
    const at = async (path: string, bytes?: Uint8Array) => {
      const wire = await Wire.open(port);
      wire.send(upgradeOf(path));
      if (path === "/undecided") await until(() => asked.includes("/undecided"));
      else await within("The answer", wire.head());
      if (bytes !== undefined) wire.send(bytes);
      reset(wire);
    };
    for (let i = 0; i < 5; i++) {
      await at("/unknown");
      await at("/undecided");
      await at("/");
      await at("/", clientFrame(1, "hello").subarray(0, 7));
      await at("/", clientFrame(1, "hello"));
      await at("/sending");
      const early = await Wire.open(port);
      early.send(upgradeOf("/unknown"));
      reset(early);
      const half = await Wire.open(port);
      half.send(UPGRADE.slice(0, 80));
      reset(half);
    }
    await until(() => attached.connections.size === 0);
    await echoes(port, "/");
    assertEquals(errors, []);
  });
});

test("attach: a socket that another listener leaves alone may be reset", () =>
  attaching({ path: "/mine" }, echo, async ({ server, port }) => {
    const left = Promise.withResolvers<void>();
    server.on("upgrade", (_, socket) => {
      socket.on("close", left.resolve);
      // Not every runtime reads from such a socket unasked.
      socket.resume();
      reset(wire);
    });
    const wire = await Wire.open(port);
    wire.send(upgradeOf("/nobodys"));
    await within("The end of the socket", left.promise);
    await echoes(port, "/mine");
  }));

test("upgrade: in an async listener, a client that resets before it is called is an error, and no more", () =>
  hosting(async ({ server, port }) => {
    const outcome = Promise.withResolvers<unknown>();
    const wire = await Wire.open(port);
    server.on("upgrade", async (request, socket, head) => {
      socket.on("error", () => {});
      const closed = new Promise((resolve) => socket.on("close", resolve));
      reset(wire);
      socket.resume();
      await closed;
      await upgrade(request, socket, head).then(outcome.resolve, outcome.reject);
    });
    wire.send(UPGRADE);
    const error = await assertRejects(() => within("The outcome", outcome.promise), HandshakeError);
    assertEquals(error.code, "ended");
    assertMatch(await plain(port), /plain/);
  }));

test("upgrade: clients that reset while a request is refused or accepted cost nothing", () =>
  hosting(async ({ server, port }) => {
    const outcomes: Promise<unknown>[] = [];
    server.on("upgrade", (request, socket, head) => {
      const wrong = request.url === "/wrong" ? { origins: [] } : {};
      outcomes.push(upgrade(request, socket, head, wrong).then(echo).catch(() => {}));
    });
    for (const path of ["/", "/wrong", "/", "/wrong"]) {
      const wire = await Wire.open(port);
      wire.send(upgradeOf(path, "Origin: https://other.example"));
      reset(wire);
      const second = await Wire.open(port);
      second.send(upgradeOf(path));
      await within("The answer", second.head());
      reset(second);
    }
    await within("The end of each", Promise.all(outcomes));
    assertMatch(await plain(port), /plain/);
  }));

test("upgrade: the second time for one socket is an error, and nothing is sent", () =>
  hosting(async ({ server, port }) => {
    const outcomes: Promise<unknown>[] = [];
    server.on("upgrade", (request, socket, head) => {
      outcomes.push(upgrade(request, socket, head).then(echo));
      outcomes.push(upgrade(request, socket, head).then(() => "upgraded", (error) => error));
      outcomes.push(refuseUpgrade(socket));
    });
    const wire = await Wire.upgrade(port);
    wire.send(clientFrame(1, "hello"));
    assertEquals(latinText((await within("The echo", wire.frame())).payload), "hello");
    wire.send(clientClose(1000));
    assertEquals(await within("The Close", wire.closeCode()), 1000);
    wire.destroy();
    const [, error] = await within("The outcomes", Promise.all(outcomes));
    assert(error instanceof TypeError, `${error}`);
    assertMatch(error.message, /was upgraded or refused before/);
  }));

test("refuseUpgrade: sends a whole response and ends the connection", () =>
  hosting(async ({ server, port }) => {
    const response = () =>
      new Response("Not here", { status: 410, headers: { "X-Why": "moved", "Connection": "keep-alive" } });
    const outcomes: Promise<unknown>[] = [];
    server.on("upgrade", (request, socket) => {
      outcomes.push(refuseUpgrade(socket, request.url === "/" ? undefined : response()));
      outcomes.push(refuseUpgrade(socket, response()));
    });
    for (
      const [path, pattern] of [["/", /^HTTP\/1\.1 403 Forbidden\r\n/], [
        "/moved",
        /^HTTP\/1\.1 410 [^]*Not here$/,
      ]] as const
    ) {
      const wire = await Wire.open(port);
      wire.send(upgradeOf(path));
      const answer = latinText(await within("The answer", wire.rest()));
      assertMatch(answer, pattern);
      assertEquals(answer.match(/^connection: .*$/gim), ["Connection: close"]);
      assertEquals(answer.match(/HTTP\/1\.1/g)?.length, 1);
      assertEquals(/^x-why: moved$/im.test(answer), path !== "/");
      assertEquals(await wire.ended, "end");
      wire.destroy();
    }
    await within("The ends", Promise.all(outcomes));
  }));

test("refuseUpgrade: never throws", () =>
  hosting(async ({ server, port }) => {
    const read = new Response("read");
    await read.text();
    const answers: unknown[] = [read, { status: 999 }, "no response", null, Response.error()];
    const outcomes: Promise<unknown>[] = [];
    server.on("upgrade", (_, socket) => {
      if (answers.length > 0) return outcomes.push(refuseUpgrade(socket, answers.shift() as Response));
      socket.destroy();
      outcomes.push(refuseUpgrade(socket));
    });
    for (let i = 0; i < 6; i++) {
      const wire = await Wire.open(port);
      wire.send(UPGRADE);
      await within("The end", wire.ended);
      wire.destroy();
    }
    assertEquals(await within("The ends", Promise.all(outcomes)), Array(6).fill(undefined));
    assertMatch(await plain(port), /plain/);
  }));

test("attach on a loopback address answers for the machine's own names, or for hosts", () => {
  const statusOf = async (port: number, host: string) => {
    const wire = await Wire.open(port);
    wire.send(UPGRADE.replace("Host: localhost", `Host: ${host}`));
    const head = await wire.head();
    wire.destroy();
    return Number(head.split(" ")[1]);
  };
  return hosting(async ({ server, port }) => {
    const own = attach(server, { path: "/" }, echo);
    assertEquals([await statusOf(port, "localhost"), await statusOf(port, "evil.example")], [101, 421]);
    await own.close({ timeout: 100 });
    const given = attach(server, { path: "/", hosts: ["chat.example"] }, echo);
    assertEquals([await statusOf(port, "localhost"), await statusOf(port, "chat.example")], [421, 101]);
    await given.close({ timeout: 100 });
  });
});

test("a handler may await attached.close(): it goes on once its client is gone", async () => {
  const done = Promise.withResolvers<void>();
  let closing: (() => Promise<void>) | undefined;
  await attaching({}, async () => {
    await closing!();
    done.resolve();
  }, async ({ port, attached }) => {
    closing = () => attached.close({ timeout: 60_000 });
    const socket = await connect(`ws://127.0.0.1:${port}/`);
    assertEquals((await socket.closed).closeCode, 1001);
    await within("the handler goes on", done.promise);
    await within("all of it is over", attached.close());
  });
});

test("attach: each onRefused is called for an upgrade to a path that nothing is attached to", () => {
  const told: unknown[] = [];
  const onRefused = ({ error, status, headers, remoteAddress }: RefusedHandshake) =>
    void told.push([error.code, status, headers?.get("upgrade"), remoteAddress?.hostname]);
  return attaching({ path: "/one", onRefused }, echo, async ({ server, port }) => {
    const other = attach(server, { path: "/two", onRefused }, echo);
    const wire = await Wire.open(port);
    wire.send(UPGRADE.replace("GET / ", "GET /three "));
    assertEquals((await wire.head()).split(" ")[1], "404");
    assertEquals(told, Array(2).fill(["not-found", 404, "websocket", "127.0.0.1"]));
    wire.destroy();
    await other.close();
  });
});
