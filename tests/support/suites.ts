/**
 * Which test files run where, and how each runtime's runner is called.
 *
 * @module
 */
import { globSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Runtime } from "./runtimes.ts";

/** The folders whose tests run on Node alone: they read the sources, or start the other runtimes themselves. */
export const NODE_ONLY: readonly string[] = [
  "architecture",
  "interop",
  "conformance",
  "differential",
  "docs",
  "examples",
  "faults",
  "groups_cluster",
  "hostile",
  "package",
  "runner",
  "proxies",
  "soak",
];

/** The folder of what runs for long, and only with `SLUICE_SOAK=1`. */
const SOAK = "tests/soak/";
const soaking = process.env.SLUICE_SOAK === "1";

/** What each test file has loaded before it. */
const PRELOAD = "./tests/support/checked_pool.ts";

/**
 * How long one test may take, in milliseconds: far more than any needs, because the runners know nothing of the machine's
 * load.
 */
const TEST_TIMEOUT = soaking ? 3_600_000 : 300_000;

/** Some test files on one runtime. */
export interface Suite {
  /** Its name for `--only`. */
  readonly id: Runtime | "extra";
  readonly runtime: Runtime;
  readonly label: string;
  readonly files: readonly string[];
}

/** Lists the suites; `files` are paths from the root, in order, that contain `filter`. */
export function listSuites(root: string, filter: string): Suite[] {
  const all = globSync("tests/**/*_test.ts", { cwd: root }).filter((file) =>
    file.startsWith(SOAK) === soaking
  ).sort();
  const files = all.filter((file) => file.includes(filter));
  const nodeOnly = files.filter((file) => NODE_ONLY.includes(file.split("/")[1]!));
  const everywhere = files.filter((file) => !nodeOnly.includes(file));
  const label = "unit, property, behaviour";
  return [
    { id: "node", runtime: "node", label, files: everywhere },
    { id: "deno", runtime: "deno", label, files: everywhere },
    { id: "bun", runtime: "bun", label, files: everywhere },
    { id: "extra", runtime: "node", label: NODE_ONLY.join(", "), files: nodeOnly },
  ];
}

/** Says how a suite is run so that its JUnit report goes to `report`. */
export function runnerArguments(suite: Suite, report: string): string[] {
  // Bun takes a path without the leading dot for a pattern.
  const files = suite.files.map((file) => `./${file}`);
  switch (suite.runtime) {
    case "node": {
      // Those that start other processes wait for them most of the time.
      const abreast = suite.id === "extra" ? 4 : 2;
      const limits = [`--test-timeout=${TEST_TIMEOUT}`, `--test-concurrency=${abreast}`];
      const readable = ["--test-reporter=spec", "--test-reporter-destination=stdout"];
      const reporter = (name: string) => `--test-reporter=${join(import.meta.dirname, name)}`;
      const counted = [reporter("junit_reporter.ts"), `--test-reporter-destination=${report}`];
      const told = [reporter("progress_reporter.ts"), "--test-reporter-destination=stderr"];
      return ["--test", "--import", PRELOAD, ...limits, ...readable, ...counted, ...told, ...files];
    }
    case "deno":
      return [
        ...["test", "-A", "--no-check", "--no-lock", "--preload", PRELOAD],
        `--junit-path=${report}`,
        ...files,
      ];
    case "bun":
      return [
        ...["test", "--preload", PRELOAD],
        `--timeout=${TEST_TIMEOUT}`,
        "--reporter=junit",
        `--reporter-outfile=${report}`,
        ...files,
      ];
  }
}
