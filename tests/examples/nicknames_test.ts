import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { once } from "node:events";
import { WebSocket } from "ws";
import { BrokerServer } from "../support/brokers.ts";
import { requires } from "../support/requires.ts";
import type { Runtime } from "../support/runtimes.ts";
import { type Program, startDemo } from "./program.ts";
import { Visitor } from "./visitor.ts";

const [ADA, EVE, GRACE] = ["ada's key ".repeat(3), "eve's key ".repeat(3), "grace's key ".repeat(3)] as const;

/** Runs a test with two processes of the demo that share a broker, or with one that has none. */
async function withProcesses(
  name: "redis" | "nats" | undefined,
  runtimes: readonly Runtime[],
  test: (visit: (process: number, path?: string) => Visitor) => Promise<void>,
): Promise<void> {
  const broker = name === undefined ? undefined : await BrokerServer.start(name);
  const programs: Program[] = [];
  const visitors: Visitor[] = [];
  try {
    const urls: string[] = [];
    for (const runtime of runtimes) {
      const { program, url } = await startDemo(runtime, broker === undefined ? [] : ["--broker", broker.url]);
      programs.push(program);
      urls.push(url);
    }
    await test((process, path) => {
      visitors.push(new Visitor(urls[process]!, path));
      return visitors.at(-1)!;
    });
  } finally {
    for (const { socket } of visitors) socket.terminate();
    for (const program of programs) await program.stop("SIGKILL");
    await broker?.stop();
  }
}

for (const [name, ...runtimes] of [["redis", "node", "bun"], ["nats", "deno", "node"]] as const) {
  const places = `on ${runtimes.join(" and ")} with ${name}`;

  test(
    `nicknames ${places}: one is its owner's in all processes, and so are its direct messages`,
    requires(`${name}-server`),
    () =>
      withProcesses(name, runtimes, async (visit) => {
        const [ada, eve, grace] = [visit(0), visit(1), visit(1)];
        assertEquals(await ada.enter("Ada", ADA), "welcome");
        assertEquals(await grace.enter("Grace", GRACE), "welcome");
        for (const name of ["Ada", " Ada ", "A\u200Bda", "\uFF21da"]) {
          assertEquals(await eve.enter(name, EVE), "refused", name);
        }
        assertEquals(await eve.enter("Ada", ""), "refused");
        await grace.until(() =>
          grace.told.some(({ type, names }) => type === "people" && (names as string[]).includes("Ada"))
        );
        await grace.send({ text: "/to Ada for you alone" });
        await ada.until(() => ada.direct.length > 0);
        assertEquals([ada.direct, eve.direct], [["for you alone"], []]);

        // Her own page, by the other process: it takes over, and the old connection ends.
        const again = visit(1);
        assertEquals(await again.enter("Ada", ADA), "welcome");
        assertEquals(await ada.closed, 4000);
        await grace.send({ text: "/to Ada here too" });
        await again.until(() => again.direct.length > 0);
        assertEquals(again.direct, ["here too"]);

        // Once she has left, the name is free.
        again.socket.close();
        const left = () => grace.told.some(({ type, text }) => type === "notice" && text === "Ada left");
        await grace.until(left);
        while (await eve.enter("Ada", EVE) !== "welcome");
      }),
  );

  test(
    `nicknames ${places}: of two who ask at once never do both get one`,
    requires(`${name}-server`),
    () =>
      withProcesses(name, runtimes, async (visit) => {
        const pairs = Array.from({ length: 8 }, (_, i) => [visit(0), visit(1), `Name ${i}`] as const);
        await Promise.all(
          pairs.flatMap(([one, other]) => [once(one.socket, "open"), once(other.socket, "open")]),
        );
        await Promise.all(pairs.map(async ([one, other, name]) => {
          const answers = await Promise.all([one.enter(name, ADA), other.enter(name, EVE)]);
          assert(answers.includes("refused"), `${name}: ${answers}`);
        }));
      }),
  );

  test(
    `devices ${places}: of two that come at once never do both get a name`,
    requires(`${name}-server`),
    () =>
      withProcesses(name, runtimes, async (visit) => {
        const pairs = Array.from({ length: 8 }, (_, i) =>
          [0, 1].map((at) => visit(at, `devices?name=lamp${i}`)));
        for (const pair of pairs) {
          const ends = await Promise.all(pair.map((device) =>
            Promise.race([
              device.closed.then(() =>
                "refused"
              ),
              device.until(() => device.told.some(({ type }) => type === "welcome")).then(() => "welcome"),
            ])
          ));
          assert(ends.includes("refused"), String(ends));
        }
      }),
  );
}

test("nicknames in one process: who shows no key, or a short one, takes over nobody", () =>
  withProcesses(undefined, ["node"], async (visit) => {
    for (const key of ["", "short"]) {
      const [ada, eve] = [visit(0), visit(0)];
      assertEquals(await ada.enter(`Ada ${key}`, key), "welcome");
      assertEquals(await eve.enter(`Ada ${key}`, key), "refused");
      assertEquals(ada.socket.readyState, WebSocket.OPEN);
    }
  }));
