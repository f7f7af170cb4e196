import { test } from "node:test";
import { assertEquals, assertRejects } from "#std/assert";
import { Groups } from "../../lib/groups/mod.ts";
import { echo, receive, serving, sleep } from "../support/serving.ts";
import { UPGRADE, Wire } from "../support/wire.ts";

/** Runs something and returns what it prints as errors. */
async function printed(run: () => Promise<void>): Promise<unknown[][]> {
  const print = console.error;
  const lines: unknown[][] = [];
  console.error = (...values) => lines.push(values);
  try {
    await run();
    // A rejection that nobody handles ends the process, a turn later at most.
    await sleep(20);
  } finally {
    console.error = print;
  }
  return lines;
}

test("an onError that rejects ends nothing: both errors are printed", async () => {
  const failure = new Error("rejected by onError");
  const lines = await printed(() =>
    serving(
      { authorize: () => Promise.reject(new Error("on purpose")), onError: () => Promise.reject(failure) },
      echo,
      async ({ port }) => {
        const wire = await Wire.open(port);
        wire.send(UPGRADE);
        assertEquals((await wire.head()).split(" ")[1], "500");
        wire.destroy();
      },
    )
  );
  assertEquals(lines.map(([, error]) => (error as Error).message), ["on purpose", "rejected by onError"]);
});

test("groups: an onError that rejects ends nothing", async () => {
  let told = 0;
  const groups = new Groups({
    onError: () => {
      told++;
      return Promise.reject(new Error("rejected by onError"));
    },
  });
  await groups.publish("lobby", 5 as never);
  await sleep(20);
  assertEquals(told, 1);
});

test("a chooser of protocols that is async is a fault of the server's, and its rejection ends nothing", async () => {
  const told: string[] = [];
  const protocols = (() => Promise.reject(new Error("rejected by protocols"))) as never;
  const onError = (error: unknown) => told.push((error as Error).message);
  await serving({ protocols, onError }, echo, async ({ port }) => {
    const wire = await Wire.open(port);
    wire.send(UPGRADE.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n"));
    assertEquals((await wire.head()).split(" ")[1], "500");
    wire.destroy();
    await sleep(20);
  });
  assertEquals(told, ["Cannot choose protocol: protocols returned a promise, it has to choose at once"]);
});

test("what is no message is refused by the writable with what was expected", () =>
  serving({}, echo, async ({ open }) => {
    for (const wrong of [{ a: 1 }, 5, null, undefined, { byteLength: "much" }]) {
      const socket = await open();
      const writer = socket.writable.getWriter();
      writer.closed.catch(() => {});
      await assertRejects(
        () => writer.write(wrong as never),
        TypeError,
        "it must be a string, an ArrayBuffer or a view of one, not",
      );
    }
    const socket = await open();
    await socket.writable.getWriter().write("fine");
    assertEquals(await receive(socket), "fine");
  }));
