import { test } from "node:test";
import { assertEquals, assertRejects } from "#std/assert";
import { WebSocketError } from "../../mod.ts";
import { receive, serving } from "../support/serving.ts";

test("a pipe from a source that says nothing ends when the peer closes cleanly, and so does the server", async () => {
  let cancelled: unknown, ended: unknown;
  const reported: unknown[] = [];
  await serving({ onError: (error) => void reported.push(error) }, async ({ writable }) => {
    const source = new ReadableStream<string>({ cancel: (reason) => void (cancelled = reason) });
    ended = await source.pipeTo(writable).catch((error) => error);
    throw ended;
  }, async ({ server, open }) => {
    const client = await open();
    client.close({ closeCode: 4000 });
    await client.closed;
    await server.close({ timeout: 60_000 });
  });
  assertEquals([ended instanceof WebSocketError, cancelled === ended, reported], [true, true, []]);
});

test("a pipe from readable to writable, straight or through another, ends cleanly when the peer does", async () => {
  for (const through of [false, true]) {
    let ended: unknown;
    await serving({}, async ({ readable, writable }) => {
      const source = through ? readable.pipeThrough(new TransformStream()) : readable;
      ended = await source.pipeTo(writable).then(() => "cleanly", (error) => error);
    }, async ({ server, open }) => {
      const client = await open();
      await client.send("echo");
      assertEquals(await receive(client), "echo");
      client.close();
      await client.closed;
      await server.close({ timeout: 60_000 });
    });
    assertEquals(ended, "cleanly");
  }
});

test("a writer of a connection that ended cleanly is told", () =>
  serving({}, () => Promise.resolve(), async ({ open }) => {
    const client = await open();
    const writer = client.writable.getWriter();
    await client.closed;
    await assertRejects(() => writer.closed, WebSocketError, "Cannot send");
  }));
