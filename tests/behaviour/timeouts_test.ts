/**
 * Peers that neither take what they asked for nor leave.
 *
 * @module
 */

import { assert, assertEquals } from "#std/assert";
import { testOverTcpAndTls } from "../support/links.ts";
import { echo, serving, settlesInTime, sleep, until } from "../support/serving.ts";
import { UPGRADE, Wire } from "../support/wire.ts";

testOverTcpAndTls(
  "a client that asks for a page and does not read it is cut in time, and the page given up",
  async () => {
    const cancelled = Promise.withResolvers<void>();
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
      cancel: () => cancelled.resolve(),
    });
    const options = { handshakeTimeout: 300, fetch: () => new Response(endless) };
    await serving(options, echo, async ({ port }) => {
      const wire = await Wire.open(port);
      wire.pause();
      wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
      assert(await settlesInTime(cancelled.promise, 5_000), "the page is not given up");
      wire.destroy();
    });
  },
);

testOverTcpAndTls(
  "a client that is refused and stays is cut behind closeTimeout",
  () =>
    serving({ closeTimeout: 200 }, echo, async ({ port }) => {
      const wire = await Wire.open(port);
      wire.send("nonsense\r\n\r\n");
      assertEquals((await wire.head()).slice(0, 13), "HTTP/1.1 400 ");
      let gone = false;
      wire.socket.on("close", () => gone = true).on("error", () => gone = true);
      await sleep(400);
      // Who is not there any more answers with a reset.
      const timer = setInterval(() => wire.socket.writable && wire.send("still here"), 20);
      await until(() => gone).finally(() => clearInterval(timer));
      wire.destroy();
    }),
);

testOverTcpAndTls("a client that leaves while it is decided on gets no handler", async () => {
  let handled = 0;
  let decided = false;
  const options = {
    authorize: async ({ signal }: { signal: AbortSignal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      decided = true;
      return undefined;
    },
  };
  const handler = (): Promise<void> => {
    handled++;
    return Promise.resolve();
  };
  await serving(options, handler, async ({ port }) => {
    const wire = await Wire.open(port);
    wire.send(UPGRADE);
    await sleep(50);
    wire.reset();
    await until(() => decided);
    await sleep(50);
    assertEquals(handled, 0);
  });
});

testOverTcpAndTls(
  "a client that announces a body and does not send it is answered with 408",
  () =>
    serving({ handshakeTimeout: 300, fetch: () => new Response() }, echo, async ({ port }) => {
      const wire = await Wire.open(port);
      wire.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf");
      const head = wire.head();
      assert(await settlesInTime(head, 5_000), "it is waited for");
      assertEquals((await head).slice(0, 13), "HTTP/1.1 408 ");
      wire.destroy();
    }),
);
