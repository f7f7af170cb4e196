import { test } from "node:test";
import { assertEquals, assertMatch, assertRejects } from "#std/assert";
import { getRequestListener } from "@hono/node-server";
import { Response as UndiciResponse } from "undici";
import type { ServeOptions } from "../../lib/server/serve_options.ts";
import { type PendingUpgrade, receiveUpgrade } from "../../mod.ts";
import { serving } from "../support/serving.ts";
import { UPGRADE, Wire } from "../support/wire.ts";

const PAGE = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const REFUSAL = { status: 401, headers: { "X-Reason": "on purpose" } };

/** The runtime's own class: Hono replaces the global one. */
const NativeResponse = Response;

/** Runs something while Hono's server for Node is in use. */
async function withHono(run: () => Promise<void>): Promise<void> {
  const natives = { Request, Response };
  getRequestListener(() => new Response());
  assertEquals(Response === NativeResponse, false, "Hono did not replace the global Response");
  try {
    await run();
  } finally {
    for (const [name, value] of Object.entries(natives)) {
      Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
    }
  }
}

/** An object with what a `Response` has. */
function shaped(): Response {
  const { status, statusText, headers, body } = new NativeResponse("No", REFUSAL);
  return { status, statusText, headers, body, bodyUsed: false } as Response;
}

/** Responses by who makes them; only the last one is an instance of the global `Response` while Hono is in use. */
const makers: Readonly<Record<string, () => Response>> = {
  "of npm undici": () => new UndiciResponse("No", REFUSAL) as unknown as Response,
  "of the runtime": () => new NativeResponse("No", REFUSAL),
  "of no class at all": shaped,
  "of the global class": () => new Response("No", REFUSAL),
};

/** What a server answers to one request. */
async function ask<C>(options: ServeOptions<C>, request: string): Promise<[head: string, body: string]> {
  let answer: [string, string] = ["", ""];
  let handled = false;
  await serving<C>(options, () => Promise.resolve(handled = true), async ({ port }) => {
    const wire = await Wire.open(port);
    wire.send(request);
    const head = await wire.head();
    const upgraded = head.startsWith("HTTP/1.1 101 ");
    answer = [head, upgraded ? "" : new TextDecoder().decode(await wire.rest())];
    assertEquals(handled, upgraded);
    wire.destroy();
  });
  return answer;
}

const statusOf = (head: string) => Number(head.split(" ")[1]);

for (const [who, make] of Object.entries(makers)) {
  test(`a Response ${who} refuses and answers, with and without Hono's global one`, async () => {
    const check = async () => {
      const answers = [
        await ask({ authorize: () => make() }, UPGRADE),
        await ask({ authorize: () => Promise.resolve(make()) }, UPGRADE),
        await ask({ fetch: () => make() }, PAGE),
      ];
      for (const [head, body] of answers) {
        assertMatch(head, /^HTTP\/1\.1 401 [^]*\r\nx-reason: on purpose\r\n/i);
        assertEquals(body, "No");
      }
    };
    await check();
    await withHono(check);
  });

  test(`a Response ${who} rejects an upgrade that waits`, async () => {
    const check = async () => {
      const [upgrade, answer] = await receive();
      await upgrade.reject(make());
      assertMatch(await answer, /^HTTP\/1\.1 401 [^]*\r\nx-reason: on purpose\r\n[^]*\r\n\r\nNo$/i);
    };
    await check();
    await withHono(check);
  });
}

test("the answer of fetch() to another server refuses and answers while Hono is in use", () =>
  withHono(async () => {
    const pass = () => fetch("data:text/plain,passed%20on");
    assertEquals((await pass()) instanceof Response, false);
    for (const answer of [await ask({ authorize: pass }, UPGRADE), await ask({ fetch: pass }, PAGE)]) {
      assertEquals([statusOf(answer[0]), answer[1]], [200, "passed on"]);
    }
  }));

test("an authorize that returns false, or a promise of it, refuses with 403", async () => {
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  for (const authorize of [() => false as const, () => Promise.resolve(false as const)]) {
    const [head, body] = await ask({ authorize, onError }, UPGRADE);
    assertEquals([statusOf(head), body], [403, "Forbidden\n"]);
  }
  assertEquals(errors, []);
});

test("what has a status and is not a Response accepts nobody: 500, and a TypeError for onError", async () => {
  const headers = new Headers();
  const wrong = [
    { status: 403 },
    { status: 200, user: "Ada" },
    { status: 403, headers },
    { status: 403, headers, body: "No" },
    { status: 403, headers: {}, body: null },
    Object.assign(() => {}, { status: 401 }),
    { status: NaN },
    Response.error(),
  ];
  for (const value of wrong) {
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push(error);
    const statuses = [
      statusOf((await ask({ authorize: () => value, onError }, UPGRADE))[0]),
      statusOf((await ask({ fetch: () => value as unknown as Response, onError }, PAGE))[0]),
    ];
    assertEquals(statuses, [500, 500]);
    assertEquals(errors.map((error) => error instanceof TypeError || error instanceof RangeError), [
      true,
      true,
    ]);
  }
});

test("what has no numeric status is a context", async () => {
  for (const value of [undefined, null, true, 0, "", {}, { status: "active" }, [403]]) {
    assertEquals(statusOf((await ask({ authorize: () => value as object }, UPGRADE))[0]), 101);
  }
});

test("an upgrade that is rejected with something else still waits for its answer", async () => {
  const [upgrade, answer] = await receive();
  for (const wrong of [false, 403, { status: 403 }, "No"]) {
    await assertRejects(() => upgrade.reject(wrong as unknown as Response), TypeError, "Response");
  }
  await upgrade.reject();
  assertMatch(await answer, /^HTTP\/1\.1 403 [^]*\r\n\r\nForbidden\n$/);
});

/** An upgrade over a pair of streams, and all that its client gets. */
async function receive(): Promise<[upgrade: PendingUpgrade, answer: Promise<string>]> {
  const up = new TransformStream<Uint8Array, Uint8Array>();
  const down = new TransformStream<Uint8Array, Uint8Array>();
  const client = up.writable.getWriter();
  client.write(new TextEncoder().encode(UPGRADE)).catch(() => {});
  const answer = new NativeResponse(down.readable).text();
  answer.then(() => client.close()).catch(() => {});
  return [await receiveUpgrade({ readable: up.readable, writable: down.writable }), answer];
}
