/**
 * What becomes of groups when a broker or a process dies.
 *
 * @module
 */

import { assert, assertEquals } from "#std/assert";
import { test } from "node:test";
import { LONG } from "../support/long.ts";
import { sleep, until } from "../support/serving.ts";
import { layers, type Process, TTL } from "./layers.ts";
import { Member } from "./member.ts";
import { slowdown } from "../support/patience.ts";

/** How long a broker is frozen, in milliseconds, and how many join while it is away. */
const FROZEN = LONG ? 20_000 : 1_000;
const JOINS = LONG ? 1_000 : 200;

/** Publishes a numbered message every few milliseconds, until it is told to stop; returns how many. */
function publishOn({ groups }: Process, from: string): () => number {
  let count = 0;
  const timer = setInterval(() => groups.publish("room", `${from} ${count++}`), 5);
  return () => {
    clearInterval(timer);
    return count;
  };
}

/** The numbers of the messages from one publisher, in the order in which they came. */
function numbersOf(member: Member, from: string): number[] {
  return member.received.map((message) => `${message}`.split(" "))
    .filter(([publisher]) => publisher === from).map(([, number]) => Number(number));
}

function countTo(end: number): number[] {
  return Array.from({ length: end }, (_, i) => i);
}

/** Tries again and again, for up to ten seconds. */
async function untilDone(attempt: () => Promise<boolean>): Promise<void> {
  for (let i = 0; !await attempt(); i++) {
    if (i === 1_000) throw new Error("It never became so");
    await sleep(10);
  }
}

for (const { name, options, run } of layers.filter(({ remote }) => remote)) {
  test(
    `groups over ${name}: a broker that is killed and comes back costs only what is reported`,
    options,
    () =>
      run(async ({ start, server }) => {
        const [here, there] = [await start(), await start()];
        const [near, far] = [new Member(), new Member()];
        await here.groups.join("room", near);
        await there.groups.join("room", far);
        const stop = publishOn(here, "here");
        await until(() => far.received.length > 10);
        await server!.kill();
        await sleep(500);
        // A group that someone joins meanwhile is subscribed to when the broker is back; nobody waits for that.
        const late = new Member();
        await there.groups.join("late", late);
        const before = numbersOf(near, "here").length;
        await sleep(200);
        assert(numbersOf(near, "here").length > before, "local delivery stopped");
        const seen = far.received.length;
        await server!.resume();
        const resumed = performance.now();
        await until(() => far.received.length > seen);
        assert(performance.now() - resumed < 5_000 * slowdown());
        await sleep(100);
        const count = stop();
        await here.groups.publish("late", "Welcome");
        await until(() => late.received.length === 1);
        await until(() => numbersOf(far, "here").at(-1) === count - 1);
        assertEquals(numbersOf(near, "here"), countTo(count));
        const arrived = numbersOf(far, "here");
        assertEquals(arrived, [...new Set(arrived)].sort((a, b) => a - b), "out of order, or twice");
        assertEquals(there.groups.counts.missed, count - arrived.length);
        // What nobody knows of may be counted although it arrived, or never be subscribed to in time; no more than that.
        const { lost } = here.groups.counts;
        const publishing = here.reported.filter(({ context }) => context.stage === "publish");
        assertEquals(publishing.length, lost);
        assert(lost > 50, `${lost} were lost`);
        assertEquals(publishing[0]!.context, { stage: "publish", group: "room" });
        assert(
          there.reported.some(({ context }) => context.stage === "subscribe"),
          "the gap was not reported",
        );
      }),
  );

  test(
    `groups over ${name}: while a broker is frozen each call ends within its limit, and all is well afterwards`,
    options,
    () =>
      run(async ({ start, server }) => {
        const [here, there] = [await start({ timeout: 300 }), await start({ timeout: 300 })];
        const [near, far, late] = [new Member(), new Member(), new Member()];
        await here.groups.join("room", near, { as: "ann" });
        await there.groups.join("room", far);
        server!.freeze();
        await sleep(50); // until all its threads have stopped
        const frozen = performance.now();
        await Promise.all([
          here.groups.join("late", late),
          here.groups.publish("room", "while it is frozen"),
          here.groups.sendTo("bob", "hello"),
          here.groups.presence("room"),
        ]);
        const took = performance.now() - frozen;
        assertEquals(near.received, ["while it is frozen"]);
        const stages = new Set(
          here.reported.filter(({ error }) => (error as { code?: string }).code === "broker-timeout")
            .map(({ context }) => context.stage),
        );
        assertEquals([...stages].filter((stage) => stage !== "presence").sort(), ["publish", "subscribe"]);
        await sleep(FROZEN - took);
        server!.thaw();
        await untilDone(async () => {
          await there.groups.publish("late", "are you there?");
          return late.received.length > 0;
        });
        far.received.length = 0;
        await here.groups.publish("room", "afterwards");
        await until(() => far.received.includes("afterwards"));
        await sleep(50);
        assertEquals(far.received.filter((message) => message === "afterwards").length, 1);
      }),
  );

  test(
    `groups over ${name}: of those who join while the broker is killed and restarted, all hear each message once`,
    options,
    () =>
      run(async ({ start, server }) => {
        const [here, there] = [await start(), await start()];
        const members = Array.from({ length: JOINS }, () => new Member());
        const killed = sleep(20).then(() => server!.kill()).then(() => sleep(100)).then(() =>
          server!.resume()
        );
        for (const [i, member] of members.entries()) {
          void there.groups.join(`group ${i}`, member);
          if (i % 10 === 0) await sleep(1);
        }
        await killed;
        const left = new Set(members.keys());
        await untilDone(async () => {
          for (const i of left) {
            if (members[i]!.received.length > 0) left.delete(i);
            else await here.groups.publish(`group ${i}`, "probe");
          }
          await sleep(50);
          return left.size === 0;
        });
        for (const member of members) member.received.length = 0;
        for (const i of members.keys()) await here.groups.publish(`group ${i}`, `to ${i}`);
        await until(() => members.every(({ received }) => received.length > 0));
        await sleep(100);
        assertEquals(members.map(({ received }) => received), members.map((_, i) => [`to ${i}`]));
      }),
  );

  test(
    `groups over ${name}: a process that dies is present no longer than an entry lives`,
    options,
    () =>
      run(async ({ start }) => {
        const [here, there] = [await start(), await start()];
        await here.groups.join("room", new Member(), { as: "ann" });
        await there.groups.join("room", new Member(), { as: "bob" });
        const names = async () => (await here.groups.presence("room")).names.join();
        for (const started = performance.now(); await names() !== "ann,bob";) {
          assert(performance.now() - started < 5_000 * slowdown());
        }
        await there.die();
        const died = performance.now();
        assertEquals(await names(), "ann,bob");
        while (await names() !== "ann") {
          assert(performance.now() - died < TTL + 1_500 * slowdown(), "it is still there");
          await sleep(20);
        }
        assertEquals(await here.groups.presence("room"), { size: 1, names: ["ann"] });
      }),
  );
}
