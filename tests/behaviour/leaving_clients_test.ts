import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { echo, receive, serving, settles, sleep, until } from "../support/serving.ts";
import type { UpgradeRequest } from "../../mod.ts";
import { clientFrame, UPGRADE, Wire } from "../support/wire.ts";

const PAGE = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** How a client leaves. */
const ways: Readonly<Record<string, (wire: Wire) => void>> = {
  "by FIN": (wire) => void wire.socket.end(),
  "by a reset": (wire) => void wire.socket.resetAndDestroy(),
};

/** Resolves when a signal is aborted; and counts. */
function watch(signal: AbortSignal, aborted: unknown[]): void {
  signal.addEventListener("abort", () => aborted.push(signal.reason));
}

for (const [way, leave] of Object.entries(ways)) {
  test(`a client that leaves ${way} while authorize decides: the signal aborts, and its place is free`, async () => {
    const aborted: unknown[] = [];
    const errors: unknown[] = [];
    let asked = 0;
    const authorize = (request: UpgradeRequest) => {
      if (asked++ > 0) return undefined;
      watch(request.signal, aborted);
      return new Promise<undefined>(() => {});
    };
    const onError = (error: unknown) => errors.push(error);
    await serving({ authorize, onError, maxConnections: 1 }, echo, async ({ port, open }) => {
      const wire = await Wire.open(port);
      wire.send(UPGRADE);
      await until(() => asked === 1);
      leave(wire);
      await until(() => aborted.length === 1);
      await wire.ended;
      // The next one gets the place, which there is only one of.
      const socket = await open();
      await socket.send("here");
      assertEquals(await receive(socket), "here");
    });
    assertEquals(errors, []);
  });

  test(`a client that leaves ${way} while origins decides frees its place`, async () => {
    let asked = 0;
    const origins = () => asked++ > 0 || new Promise<boolean>(() => {});
    await serving({ origins, maxConnections: 1 }, echo, async ({ port, open }) => {
      const wire = await Wire.open(port);
      wire.send(UPGRADE.replace("\r\n\r\n", "\r\nOrigin: https://example.com\r\n\r\n"));
      await until(() => asked === 1);
      leave(wire);
      await wire.ended;
      await until(() => wire.socket.destroyed || wire.socket.readableEnded);
      (await open({ origin: "https://example.com" })).close();
    });
  });

  test(`clients that leave ${way} while fetch takes long: signals abort, and nothing keeps the server open`, async () => {
    const aborted: unknown[] = [];
    const errors: unknown[] = [];
    let asked = 0;
    const fetch = (request: Request) => {
      asked++;
      watch(request.signal, aborted);
      return new Promise<Response>(() => {});
    };
    await serving({ fetch, onError: (error) => errors.push(error) }, echo, async ({ port, server }) => {
      const wires = await Promise.all(Array.from({ length: 20 }, () => Wire.open(port)));
      for (const wire of wires) wire.send(PAGE);
      await until(() => asked === 20);
      for (const wire of wires) leave(wire);
      await until(() => aborted.length === 20);
      // Their sockets are closed from our side, too.
      for (const wire of wires) assert(await settles(wire.ended, 5_000), "a socket was left open");
      assert(
        await settles(server.close({ timeout: 60_000 }), 5_000),
        "the server waits for those who have left",
      );
    });
    assertEquals(errors, []);
  });

  test(`a client that leaves ${way} while the body of a response is quiet: it is cancelled`, async () => {
    const aborted: unknown[] = [];
    const errors: unknown[] = [];
    let cancelled = 0;
    const fetch = (request: Request) => {
      watch(request.signal, aborted);
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\n")),
        cancel: () => void cancelled++,
      });
      return new Response(body);
    };
    await serving({ fetch, onError: (error) => errors.push(error) }, echo, async ({ port, server }) => {
      const wire = await Wire.open(port);
      wire.send(PAGE);
      await wire.head();
      leave(wire);
      await until(() => cancelled === 1 && aborted.length === 1);
      assert(
        await settles(server.close({ timeout: 60_000 }), 5_000),
        "the server waits for one who has left",
      );
    });
    assertEquals(errors, []);
  });
}

test("an authorize that gives up by its signal when the client leaves is no error", async () => {
  const errors: unknown[] = [];
  let asked = 0;
  let over = 0;
  const authorize = async ({ signal }: UpgradeRequest) => {
    asked++;
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))).finally(
      () => over++,
    );
  };
  await serving({ authorize, onError: (error) => errors.push(error) }, echo, async ({ port }) => {
    const wire = await Wire.open(port);
    wire.send(UPGRADE);
    await until(() => asked === 1);
    wire.socket.end();
    await until(() => over === 1);
    await wire.ended;
  });
  assertEquals(errors, []);
});

test("a client that ends its direction behind its request gets the whole page", async () => {
  const page = "0123456789".repeat(100_000);
  const fetch = async () => {
    await new Promise((resolve) => setTimeout(resolve, 30));
    return new Response(page, { headers: { "Content-Length": String(page.length) } });
  };
  await serving({ fetch }, echo, async ({ port }) => {
    const wire = await Wire.open(port);
    wire.send(PAGE);
    wire.socket.end();
    wire.pause();
    await sleep(200);
    wire.socket.resume();
    await wire.head();
    assertEquals((await wire.rest()).length, page.length);
    wire.destroy();
  });
});

test("frames that come while authorize decides are not lost, nor is what comes with the request", async () => {
  const gate = Promise.withResolvers<void>();
  let asked = 0;
  const authorize = async () => {
    asked++;
    await gate.promise;
  };
  await serving({ authorize }, echo, async ({ port }) => {
    const wire = await Wire.open(port);
    const head = new TextEncoder().encode(UPGRADE);
    const first = clientFrame(1, "with the head");
    wire.send(new Uint8Array([...head, ...first]));
    await until(() => asked === 1);
    for (const text of ["while", "it", "decides", "x".repeat(40_000)]) {
      wire.send(clientFrame(1, text));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    gate.resolve();
    await wire.head();
    for (const text of ["with the head", "while", "it", "decides", "x".repeat(40_000)]) {
      assertEquals(new TextDecoder().decode((await wire.frame()).payload), text);
    }
    wire.destroy();
  });
});
