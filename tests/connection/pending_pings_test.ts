import { test } from "node:test";
import { assertEquals, assertRejects, assertThrows } from "#std/assert";
import { PendingPings } from "../../lib/connection/pending_pings.ts";

test("PendingPings gives up on the oldest when too many wait: a peer that never answers costs no memory", async () => {
  const pings = new PendingPings();
  const first = pings.add(pings.payload(), undefined);
  for (let i = 0; i < 64; i++) pings.add(pings.payload(), undefined);
  assertEquals((await assertRejects(() => first, Error)).name, "TimeoutError");
  pings.fail(new Error("over"));
});

test("PendingPings lets go of a signal when the Ping is answered, and gives up when it is aborted", async () => {
  const pings = new PendingPings();
  const controller = new AbortController();
  let listeners = 0;
  const { signal } = controller;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  const payload = pings.payload();
  const answered = pings.add(payload, signal);
  assertEquals(listeners, 1);
  pings.settle(payload);
  await answered;
  await Promise.resolve();
  assertEquals(listeners, 0);
  const given = pings.add(pings.payload(), signal);
  controller.abort(new Error("enough"));
  await assertRejects(() => given, Error, "enough");
});

test("the data of a Ping is copied, and refused over 125 bytes", () => {
  const pings = new PendingPings();
  const data = new Uint8Array(125);
  const payload = pings.payload(data);
  data.fill(1);
  assertEquals(payload, new Uint8Array(125));
  assertThrows(() => pings.payload(new Uint8Array(126)), RangeError, "126 bytes");
});
