/**
 * Servers on different runtimes behind one broker.
 *
 * @module
 */

import { assertEquals } from "#std/assert";
import process from "node:process";
import { test } from "node:test";
import { BrokerServer } from "../support/brokers.ts";
import { LONG } from "../support/long.ts";
import { requires } from "../support/requires.ts";
import { type RunningServer, type Runtime, startServer } from "../support/runtimes.ts";
import { sleep } from "../support/serving.ts";
import { Crowd } from "./crowd.ts";

/** How many members each process has, and how many messages there are in all. */
const [MEMBERS, MESSAGES] = LONG ? [1_000, 10_000] as const : [100, 1_000] as const;

const PAIRS: readonly (readonly [Runtime, Runtime])[] = [["node", "bun"], ["node", "deno"]];

for (const broker of ["redis", "nats"] as const) {
  for (const pair of PAIRS) {
    test(
      `${
        pair.join(" and ")
      } behind ${broker}: each message reaches each member once, in its publisher's order`,
      requires(`${broker}-server`),
      async () => {
        const server = await BrokerServer.start(broker);
        const servers: RunningServer[] = [];
        const crowds: Crowd[] = [];
        try {
          for (const runtime of pair) {
            const args = ["--broker", server.url, "--keepalive", "off"];
            servers.push(await startServer(runtime, "tests/servers/echo.ts", args));
          }
          for (const { url } of servers) crowds.push(await Crowd.connect(Number(new URL(url).port), MEMBERS));
          await sleep(200); // The 101 is a moment ahead of the subscription.
          await exchange(crowds);
          assertEquals(servers.map((each) => each.output().includes("failed")), [false, false]);
        } finally {
          for (const crowd of crowds) crowd.destroy();
          for (const each of servers) await each.stop();
          await server.stop();
        }
      },
    );
  }
}

/** Publishes from one member of each crowd, and holds every member to what it must have. */
async function exchange(crowds: readonly Crowd[]): Promise<void> {
  const count = MESSAGES / crowds.length;
  const members = crowds.flatMap(({ members }) => members);
  const wanted = crowds.map(() => count);
  const complete = () => members.every(({ next }) => wanted.every((count, i) => next[i] === count));
  const started = performance.now();
  await Promise.all(crowds.map(({ members }, i) => members[0]!.publish(i, count)));
  for (let waited = 0; waited < 120_000 && !complete(); waited += 20) await sleep(20);
  const took = performance.now() - started;
  // What might come twice would come now.
  await sleep(200);
  assertEquals(members.flatMap(({ faults }) => faults).slice(0, 5), []);
  assertEquals(
    members.filter(({ next }) => next.join() !== wanted.join()).length,
    0,
    "members missed messages",
  );
  if (process.env.SLUICE_FIGURES === "1") {
    console.log(`# ${members.length * MESSAGES} deliveries in ${Math.round(took)} ms`);
  }
}
