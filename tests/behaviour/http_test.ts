import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "#std/assert";
import { echo, receive, serving, settlesInTime, until } from "../support/serving.ts";
import { UPGRADE, Wire } from "../support/wire.ts";

/** Sends a request as it stands, and returns all of the answer: status line and headers, then body. */
async function ask(port: number, request: string): Promise<[head: string, body: string]> {
  const wire = await Wire.open(port);
  wire.send(request.replaceAll("\n", "\r\n"));
  const head = await wire.head();
  const body = new TextDecoder().decode(await wire.rest());
  wire.destroy();
  return [head, body];
}

const statusOf = (head: string) => Number(head.split(" ")[1]);

test("fetch answers a request that is no upgrade, with its method, URL, headers and body", () =>
  serving(
    {
      fetch: async (request) =>
        Response.json({
          method: request.method,
          url: request.url.replace(/:\d+/, ""),
          name: request.headers.get("x-name"),
          body: await request.text(),
        }, { status: 201, headers: { "x-answer": "42" } }),
    },
    echo,
    async ({ port }) => {
      const response = await fetch(`http://127.0.0.1:${port}/a/b?c=d`, {
        method: "POST",
        headers: { "x-name": "Ada" },
        body: "Grüße",
      });
      assertEquals(response.status, 201);
      assertEquals(response.headers.get("x-answer"), "42");
      assertEquals(await response.json(), {
        method: "POST",
        url: "http://127.0.0.1/a/b?c=d",
        name: "Ada",
        body: "Grüße",
      });
    },
  ));

test("fetch streams its body as it comes, and always closes", () =>
  serving(
    {
      fetch: () =>
        new Response(
          new ReadableStream({
            async start(controller) {
              for (const part of ["one ", "two ", "three"]) {
                controller.enqueue(new TextEncoder().encode(part));
                await new Promise((resolve) => setTimeout(resolve, 5));
              }
              controller.close();
            },
          }),
        ),
    },
    echo,
    async ({ port }) => {
      const [head, body] = await ask(port, "GET / HTTP/1.1\nHost: localhost\n\n");
      assertMatch(head, /^HTTP\/1\.1 200 OK\r\n/);
      assertMatch(head, /\r\nconnection: close\r\n/i);
      // It goes out whole, or chunk by chunk, as fast as the machine is.
      const sizes = /transfer-encoding: chunked/i.test(head) ? /(?:^|\r\n)[\da-f]+\r\n/g : /$/;
      assertEquals(body.replace(sizes, "").trimEnd(), "one two three");
    },
  ));

test("fetch gets a body that comes in parts, and a HEAD request gets no body", () =>
  serving({ fetch: async (request) => new Response(`<${await request.text()}>`) }, echo, async ({ port }) => {
    const wire = await Wire.open(port);
    wire.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n01234");
    await new Promise((resolve) => setTimeout(resolve, 20));
    wire.send("56789");
    await wire.head();
    assertEquals(new TextDecoder().decode(await wire.rest()), "<0123456789>");
    wire.destroy();
    const [head, body] = await ask(port, "HEAD / HTTP/1.1\nHost: localhost\n\n");
    assertEquals([statusOf(head), body], [200, ""]);
  }));

test("a body takes memory as it comes, and not as it is announced", () =>
  serving({ fetch: () => new Response(), maxBodySize: Infinity }, echo, async ({ port }) => {
    const wire = await Wire.open(port);
    // No runtime has that much memory: to ask for it at once would be an error of the server.
    wire.send(
      `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${Number.MAX_SAFE_INTEGER}\r\n\r\n01234`,
    );
    wire.socket.end();
    assertEquals(statusOf(await wire.head()), 400);
    wire.destroy();
  }));

