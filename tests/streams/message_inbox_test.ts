import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assert, assertEquals } from "#std/assert";
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

test("memory is told of while something in it waits, also what a small reader left", async () => {
  const inbox = new MessageInbox(ignore);
  const [one, two] = [new Uint8Array(10), new Uint8Array(10)];
  put(inbox, [one, two]);
  const holds = () => [one, two].map(({ buffer }) => inbox.holds(buffer));
  assertEquals(holds(), [true, true]);
  const reader = byobReader(await take(inbox));
  for (const expected of [[true, true], [false, true], [false, true], [false, false]]) {
    await reader.read(new Uint8Array(5));
    assertEquals(holds(), expected);
  }
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
  assertEquals(await lost.bytes(), new Uint8Array(0));
});
