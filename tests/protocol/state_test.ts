import { assertEquals, assertThrows } from "#std/assert";
import { test } from "node:test";
import { LIFE, type State, type Step, transition } from "../../lib/protocol/state.ts";

const STEPS: readonly Step[] = [
  "sendClose",
  "receiveClose",
  "violate",
  "fail",
  "allRead",
  "flushed",
  "peerEnded",
  "late",
  "abort",
  "lost",
];

/** RFC 6455 §7.1, written down once more: what is not here cannot happen, or changes nothing. */
const EXPECTED: Readonly<Record<State, string>> = {
  open:
    "sendClose closeSent, receiveClose closeReceived, violate violated, fail failed, peerEnded finishing," +
    " abort cut, lost lost",
  closeSent: "receiveClose closed, fail failed, peerEnded finishing, late cut, abort cut, lost gone",
  closeReceived:
    "sendClose closed, allRead closed, late closed, fail failed, peerEnded unanswered, abort cut, lost gone",
  violated:
    "sendClose failed, allRead failed, late failed, fail failed, peerEnded unanswered, abort cut, lost gone",
  unanswered: "sendClose finishing, allRead finishing, late finishing, fail finishing, abort cut, lost gone",
  closed: "flushed halfClosed, peerEnded finishing, late cut, abort cut, lost gone",
  failed: "flushed halfClosed, peerEnded finishing, late cut, abort cut, lost gone",
  halfClosed: "peerEnded ended, late cut, abort cut, lost gone",
  finishing: "flushed ended, late cut, abort cut, lost gone",
  ended: "lost gone",
  cut: "lost gone",
  lost: "fail gone, allRead gone",
  gone: "",
};

const STATES = Object.keys(EXPECTED) as State[];

for (const state of STATES) {
  const steps = new Map(EXPECTED[state].split(", ").map((step) => step.split(" ") as [string, State]));
  for (const step of STEPS) {
    const next = steps.get(step);
    test(`step ${step} in state ${state} ${next === undefined ? "cannot be taken" : `leads to ${next}`}`, () => {
      if (next !== undefined) assertEquals(transition(LIFE[state], step).state, next);
      else assertThrows(() => transition(LIFE[state], step), Error, `Cannot take step "${step}"`);
    });
  }
}

test("the table knows no other states and steps", () => {
  assertEquals(Object.keys(LIFE).sort(), [...STATES].sort());
  const steps = Object.values(LIFE).flatMap(({ steps }) => Object.keys(steps));
  assertEquals(steps.filter((step) => !(STEPS as readonly string[]).includes(step)), []);
});

/** All states that can be reached. */
function reach(from: State): Set<State> {
  const found = new Set<State>([from]);
  for (const state of found) for (const next of Object.values(LIFE[state].steps)) found.add(next);
  return found;
}

test("every state is reached from the first, and leads to the last", () => {
  assertEquals([...reach("open")].sort(), [...STATES].sort());
  for (const state of STATES) assertEquals(reach(state).has("gone"), true, state);
});

test("no state is reached twice: a life has no loops", () => {
  for (const state of STATES) {
    for (const next of Object.values(LIFE[state].steps)) assertEquals(reach(next).has(state), false, state);
  }
});

test("what is over stays over, and nothing is sent or taken back after that", () => {
  for (const { over, sends, shutdown, destroy, steps } of Object.values(LIFE)) {
    assertEquals(over && sends, false);
    for (const next of Object.values(steps)) {
      if (over) assertEquals(LIFE[next].over, true);
      if (next === "gone" || next === "cut") continue;
      assertEquals([shutdown && !LIFE[next].shutdown, destroy && !LIFE[next].destroy], [false, false]);
    }
  }
});

test("a connection that waits for its end has a deadline, unless it is freed", () => {
  for (const { state, deadline, destroy } of Object.values(LIFE)) {
    const waits = state !== "open" && state !== "lost" && state !== "gone" && !destroy;
    assertEquals(deadline !== undefined, waits, state);
    assertEquals("late" in LIFE[state].steps, waits, state);
  }
});
