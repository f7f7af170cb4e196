import { test } from "node:test";
import { assertEquals, assertMatch } from "#std/assert";
import type { ServeOptions } from "../../lib/server/serve_options.ts";
import { echo, serving } from "../support/serving.ts";
import { UPGRADE, Wire } from "../support/wire.ts";

/** Sends a request as it stands; returns status, head and body of the answer. */
async function ask(port: number, request: string): Promise<[status: number, head: string, body: string]> {
  const wire = await Wire.open(port);
  wire.send(request.replaceAll("\n", "\r\n"));
  const head = await wire.head();
  const body = new TextDecoder().decode(await wire.rest());
  wire.destroy();
  return [Number(head.split(" ")[1]), head, body];
}

/** Tells what `fetch` was given. */
const mirror: ServeOptions["fetch"] = async (request) =>
  new Response(`${request.method} ${request.url} ${await request.text()}`.trim());

for (
  const [name, request, body] of [
    ["haproxy's option httpchk", "OPTIONS / HTTP/1.0\n\n", "OPTIONS http://localhost/"],
    ["a request with a query", "GET /health?a=b HTTP/1.0\n\n", "GET http://localhost/health?a=b"],
    ["a Host", "GET /health HTTP/1.0\nHost: 127.0.0.1:81\n\n", "GET http://127.0.0.1:81/health"],
    ["an absolute target", "GET http://app.localhost/a HTTP/1.0\n\n", "GET http://app.localhost/a"],
    ["a body", "POST / HTTP/1.0\nContent-Length: 5\n\nHello", "POST http://localhost/ Hello"],
    // A client of HTTP/1.0 does not wait for the 100 (RFC 9110 §10.1.1).
    [
      "an Expect, to be ignored",
      "POST / HTTP/1.0\nContent-Length: 5\nExpect: 100-continue\n\nHello",
      "POST http://localhost/ Hello",
    ],
    ["another upgrade", "GET / HTTP/1.0\nConnection: upgrade\nUpgrade: h2c\n\n", "GET http://localhost/"],
    ["keep-alive", "GET / HTTP/1.0\nConnection: keep-alive\n\n", "GET http://localhost/"],
  ] as const
) {
  test(`HTTP/1.0: fetch sees a plain request: ${name}`, () =>
    serving({ fetch: mirror }, echo, async ({ port }) => {
      const [status, head, got] = await ask(port, request);
      assertEquals([status, got], [200, body]);
      assertMatch(head, /^HTTP\/1\.1 200 OK\r\n/);
      assertMatch(head, /\r\ncontent-length: \d+\r\n/i);
      assertMatch(head, /\r\nconnection: close\r\n/i);
    }));
}

for (
  const [name, status, request] of [
    ["an upgrade", 505, UPGRADE.replaceAll("\r", "").replace("1.1", "1.0")],
    ["an upgrade without Host", 505, UPGRADE.replaceAll("\r", "").replace("1.1\nHost: localhost", "1.0")],
    ["two Hosts", 400, "GET / HTTP/1.0\nHost: localhost\nHost: localhost\n\n"],
    ["an empty Host", 400, "GET / HTTP/1.0\nHost:\n\n"],
    ["a name that was made to resolve here", 421, "GET / HTTP/1.0\nHost: evil.example\n\n"],
    ["such a name in the target", 421, "GET http://evil.example/ HTTP/1.0\n\n"],
    // Who passed this on may have taken it for a body of another length (RFC 9112 §6.1).
    ["the chunked coding", 400, "POST / HTTP/1.0\nTransfer-Encoding: chunked\n\n0\n\n"],
    ["an asterisk", 400, "GET * HTTP/1.0\n\n"],
    ["HTTP/1.1 without Host", 400, "GET / HTTP/1.1\n\n"],
    ["HTTP/2.0", 505, "GET / HTTP/2.0\nHost: localhost\n\n"],
    ["HTTP/0.0", 505, "GET / HTTP/0.0\nHost: localhost\n\n"],
    ["HTTP/0.9", 400, "GET /\n"],
  ] as const
) {
  test(`HTTP/1.0: neither fetch nor authorize sees ${name}: ${status}`, () => {
    let asked = 0;
    const options = { fetch: () => new Response(`${++asked}`), authorize: () => ++asked };
    return serving(options, echo, async ({ port }) => {
      assertEquals([(await ask(port, request))[0], asked], [status, 0]);
    });
  });
}

test("HTTP/1.0: without fetch the answer is 426, as in HTTP/1.1", () =>
  serving({}, echo, async ({ port }) => assertEquals((await ask(port, "GET / HTTP/1.0\n\n"))[0], 426)));

test("HTTP/1.0: a body of unknown length ends with the connection, and is not chunked", () => {
  const fetch = () =>
    new Response(
      new ReadableStream({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode("one "));
          // Longer than what is waited for before the head goes out.
          await new Promise((resolve) => setTimeout(resolve, 100));
          controller.enqueue(new TextEncoder().encode("two"));
          controller.close();
        },
      }),
    );
  return serving({ fetch }, echo, async ({ port }) => {
    const [status, head, body] = await ask(port, "GET / HTTP/1.0\n\n");
    assertEquals([status, body], [200, "one two"]);
    assertEquals(/transfer-encoding/i.test(head), false);
  });
});

test("HTTP/1.0: a request without Host is answered whatever hosts allows", async () => {
  const asked: string[] = [];
  const only = (host: string) => {
    asked.push(host);
    return false;
  };
  for (const hosts of [["example.com"], only, "any"] as const) {
    await serving({ hosts, fetch: () => new Response("healthy") }, echo, async ({ port }) => {
      assertEquals((await ask(port, "GET /health HTTP/1.0\n\n"))[2], "healthy");
      const [status] = await ask(port, "GET /health HTTP/1.0\nHost: other.example\n\n");
      assertEquals(status, hosts === "any" ? 200 : 421);
    });
  }
  assertEquals(asked, ["other.example"]);
});

test("OPTIONS * is answered by the server itself, with fetch and without", async () => {
  let asked = 0;
  for (const options of [{}, { fetch: () => new Response(`${++asked}`) }]) {
    await serving(options, echo, async ({ port }) => {
      for (const request of ["1.0\n\n", "1.1\nHost: localhost\n\n", "1.0\nHost: 127.0.0.1:80\n\n"]) {
        const [status, head, body] = await ask(port, `OPTIONS * HTTP/${request}`);
        assertEquals([status, body], [200, ""]);
        assertMatch(head, /\r\ncontent-length: 0\r\n/i);
      }
    });
  }
  assertEquals(asked, 0);
});

for (
  const [name, status, request] of [
    ["without Host", 400, "OPTIONS * HTTP/1.1\n\n"],
    ["of another host", 421, "OPTIONS * HTTP/1.1\nHost: evil.example\n\n"],
    ["as an upgrade", 405, UPGRADE.replaceAll("\r", "").replace("GET /", "OPTIONS *")],
    ["in lower case", 400, "options * HTTP/1.1\nHost: localhost\n\n"],
  ] as const
) {
  test(`OPTIONS * ${name} is answered with ${status}`, () =>
    serving({ fetch: () => new Response() }, echo, async ({ port }) => {
      assertEquals((await ask(port, request))[0], status);
    }));
}
