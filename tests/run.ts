/**
 * Runs every test on every runtime and adds up: `npm test`.
 *
 * `npm test -- [--only node|deno|bun|extra] [PATH-SUBSTRING]` runs a part. Environment: `CI=true` makes a skip a
 * failure, `SLUICE_SEED` repeats the random input of a run, `SLUICE_RUNS` multiplies it, `SLUICE_SUITE_TIMEOUT`
 * is the time that one suite may take on an idle machine, in seconds (540); where more is to do it may take longer.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { differences, type Outcome, runSuite } from "./support/run_suite.ts";
import type { Runtime } from "./support/runtimes.ts";
import { listSuites, type Suite } from "./support/suites.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: "string", multiple: true } },
});
/** What runs side by side: the runners of Deno and Bun take one file at a time, and files wait as well as work. */
const LANES: readonly (readonly Suite["id"][])[] = [["node", "extra"], ["deno", "bun"]];

/** How many of the slowest tests are named. */
const SLOWEST = 5;

const root = resolve(import.meta.dirname, "..");
const filter = positionals[0] ?? "";
const seed = process.env.SLUICE_SEED || String(crypto.getRandomValues(new Int32Array(1))[0]);
const timeout = Number(process.env.SLUICE_SUITE_TIMEOUT || 540) * 1000;
const all = listSuites(root, filter);
const unknown = values.only?.find((id) => !all.some((suite) => suite.id === id));
if (unknown !== undefined) {
  throw new RangeError(`Cannot run ${unknown}: --only takes node, deno, bun or extra`);
}
const chosen = all.filter((suite) => values.only?.includes(suite.id) ?? true);
// A filter may well leave a suite without files; the whole run must not.
const suites = filter === "" ? chosen : chosen.filter((suite) => suite.files.length > 0);

const folder = mkdtempSync(join(tmpdir(), "sluice-tests-"));
const env: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: [join(root, "node_modules/.bin"), process.env.PATH].join(delimiter),
  NO_COLOR: "1",
  FORCE_COLOR: undefined,
  NODE_TEST_CONTEXT: undefined,
  SLUICE_SEED: seed,
  SLUICE_CHECKED_POOL: "1",
  // Hundreds of processes of Node load the same sources: 0.66 s of processor for the server's, and 0.17 from the cache.
  NODE_COMPILE_CACHE: join(folder, "compiled"),
};

console.log(`Seed ${seed}: SLUICE_SEED=${seed} npm test repeats the random input of this run\n`);
const outcomes: Outcome[] = [];
try {
  await Promise.all(LANES.map(runLane));
} finally {
  rmSync(folder, { recursive: true });
}
report();

/** Runs the suites of a lane one after the other. */
async function runLane(ids: readonly Suite["id"][]): Promise<void> {
  for (const suite of suites.filter(({ id }) => ids.includes(id))) outcomes.push(await run(suite));
}

async function run(suite: Suite): Promise<Outcome> {
  const runtime = versionOf(suite.runtime);
  const report = join(folder, `${suite.id}.xml`);
  const { label, files } = suite;
  const begun = performance.now();
  const onProgress = (words: string) => {
    const seconds = ((performance.now() - begun) / 1000).toFixed(0);
    console.log(`${runtime}, ${suite.id}, ${seconds} s: ${words}`);
  };
  console.log(`${runtime}, ${label}: ${files.length} files`);
  const outcome = await runSuite(suite, { root, env, timeout, report, runtime, onProgress });
  const seconds = outcome.seconds.toFixed(1);
  console.log(`${runtime}, ${label}: ${files.length} files ... ${counts(outcome)} (${seconds} s)`);
  if (outcome.failed > 0 && outcome.output !== "") console.log(`\n${outcome.output}\n`);
  return outcome;
}

function report(): void {
  console.log();
  for (const outcome of outcomes) {
    const seconds = `${outcome.seconds.toFixed(1)} s`.padStart(8);
    console.log(
      `${outcome.runtime.padEnd(14)} ${outcome.suite.label.padEnd(32)} ${seconds}   ${counts(outcome)}`,
    );
  }
  listSlowest();
  const skips = listSkips();
  list("Skipped", skips);
  const problems = outcomes.flatMap(({ runtime, problems }) => problems.map((text) => `${runtime}: ${text}`));
  if (outcomes.length === 0) problems.push(`no test file has ${filter} in its path`);
  problems.push(
    ...differences(outcomes.filter(({ suite, whole }) => suite.id !== "extra" && whole)),
  );
  list("Problems (each counts as a failure)", problems);
  // On a developer's machine a missing program is no fault; where everything is installed it is.
  const strict = process.env.CI === "true";
  if (strict && skips.length > 0) console.log("\nCI=true: each skipped test counts as failed");
  const failures = outcomes.flatMap(({ tests }) => tests).filter(({ status }) => status === "failed").length;
  const failed = failures + problems.length + (strict ? skips.length : 0);
  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
  const rest = !strict && skips.length > 0 ? `, ${skips.length} skipped` : "";
  process.exitCode = failed > 0 ? 1 : 0;
  console.log(`\n${passed} passed, ${failed} failed${rest}`);
}

/** Names the tests that took longest. */
function listSlowest(): void {
  const all = outcomes.flatMap(({ runtime, tests }) => tests.map((test) => ({ ...test, runtime })));
  const slowest = all.filter(({ seconds }) => seconds >= 1).sort((a, b) => b.seconds - a.seconds).slice(
    0,
    SLOWEST,
  );
  list(
    "Slowest",
    slowest.map(({ name, runtime, seconds }) => `${seconds.toFixed(1)} s: ${name} (${runtime})`),
  );
}

/** Names each skip and its reason; Deno and Bun report none, so Node's word for the same test holds. */
function listSkips(): string[] {
  const skipped = outcomes.flatMap(({ runtime, tests }) =>
    tests.filter(({ status }) => status === "skipped").map((test) => ({ ...test, runtime }))
  );
  const reasonOf = (name: string) => skipped.find((test) => test.name === name && test.reason !== "")?.reason;
  return skipped.map(({ name, runtime }) => `${name} (${runtime}): ${reasonOf(name) ?? "no reason given"}`);
}

function counts({ passed, failed, skipped }: Outcome): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

function list(heading: string, lines: readonly string[]): void {
  if (lines.length > 0) console.log(`\n${heading}:\n${lines.map((line) => `  - ${line}`).join("\n")}`);
}

/** Names a runtime with its version, if it can be run. */
function versionOf(runtime: Runtime): string {
  const name = { node: "Node", deno: "Deno", bun: "Bun" }[runtime];
  try {
    const answer = execFileSync(runtime, ["--version"], { env, encoding: "utf8" });
    return `${name} ${/\d+\.\d+\.\d+/.exec(answer)?.[0] ?? ""}`.trim();
  } catch {
    return name;
  }
}
