// A suite for `runner_test.ts`: one test passes, one fails, and one never ends.

import { test } from "node:test";

test("passes", () => {});

test("fails", () => {
  throw new Error("as it should");
});

test("never ends", () => new Promise((resolve) => setTimeout(resolve, 1_000_000)));
