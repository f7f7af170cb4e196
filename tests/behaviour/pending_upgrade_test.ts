import { test } from "node:test";
import { assertEquals, assertMatch, assertRejects } from "#std/assert";
import { HandshakeError, type PendingUpgrade, receiveUpgrade } from "../../mod.ts";
import { UPGRADE } from "../support/wire.ts";

/** An upgrade over a pair of streams, and all that its client gets until it leaves. */
async function receive(): Promise<{ upgrade: PendingUpgrade; received: () => string; leave: () => void }> {
  const up = new TransformStream<Uint8Array, Uint8Array>();
  const down = new TransformStream<Uint8Array, Uint8Array>();
  const client = up.writable.getWriter();
  client.write(new TextEncoder().encode(UPGRADE)).catch(() => {});
  let text = "";
  const reading = down.readable.pipeThrough(new TextDecoderStream("latin1") as never).pipeTo(
    new WritableStream<string>({ write: (part) => void (text += part) }),
  );
  reading.catch(() => {});
  const upgrade = await receiveUpgrade({ readable: up.readable, writable: down.writable });
  return { upgrade, received: () => text, leave: () => void client.close().catch(() => {}) };
}

test("an upgrade that was accepted cannot be rejected or accepted again: the connection stays as it is", async () => {
  const { upgrade, received } = await receive();
  const socket = await upgrade.accept();
  await assertRejects(() => upgrade.reject(), TypeError, "accepted before");
  await assertRejects(() => upgrade.accept(), TypeError, "accepted before");
  await socket.send("still open");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertMatch(received(), /^HTTP\/1\.1 101 /);
  assertEquals(received().split("\r\n\r\n")[1], "\x81\x0astill open");
  socket.abort();
});

test("an upgrade that was rejected cannot be accepted or rejected again", async () => {
  const { upgrade, received, leave } = await receive();
  const rejected = upgrade.reject();
  await assertRejects(() => upgrade.accept(), TypeError, "rejected before");
  await assertRejects(() => upgrade.reject(), TypeError, "rejected before");
  leave();
  await rejected;
  assertEquals(received().match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 403"]);
});

test("of two answers at once the first counts", async () => {
  const { upgrade, received } = await receive();
  const [accepted, rejected] = await Promise.allSettled([upgrade.accept(), upgrade.reject()]);
  assertEquals([accepted.status, rejected.status], ["fulfilled", "rejected"]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(received().match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 101"]);
  if (accepted.status === "fulfilled") accepted.value.abort();
});

test("an upgrade whose client has left is not accepted", async () => {
  const { upgrade, received, leave } = await receive();
  leave();
  await new Promise((resolve) => upgrade.signal.addEventListener("abort", resolve));
  await assertRejects(() => upgrade.accept(), HandshakeError, "the stream ended");
  assertEquals(received().match(/HTTP\/1\.1 101/), null);
});
