import { test } from "node:test";
import { assertEquals, assertRejects } from "#std/assert";
import fc from "fast-check";
import { type Borrower, ReceiveQueue } from "../../lib/connection/receive_queue.ts";
import { check } from "../support/property.ts";

const value = (value: string) => ({ done: false, value });
/** A stream that is read from. */
const READING: Borrower = { reading: true, unread: 0, giveBack: () => [], fail: () => [] };
const DONE = { done: true, value: undefined };

test("ReceiveQueue hands messages over in order, whoever comes first", () =>
  check(fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 300 }), async (steps) => {
    const queue = new ReceiveQueue();
    const taken: Promise<unknown>[] = [];
    let pushed = 0;
    for (const push of steps) {
      if (push) queue.push(`${pushed++}`);
      else taken.push(queue.next());
    }
    queue.end({});
    const expected = taken.map((_, i) => i < pushed ? value(`${i}`) : DONE);
    assertEquals(await Promise.all(taken), expected as unknown[]);
  })));

test("ReceiveQueue counts what is unread, also when it was lent and not asked for again", () => {
  const queue = new ReceiveQueue();
  for (const message of ["", "ab", new Uint8Array(5)]) queue.push(message);
  const all = queue.unread;
  assertEquals(all > 7, true);
  assertEquals(queue.lend(READING)!.length, 3);
  assertEquals(queue.unread, all - 64, "the first of them is being read");
  queue.arrival(READING);
  assertEquals([queue.unread, queue.wanted], [0, true]);
  queue.push("to the waiter");
  assertEquals([queue.ready, queue.wanted], [true, false]);
  assertEquals(queue.lend(READING), ["to the waiter"]);
  assertEquals(queue.unread, 0);
});

test("ReceiveQueue keeps nothing of what was taken: a reader that is always one behind does not make it grow", async () => {
  const queue = new ReceiveQueue();
  queue.push("0");
  for (let i = 1; i <= 5_000; i++) {
    queue.push(`${i}`);
    assertEquals(await queue.next(), value(`${i - 1}`) as IteratorResult<string, undefined>);
  }
  assertEquals(queue.unread < 200, true);
});

test("ReceiveQueue gives its error to who waits, or once to who asks, and then is done", async () => {
  const waiting = new ReceiveQueue();
  const next = waiting.next();
  waiting.end({ error: new Error("lost") });
  await assertRejects(() => next, Error, "lost");
  assertEquals(await waiting.next(), DONE as IteratorResult<string, undefined>);

  const asking = new ReceiveQueue();
  asking.push("last");
  asking.end({ error: new Error("lost") });
  assertEquals(await asking.next(), value("last") as IteratorResult<string, undefined>);
  await assertRejects(() => asking.next(), Error, "lost");
  assertEquals(await asking.next(), DONE as IteratorResult<string, undefined>);
});
