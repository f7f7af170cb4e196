import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assert, assertEquals, assertRejects } from "#std/assert";
import type { IncomingMessage } from "../../mod.ts";
import { MessageInbox } from "../../lib/streams/message_inbox.ts";

const ignore = () => {};

/** Puts in a message of bytes: the parts it has; `last` completes it. */
function put(inbox: MessageInbox, parts: readonly Uint8Array[], { first = true, last = true } = {}): void {
  parts.forEach((data, i) => {
    inbox.part({ data, first: first && i === 0, last: last && i === parts.length - 1 });
  });
}

async function take(inbox: MessageInbox) {
  return (await inbox.next()).value!;
}

function byobReader({ readable }: { readable: ReadableStream<string | Uint8Array> }) {
  return (readable as ReadableStream<Uint8Array<ArrayBuffer>>).getReader({ mode: "byob" });
}

/** Puts in a message of two parts of ten bytes; lists those of them whose memory is given back. */
function putLent(inbox: MessageInbox): number[] {
  const back: number[] = [];
  for (const i of [0, 1]) {
    const lender = { giveBack: () => void back.push(i) };
    inbox.part({ data: new Uint8Array(10), first: i === 0, last: i === 1, lender });
  }
  return back;
}

test("memory is given back once, when what lies in it is read, also what a small reader left", async () => {
  const inbox = new MessageInbox(ignore);
  const back = putLent(inbox);
  const reader = byobReader(await take(inbox));
  for (const expected of [[], [0], [0], [0, 1]]) {
    await reader.read(new Uint8Array(5));
    assertEquals(back, expected);
  }
});

test("memory is given back once, when what lies in it is thrown away", async () => {
  const inbox = new MessageInbox(ignore);
  const back = putLent(inbox);
  const reader = byobReader(await take(inbox));
  await reader.read(new Uint8Array(5));
  assertEquals(back, []);
  await reader.cancel();
  assertEquals(back, [0, 1]);
});

test("memory of what still comes of a message that was thrown away is given back at once", async () => {
  const inbox = new MessageInbox(ignore);
  put(inbox, [new Uint8Array(1)], { last: false });
  await (await take(inbox)).readable.cancel();
  let back = 0;
  const lender = { giveBack: () => void back++ };
  inbox.part({ data: new Uint8Array(1), first: false, last: true, lender });
  assertEquals(back, 1);
});

test("a message that is complete is waited for all the same, as long as somebody reads it", async () => {
  const inbox = new MessageInbox(ignore);
  put(inbox, [new Uint8Array(1), new Uint8Array(1)]);
  put(inbox, [new Uint8Array(1)]);
  const reader = (await take(inbox)).readable.getReader();
  let came = false;
  const next = take(inbox).finally(() => came = true);
  for (let i = 0; i < 2; i++) {
    await sleep(0);
    assert(!came, `after ${i} parts`);
    await reader.read();
  }
  await next;
});

test("a message that nobody reads is gone when the next is asked for, and so is what still comes of it", async () => {
  const inbox = new MessageInbox(ignore);
  put(inbox, [new Uint8Array(5)], { last: false });
  const lost = await take(inbox);
  const next = take(inbox);
  await sleep(0);
  put(inbox, [new Uint8Array(5)], { first: false, last: false });
  assertEquals(inbox.unread, 0);
  put(inbox, [new Uint8Array(5)], { first: false });
  put(inbox, [Uint8Array.of(7)]);
  assertEquals(await (await next).bytes(), Uint8Array.of(7));
  await assertRejects(() => lost.bytes(), TypeError, "thrown away");
  await assertRejects(() => lost.readable.getReader().read(), TypeError);
});

test("a message that was read in part and thrown away fails, for whoever reads on", async () => {
  for (const text of [false, true]) {
    const inbox = new MessageInbox(ignore);
    const part = text ? "one" : new Uint8Array(3);
    inbox.part({ data: part, first: true, last: false });
    const lost = await take(inbox);
    const reader = lost.readable.getReader();
    await reader.read();
    reader.releaseLock();
    inbox.part({ data: part, first: false, last: true });
    inbox.part({ data: part, first: true, last: true });
    assertEquals((await (await take(inbox)).bytes()).length, 3);
    await assertRejects(() => lost.readable.getReader().read(), TypeError, "thrown away");
    await assertRejects(() => lost.text(), TypeError, "before");
  }
});

