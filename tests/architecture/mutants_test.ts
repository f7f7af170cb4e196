import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { faultsOf, mutants } from "../mutants/check.ts";
import { root } from "./source.ts";

test("mutants: the table fits the sources", () => {
  assertEquals(faultsOf(root), []);
});

test("mutants: a text that is gone, a name that is taken and a test that is not there are found", () => {
  const [first] = mutants;
  const broken = { ...first!, find: "no such guard", tests: ["tests/no_test.ts"] };
  assertEquals(faultsOf(root, [first!, broken]).map((fault) => fault.split(": ").at(-1)), [
    "its text occurs 0 times",
    "its name is taken",
    "there is no tests/no_test.ts",
  ]);
});

test("mutants: there are 60 guards at least, and few that no test can miss", () => {
  assert(mutants.length >= 60, `there are ${mutants.length}`);
  assert(mutants.filter(({ survives }) => survives !== undefined).length <= mutants.length / 10);
});
