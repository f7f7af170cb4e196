import { timersRunning } from "../support/timers.ts";
import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { Deadline, SharedTimer } from "../../lib/connection/deadline.ts";
import { Keepalive, type KeepaliveQuestions } from "../../lib/connection/keepalive.ts";
import { sleep, until } from "../support/serving.ts";

/** The most timers that run at once until something is so. */
async function mostTimers(condition: () => boolean): Promise<number> {
  let most = 0;
  await until(() => {
    // The one of `until` itself has fired by now.
    most = Math.max(most, timersRunning());
    return condition();
  });
  return most;
}

test("one that waits again when its time has come starts no second timer", async () => {
  const before = timersRunning();
  const timer = new SharedTimer(2);
  let calls = 0;
  const waiting = Array.from({ length: 10 }, () => ({
    expire() {
      calls++;
      timer.add(this);
    },
  }));
  for (const who of waiting) timer.add(who);
  const most = await mostTimers(() => calls >= 200);
  for (const who of waiting) timer.delete(who);
  assertEquals({ most: most - before, after: timersRunning() - before }, { most: 1, after: 0 });
});

test("one that stops and waits again when its time has come starts no second timer", async () => {
  const before = timersRunning();
  const timer = new SharedTimer(2);
  let calls = 0;
  const who = {
    expire() {
      calls++;
      timer.add(this);
      timer.delete(this);
      timer.add(this);
    },
  };
  timer.add(who);
  const most = await mostTimers(() => calls >= 20);
  timer.delete(who);
  assertEquals({ most: most - before, after: timersRunning() - before }, { most: 1, after: 0 });
});

test("a time of 0 does not keep the event loop from anything else", async () => {
  const timer = new SharedTimer(0);
  let calls = 0;
  const who = {
    expire() {
      calls++;
      timer.add(this);
    },
  };
  timer.add(who);
  await until(() => calls >= 5);
  timer.delete(who);
});

test("all are called in the order in which they began to wait, and one that stops another is obeyed", async () => {
  const timer = new SharedTimer(5);
  const called: string[] = [];
  const late = { expire: () => void called.push("late") };
  const stopped = { expire: () => void called.push("stopped") };
  const stopping = {
    expire() {
      called.push("stopping");
      timer.delete(stopped);
    },
  };
  timer.add(stopping);
  timer.add(stopped);
  timer.add(late);
  await until(() => called.includes("late"));
  assertEquals(called, ["stopping", "late"]);
});

const questions = {
  /** The connection is paused: it is asked again and again. */
  paused: { probe() {}, listening: () => false, sending: () => false, dead() {} },
};

function keepalives(ask: KeepaliveQuestions<undefined>, interval: number, timeout: number) {
  return Array.from({ length: 20 }, () => new Keepalive(undefined, ask, { interval, timeout }));
}

test("connections that never expect an answer share one timer for their Pings", async () => {
  const before = timersRunning();
  let pings = 0;
  const all = keepalives({ ...questions.paused, probe: () => void pings++ }, 2, Infinity);
  const most = await mostTimers(() => pings >= 400);
  for (const keepalive of all) keepalive.stop();
  assert(most - before <= 1, `${most - before} timers`);
  assertEquals(timersRunning(), before);
});

test("paused connections share one timer", async () => {
  const before = timersRunning();
  let pings = 0;
  const all = keepalives({ ...questions.paused, probe: () => void pings++ }, 2, 4);
  const most = await mostTimers(() => pings >= 400);
  for (const keepalive of all) keepalive.stop();
  // The first Pings, the first questions and the ones after them are three different times.
  assert(most - before <= 3, `${most - before} timers`);
  assertEquals(timersRunning(), before);
});

test("deadlines of the same time share a timer, and none is left when they have stopped or run", async () => {
  const before = timersRunning();
  const ran = Promise.withResolvers<void>();
  const stopped = Array.from({ length: 20 }, () => new Deadline(30, () => {}));
  new Deadline(30, () => ran.resolve());
  assertEquals(timersRunning(), before + 1);
  for (const deadline of stopped) deadline.stop();
  assertEquals(timersRunning(), before + 1);
  await ran.promise;
  await sleep(0);
  assertEquals(timersRunning(), before);
});
