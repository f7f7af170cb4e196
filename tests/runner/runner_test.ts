import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "#std/assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { Patience, slowdown } from "../support/patience.ts";
import { runSuite } from "../support/run_suite.ts";
import { runtimes } from "../support/runtimes.ts";

/** How long the suite may take, in milliseconds: enough to start. */
const TIMEOUT = 2_000;

for (const runtime of runtimes) {
  test(`runner: a suite on ${runtime} that runs out of time says what ran`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-runner-"));
    try {
      const files = ["tests/runner/never_ends.ts"];
      const outcome = await runSuite({ id: runtime, runtime, label: "never ends", files }, {
        root: resolve(import.meta.dirname!, "../.."),
        env: { ...process.env, NODE_TEST_CONTEXT: undefined, NO_COLOR: "1", FORCE_COLOR: undefined },
        timeout: TIMEOUT,
        report: join(folder, "report.xml"),
        runtime,
        onProgress: () => {},
      });
      assertEquals(outcome.tests.map(({ name, status }) => [name, status]), [
        ["passes", "passed"],
        ["fails", "failed"],
      ]);
      assertEquals([outcome.passed, outcome.whole], [1, false]);
      assertEquals(outcome.problems.length, 1);
      assertMatch(
        outcome.problems[0]!,
        /2 tests of 1 of 1 files, 1 failed, now at tests\/runner\/never_ends/,
      );
      assert(outcome.seconds * 1_000 >= TIMEOUT);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

test("runner: a limit passes no faster than the clock, and more slowly the more there is to do", async () => {
  const [patience, start] = [new Patience(200), performance.now()];
  while (!patience.isOver) await new Promise((resolve) => setTimeout(resolve, 5));
  assert(performance.now() - start >= 195); // timers may be early by a fraction
  assert(slowdown() >= 1);
});
