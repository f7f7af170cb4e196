import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { Deadline, SharedTimer } from "../../lib/connection/deadline.ts";
import { type Clock, withClock } from "../support/clock.ts";

/** The most timers that run at once while time passes. */
function mostTimers(clock: Clock, time: number): number {
  let most = 0;
  for (let i = 0; i < time; i++) {
    clock.advance(1);
    most = Math.max(most, clock.timers);
  }
  return most;
}

test("one that waits again when its time has come starts no second timer", () =>
  withClock((clock) => {
    const timer = new SharedTimer();
    let calls = 0;
    const waiting = Array.from({ length: 10 }, () => ({
      due: clock.now + 2,
      expire() {
        calls++;
        this.due = clock.now + 2;
        timer.add(this);
      },
    }));
    for (const who of waiting) timer.add(who);
    const most = mostTimers(clock, 40);
    for (const who of waiting) timer.delete(who);
    assertEquals({ calls, most, after: clock.timers }, { calls: 200, most: 1, after: 0 });
  }));

test("one that stops and waits again when its time has come starts no second timer", () =>
  withClock((clock) => {
    const timer = new SharedTimer();
    let calls = 0;
    const who = {
      due: clock.now + 2,
      expire() {
        calls++;
        this.due = clock.now + 2;
        timer.add(this);
        timer.delete(this);
        timer.add(this);
      },
    };
    timer.add(who);
    const most = mostTimers(clock, 40);
    timer.delete(who);
    assertEquals({ calls, most, after: clock.timers }, { calls: 20, most: 1, after: 0 });
  }));

test("a time of 0 does not keep the event loop from anything else", () =>
  withClock((clock) => {
    let calls = 0;
    const again = () => void (calls++, deadline = new Deadline(0, again));
    let deadline = new Deadline(0, again);
    clock.advance(5);
    deadline.stop();
    assertEquals([calls, clock.timers], [5, 0]);
  }));

test("all are called in the order in which they began to wait, and one that stops another is obeyed", () =>
  withClock((clock) => {
    const timer = new SharedTimer();
    const called: string[] = [];
    const due = clock.now + 5;
    const late = { due: due + 1, expire: () => void called.push("late") };
    const stopped = { due, expire: () => void called.push("stopped") };
    const stopping = {
      due,
      expire() {
        called.push("stopping");
        timer.delete(stopped);
      },
    };
    timer.add(stopping);
    timer.add(stopped);
    clock.advance(1);
    timer.add(late);
    clock.advance(4);
    assertEquals(called, ["stopping"]);
    clock.advance(1);
    assertEquals([called, clock.timers], [["stopping", "late"], 0]);
  }));

test("deadlines of the same time share a timer, and none is left when they have stopped or run", () =>
  withClock((clock) => {
    let ran = 0;
    const stopped = Array.from({ length: 20 }, () => new Deadline(30, () => {}));
    new Deadline(30, () => ran++);
    assertEquals(clock.timers, 1);
    for (const deadline of stopped) deadline.stop();
    assertEquals(clock.timers, 1);
    clock.advance(30);
    assertEquals([ran, clock.timers], [1, 0]);
  }));

test("deadlines of all sorts of times leave nothing: one that is started when another runs is shared, too", () =>
  withClock((clock) => {
    let ran = 0;
    const again = () => new Deadline(7, () => void (++ran < 10 && again()));
    for (let i = 0; i < 5; i++) again();
    new Deadline(Infinity, () => ran++).stop();
    assertEquals(mostTimers(clock, 50), 1);
    assertEquals([ran >= 10, clock.timers], [true, 0]);
  }));