test("a message that was read, in part or in whole, does not read as a whole again", async () => {
  const readOnce: Record<string, (message: IncomingMessage) => unknown> = {
    "as text": (message) => message.text(),
    "as bytes": (message) => message.bytes(),
    "by a reader": async ({ readable }) => {
      for await (const _ of readable);
    },
    "in part": async ({ readable }) => {
      const reader = readable.getReader();
      await reader.read();
      reader.releaseLock();
    },
    "by a reader that waits": ({ readable }) => void readable.getReader().read(),
    "by a pipe": ({ readable }) => void readable.pipeTo(new WritableStream()),
    "by a cancel": ({ readable }) => readable.cancel(),
  };
  for (const [how, read] of Object.entries(readOnce)) {
    const inbox = new MessageInbox(ignore);
    put(inbox, [new Uint8Array(3), new Uint8Array(4)]);
    const message = await take(inbox);
    await read(message);
    await assertRejects(() => message.text(), TypeError, "before", how);
    await assertRejects(() => message.bytes(), TypeError, "before", how);
  }
});

test("what one reader left, another reads; who cancels gets a clean end", async () => {
  const inbox = new MessageInbox(ignore);
  put(inbox, [Uint8Array.of(1), Uint8Array.of(2)]);
  put(inbox, [Uint8Array.of(3), Uint8Array.of(4)]);
  const first = (await take(inbox)).readable;
  const reader = first.getReader();
  assertEquals((await reader.read()).value, Uint8Array.of(1));
  reader.releaseLock();
  const rest: unknown[] = [];
  for await (const part of first) rest.push(part);
  assertEquals(rest, [Uint8Array.of(2)]);
  const second = (await take(inbox)).readable;
  await second.cancel();
  assertEquals((await second.getReader().read()).done, true);
});

/** Ways to let go of a message that somebody was reading. */
const leaving: Record<string, (readable: ReadableStream<string | Uint8Array>) => Promise<unknown>> = {
  "a reader is released": async (readable) => {
    const reader = readable.getReader();
    await reader.read();
    await sleep(40);
    reader.releaseLock();
  },
  "a loop that does not cancel is left": async (readable) => {
    for await (const _ of readable.values({ preventCancel: true })) {
      await sleep(40);
      break;
    }
  },
  "a pipe that does not cancel fails": async (readable) => {
    const full = new WritableStream({ write: () => sleep(40).then(() => Promise.reject(new Error("full"))) });
    await readable.pipeTo(full, { preventCancel: true }).catch(() => {});
  },
};

for (const [what, leave] of Object.entries(leaving)) {
  test(`the next message was asked for when ${what}: it comes all the same`, () =>
    whileAlive(async () => {
      const inbox = new MessageInbox(ignore);
      put(inbox, [Uint8Array.of(1), Uint8Array.of(2)], { last: false });
      const { readable } = await take(inbox);
      const left = leave(readable);
      await sleep(0);
      const next = take(inbox);
      await left;
      put(inbox, [Uint8Array.of(3)], { first: false });
      put(inbox, [Uint8Array.of(4)]);
      assertEquals(await (await next).bytes(), Uint8Array.of(4));
      await assertRejects(() => readable.getReader().read(), TypeError, "thrown away");
    }));
}

test("the next message was asked for when a reader that waits is released: it comes, and so does what was waited for", () =>
  whileAlive(async () => {
    const inbox = new MessageInbox(ignore);
    put(inbox, [Uint8Array.of(1)], { last: false });
    const { readable } = await take(inbox);
    const reader = readable.getReader();
    await reader.read();
    reader.read().catch(ignore);
    const next = take(inbox);
    await sleep(0);
    reader.releaseLock();
    put(inbox, [Uint8Array.of(2)], { first: false });
    put(inbox, [Uint8Array.of(3)]);
    assertEquals((await readable.getReader().read()).value, Uint8Array.of(2));
    assertEquals(await (await next).bytes(), Uint8Array.of(3));
  }));

/** Runs something while the process is kept from ending, as it is by an open connection. */
async function whileAlive(run: () => Promise<void>): Promise<void> {
  const alive = setInterval(ignore, 1_000);
  await run().finally(() => clearInterval(alive));
}

test("an empty message that waits counts too: any number of them would take any amount of memory", async () => {
  const inbox = new MessageInbox(ignore);
  for (let i = 0; i < 1_000; i++) put(inbox, [new Uint8Array(0)]);
  assert(inbox.unread >= 64_000, `${inbox.unread} bytes`);
  for (let i = 0; i < 1_000; i++) assertEquals(await (await take(inbox)).text(), "");
  assertEquals(inbox.unread, 0);
});