test("a body is whole and its own, however it is cut, and what comes behind it is no part of it", () =>
  serving({ fetch: async (request) => new Response(await request.text()) }, echo, async ({ port }) => {
    const text = Array.from({ length: 3_000 }, (_, i) => `${i},`).join("");
    const bodies = await Promise.all([1, 7, 1_000, 20_000].map(async (size) => {
      const wire = await Wire.open(port);
      wire.send(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${text.length}\r\n\r\n`);
      for (let at = 0; at < text.length; at += size) {
        wire.send(text.slice(at, at + size));
        if (at % 1_000 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      }
      wire.send("GET / HTTP/1.1\r\n\r\n");
      await wire.head();
      const body = new TextDecoder().decode(await wire.rest());
      wire.destroy();
      return body;
    }));
    assertEquals(bodies, bodies.map(() => text));
  }));

test("two Cookie lines are one, for fetch and for authorize", () => {
  const cookies: (string | null)[] = [];
  const note = ({ headers }: { headers: Headers }) => {
    cookies.push(headers.get("cookie"));
    return new Response();
  };
  return serving({ fetch: note, authorize: note }, echo, async ({ port }) => {
    const lines = "Host: localhost\nCookie: a=1\nCookie: b=2\n";
    await ask(port, `GET / HTTP/1.1\n${lines}\n`);
    await ask(port, UPGRADE.replaceAll("\r", "").replace("Host: localhost\n", lines));
    assertEquals(cookies, ["a=1; b=2", "a=1; b=2"]);
  });
});

test("without fetch, a request that is no upgrade gets 426 and is told what would do", () =>
  serving({}, echo, async ({ port }) => {
    const [head] = await ask(port, "GET / HTTP/1.1\nHost: localhost\n\n");
    assertEquals(statusOf(head), 426);
    assertMatch(head, /\r\nupgrade: websocket\r\n/i);
    assertMatch(head, /\r\nsec-websocket-version: 13\r\n/i);
  }));

const REFUSED: readonly [name: string, status: number, request: string][] = [
  ["a chunked body", 411, "POST / HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\n\n0\n\n"],
  ["a body over maxBodySize", 413, "POST / HTTP/1.1\nHost: localhost\nContent-Length: 101\n\n"],
  ["two lengths", 400, "POST / HTTP/1.1\nHost: localhost\nContent-Length: 1\nContent-Length: 1\n\na"],
  [
    "a length and chunks",
    400,
    "POST / HTTP/1.1\nHost: localhost\nContent-Length: 1\nTransfer-Encoding: chunked\n\na",
  ],
  [
    "a body that waits for 100",
    417,
    "POST / HTTP/1.1\nHost: localhost\nContent-Length: 5\nExpect: 100-continue\n\n",
  ],
  ["no Host", 400, "GET / HTTP/1.1\n\n"],
  ["HTTP/2.0", 505, "GET / HTTP/2.0\nHost: localhost\n\n"],
  ["a method that fetch cannot have", 501, "TRACE / HTTP/1.1\nHost: localhost\n\n"],
  ["a method that Request would write in upper case", 501, "delete / HTTP/1.1\nHost: localhost\n\n"],
  ["get, which is not GET", 501, "get / HTTP/1.1\nHost: localhost\nContent-Length: 1\n\na"],
  ["a head over the limit", 431, `GET / HTTP/1.1\nHost: localhost\n${"x: 1234567890\n".repeat(1200)}\n`],
];

for (const [name, status, request] of REFUSED) {
  test(`fetch does not see ${name}: ${status}`, () => {
    let asked = 0;
    const fetch = () => {
      asked++;
      return new Response();
    };
    return serving({ fetch, maxBodySize: 100, maxHeaders: 2_000 }, echo, async ({ port }) => {
      const [head] = await ask(port, request);
      assertEquals([statusOf(head), asked], [status, 0]);
      assertMatch(head, /\r\nconnection: close\r\n/i);
    });
  });
}

test("fetch sees the method that was sent, or the answer is 501", () => {
  const seen: string[] = [];
  const fetch = (request: Request) => {
    seen.push(request.method);
    return new Response();
  };
  return serving({ fetch }, echo, async ({ port }) => {
    for (
      const method of [
        "GET",
        "OPTIONS",
        "PATCH",
        "PROPFIND",
        "Get",
        "post",
        "pUT",
        "patch",
        "query",
        "QUERY",
        "x!",
      ]
        .concat("track", "Trace", "connect", "toString", "A".repeat(500))
    ) {
      seen.length = 0;
      const [head] = await ask(port, `${method} / HTTP/1.1\nHost: localhost\n\n`);
      assertEquals([method, ...seen], statusOf(head) === 501 ? [method] : [method, method]);
    }
  });
});

for (
  const [name, answer] of [
    ["throws", () => {
      throw new Error("on purpose");
    }],
    ["rejects", () => Promise.reject(new Error("on purpose"))],
    ["returns no Response", () => "text" as unknown as Response],
    ["returns a header that cannot be sent", () => new Response(null, { status: 101 as 200 })],
  ] as [string, () => Response][]
) {
  test(`a fetch that ${name} is answered with 500, and onError hears of it`, () => {
    const stages: string[] = [];
    return serving(
      { fetch: answer, onError: (_, { stage }) => stages.push(stage) },
      echo,
      async ({ port, open }) => {
        const [head] = await ask(port, "GET / HTTP/1.1\nHost: localhost\n\n");
        assertEquals([statusOf(head), stages], [500, ["fetch"]]);
        const socket = await open();
        await socket.send("still here");
        assertEquals(await receive(socket), "still here");
      },
    );
  });
}

test("the signal of a request is aborted when its client leaves", async () => {
  const left = Promise.withResolvers<void>();
  let asked = false;
  await serving(
    {
      fetch: (request) => {
        asked = true;
        request.signal.addEventListener("abort", () => left.resolve());
        return new Promise<Response>(() => {});
      },
    },
    echo,
    async ({ port }) => {
      const wire = await Wire.open(port);
      wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await until(() => asked);
      wire.socket.resetAndDestroy();
      assert(await settlesInTime(left.promise, 2_000), "the signal was not aborted");
    },
  );
});
