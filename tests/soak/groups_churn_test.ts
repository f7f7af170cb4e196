import { assert, assertEquals } from "#std/assert";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { runtimes } from "../support/runtimes.ts";

const FLAGS = {
  node: ["--expose-gc"],
  deno: ["run", "-A", "--no-check", "--v8-flags=--expose-gc"],
  bun: [],
} as const;

for (const runtime of runtimes) {
  test(`${runtime}: a million joins and leaves leave the heap as it was`, () => {
    const args = [...FLAGS[runtime], "tests/soak/groups_churn.ts", "1000000"];
    const output = execFileSync(runtime, args, { encoding: "utf8" });
    const { before, after, left } = JSON.parse(output);
    console.log(`# ${runtime}: ${before} bytes before, ${after} after, ${(after / before).toFixed(3)}`);
    assertEquals(left, 0);
    assert(after <= before * 1.05, output);
  });
}
