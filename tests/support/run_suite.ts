/**
 * Runs one suite in a process group of its own and reads its report.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { stripVTControlCharacters } from "node:util";
import { readRemarks, readReport, type TestCase } from "./junit.ts";
import { afterPatience } from "./patience.ts";
import { Progress } from "./progress.ts";
import { runnerArguments, type Suite } from "./suites.ts";

/** What a run needs besides the suite itself. */
export interface RunOptions {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  /** How long the suite may take on an idle machine, in milliseconds. */
  readonly timeout: number;
  /** Where the runner writes its report. */
  readonly report: string;
  /** The runtime's name and version. */
  readonly runtime: string;
  /** Is told now and then how far the suite is. */
  readonly onProgress: (words: string) => void;
}

/** How often that is, in milliseconds. */
const INTERVAL = 15_000;

/** What came of a suite. */
export interface Outcome {
  readonly suite: Suite;
  /** The runtime's name and version. */
  readonly runtime: string;
  readonly seconds: number;
  readonly tests: readonly TestCase[];
  readonly passed: number;
  /** Failed tests and problems together. */
  readonly failed: number;
  readonly skipped: number;
  /** Whether the runner came to its end, and reported tests. */
  readonly whole: boolean;
  /** What went wrong besides a failed test. */
  readonly problems: readonly string[];
  /** What the runner wrote, without its lines about tests that passed. */
  readonly output: string;
}

/** Runs a suite; whatever goes wrong is in its outcome. */
export async function runSuite(suite: Suite, options: RunOptions): Promise<Outcome> {
  const { runtime, report } = options;
  const start = performance.now();
  const progress = new Progress();
  const { output, ended, problem } = suite.files.length === 0
    ? { output: "", ended: "", problem: "there is no test file" }
    : await runRunner(suite, options, progress);
  const xml = existsSync(report) ? readFileSync(report, "utf8") : "";
  const rows = readReport(xml);
  // A file that fails outside its tests, or has none, is a row of its own in Node's report.
  const reported = rows.filter(({ name }) => !suite.files.includes(name));
  // A runner that was cut has written no report, or half of one.
  const tests = problem === "" ? reported : progress.tests;
  const count = (status: TestCase["status"]) => tests.filter((test) => test.status === status).length;
  const problems = readRemarks(xml);
  for (const { name, status } of rows.filter(({ name }) => suite.files.includes(name))) {
    problems.push(`${name} ${status === "passed" ? "ran no test" : "failed outside its tests"}`);
  }
  if (problem !== "") problems.push(problem);
  else if (ended !== "" && count("failed") + problems.length === 0) problems.push(ended);
  else if (tests.length === 0) problems.push("no test ran, or the report is unreadable");
  return {
    suite,
    runtime,
    seconds: (performance.now() - start) / 1000,
    tests,
    passed: count("passed"),
    failed: count("failed") + problems.length,
    skipped: count("skipped"),
    whole: problem === "" && tests.length > 0,
    problems,
    output: withoutPasses(stripVTControlCharacters(output)),
  };
}

/** Leaves out the lines that only say that a test passed, as Node's list has them. */
function withoutPasses(output: string): string {
  return output.split("\n").filter((line) => !/^\s*[✔﹣ℹ]/u.test(line)).join("\n").trim();
}

/** Runs the runner to its end, or to the end of its time; leaves no process of its group behind. */
async function runRunner(
  suite: Suite,
  { root, env, timeout, report, onProgress }: RunOptions,
  progress: Progress,
): Promise<{ output: string; ended: string; problem: string }> {
  let output = "";
  let ended = ""; // how, if not well: as it does when a test failed
  let problem = ""; // what stands whatever the tests say
  const child = spawn(suite.runtime, runnerArguments(suite, report), {
    cwd: root,
    env,
    detached: true, // makes it the head of a process group
    stdio: ["ignore", "pipe", "pipe"],
  });
  const onExit = () => killGroup(child);
  const onSignal = () => process.exit(1);
  process.on("exit", onExit).on("SIGINT", onSignal).on("SIGTERM", onSignal);
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on("line", (line) => {
      const { length } = progress.tests;
      // What a runner says of tests that it was cut in is nothing that they did.
      if (problem !== "" || !progress.take(line)) output += `${line}\n`;
      const [ended] = progress.tests.slice(length);
      if (ended?.status === "failed") onProgress(`failed: ${ended.name} (${ended.file})`);
    });
  }
  const telling = setInterval(() => onProgress(progress.describe(suite.files.length)), INTERVAL);
  const stopWaiting = afterPatience(timeout, () => {
    problem = `it was cut, being far too slow, after ${progress.describe(suite.files.length)}`;
    child.kill("SIGINT"); // the runners answer with what they were running
    setTimeout(() => killGroup(child), 2_000).unref();
  });
  child.on("exit", (code, signal) => {
    killGroup(child);
    if (code !== 0) ended = `the runner ended with ${signal ?? `exit code ${code}`}`;
  });
  await once(child, "close").catch((error: Error) => problem = `the runner did not start: ${error.message}`);
  stopWaiting();
  clearInterval(telling);
  process.off("exit", onExit).off("SIGINT", onSignal).off("SIGTERM", onSignal);
  return { output, ended, problem };
}

function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch {
    // The group is gone already, or never was.
  }
}

/** Says which tests ran on one runtime and not on another, if the numbers differ. */
export function differences(outcomes: readonly Outcome[]): string[] {
  const [most, ...others] = outcomes.toSorted((a, b) => b.tests.length - a.tests.length);
  if (most === undefined) return [];
  return others.filter(({ tests }) => tests.length !== most.tests.length).map(({ runtime, tests }) => {
    const left = tests.map(({ name }) => name);
    const missing = most.tests.filter(({ name }) => {
      const index = left.indexOf(name);
      if (index >= 0) left.splice(index, 1);
      return index < 0;
    });
    const names = missing.slice(0, 5).map(({ name, file }) => `"${name}" of ${file}`).join(", ");
    const more = missing.length > 5 ? ` and ${missing.length - 5} more` : "";
    return `${runtime} ran ${tests.length} tests, ${most.runtime} ${most.tests.length}; missing: ${names}${more}`;
  });
}
