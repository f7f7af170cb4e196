import { assertEquals, assertThrows } from "#std/assert";
import { test } from "node:test";
import { type State, type Step, transition, TRANSITIONS } from "../../lib/protocol/state.ts";

const STATES: readonly State[] = [
  "open",
  "closeSent",
  "closeReceived",
  "violated",
  "closed",
  "failed",
  "lost",
];
const STEPS: readonly Step[] = ["sendClose", "receiveClose", "violate", "fail", "end"];

/** RFC 6455 §7.1, written down once more: what is not here cannot happen. */
const EXPECTED: Readonly<Record<string, State>> = {
  "open sendClose": "closeSent",
  "open receiveClose": "closeReceived",
  "open violate": "violated",
  "open fail": "failed",
  "open end": "lost",
  "closeSent receiveClose": "closed",
  "closeSent fail": "failed",
  "closeSent end": "lost",
  "closeReceived sendClose": "closed",
  "closeReceived fail": "failed",
  "closeReceived end": "lost",
  "violated fail": "failed",
  "violated end": "lost",
  "closed end": "closed",
  "failed end": "failed",
};

for (const state of STATES) {
  for (const step of STEPS) {
    const next = EXPECTED[`${state} ${step}`];
    test(`step ${step} in state ${state} ${next === undefined ? "cannot be taken" : `leads to ${next}`}`, () => {
      if (next !== undefined) assertEquals(transition(state, step), next);
      else assertThrows(() => transition(state, step), Error, `Cannot take step "${step}"`);
    });
  }
}

test("the table knows no other states and steps", () => {
  assertEquals(Object.keys(TRANSITIONS).sort(), [...STATES].sort());
  const steps = Object.values(TRANSITIONS).flatMap((row) => Object.keys(row));
  assertEquals(steps.filter((step) => !(STEPS as readonly string[]).includes(step)), []);
});

for (const state of ["closed", "failed", "lost"] as const) {
  test(`the state ${state} is never left`, () => {
    assertEquals(Object.values(TRANSITIONS[state]).filter((next) => next !== state), []);
  });
}

test("every state but the first is reached, and each leads to an end", () => {
  const reach = (from: State): Set<State> => {
    const found = new Set<State>([from]);
    for (const state of found) for (const next of Object.values(TRANSITIONS[state])) found.add(next);
    return found;
  };
  assertEquals([...reach("open")].sort(), [...STATES].sort());
  for (const state of STATES) {
    assertEquals(
      [...reach(state)].some((end) => end === "closed" || end === "failed" || end === "lost"),
      true,
    );
  }
});
