import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { type QueueTask, queueTask, taskQueueOf } from "../../lib/connection/task.ts";

/** What there is in an environment of each kind: a server's runtime, a browser, and one that has neither. */
const SOURCES = {
  "an immediate": { setImmediate },
  "a message": { MessageChannel },
  "a timer": {},
} as const;

/** Notes when tasks run, and a chain of microtasks that each begins. */
async function run(queue: QueueTask): Promise<string[]> {
  const notes: string[] = [];
  const last = Promise.withResolvers<void>();
  for (const name of ["one", "two", "three"]) {
    queue(async () => {
      notes.push(name);
      for (let i = 0; i < 20; i++) await undefined;
      notes.push(`after ${name}`);
      if (name === "three") last.resolve();
    });
  }
  notes.push("queued");
  await last.promise;
  return notes;
}

for (const [name, sources] of Object.entries(SOURCES)) {
  test(`tasks by ${name} run later, in order`, async () => {
    // A port keeps a process alive that has nothing else to do.
    let channel: MessageChannel | undefined;
    class Channel extends MessageChannel {
      constructor() {
        super();
        channel = this;
      }
    }
    const given = "MessageChannel" in sources ? { MessageChannel: Channel } : sources;
    const notes = await run(taskQueueOf(given));
    // Deno 2.9 runs no microtasks between two messages; it has immediates.
    assertEquals(notes.filter((note) => !note.startsWith("after ")), ["queued", "one", "two", "three"]);
    channel?.port1.close();
  });
}

test("a task by what this runtime has begins when all microtasks of the last have run", async () =>
  assertEquals(await run(queueTask), [
    "queued",
    "one",
    "after one",
    "two",
    "after two",
    "three",
    "after three",
  ]));
