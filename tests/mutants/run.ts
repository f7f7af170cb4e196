/**
 * Takes out one guard after the other and looks whether a test goes red: `npm run test:mutants`.
 *
 * `npm run test:mutants -- TEXT` tries the guards whose name or file has the text. It works in copies of the tree. Fails
 * if a guard survives without an explanation, or is caught in spite of one.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { faultsOf, mutants } from "./check.ts";
import type { Mutant } from "./mutant.ts";

/** What became of a guard's absence. */
type Verdict = "caught" | "hung" | "survived";

/** How many guards are tried at a time. */
const ABREAST = 2;
/** How long the tests of one guard may take, in milliseconds; without guards some never end. */
const LONGEST = 60_000;

const COPIED = ["lib", "tests", "mod.ts", "package.json", "tsconfig.json"];

/** The test that went red last. */
let red = "it took too long";

/** The test runners at work: they must not outlive this process. */
const running = new Set<ChildProcess>();

const root = resolve(import.meta.dirname, "../..");
const filter = process.argv[2] ?? "";

const faults = faultsOf(root);
if (faults.length > 0) {
  console.error(`The table does not fit the sources:\n${faults.join("\n")}`);
  process.exit(1);
}
const chosen = mutants.filter(({ name, file }) => name.includes(filter) || file.includes(filter));
const folder = mkdtempSync(join(tmpdir(), "sluice-mutants-"));
process.on("exit", () => running.forEach(endGroup));
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => process.exit(1));
try {
  process.exitCode = await run() ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Tries all; tells whether all is as it should be. */
async function run(): Promise<boolean> {
  const copies = Array.from({ length: ABREAST }, (_, i) => copyTree(join(folder, `${i}`)));
  const tests = [...new Set(chosen.flatMap(({ tests }) => tests))];
  if (await judge(copies[0]!, tests, { longest: tests.length * LONGEST }) !== "survived") {
    console.error(`The tests fail before any guard is taken out: ${red}`);
    return false;
  }
  const waiting = [...chosen];
  const wrong: string[] = [];
  await Promise.all(copies.map(async (copy) => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const verdict = await tryWithout(mutant, copy);
      const line = `${mutant.file}: ${mutant.name}`;
      const expected = (verdict === "survived") === (mutant.survives !== undefined);
      if (!expected) wrong.push(`${verdict}: ${line}`);
      const why = mutant.survives === undefined ? "" : ` (${mutant.survives})`;
      console.log(`${verdict.padEnd(8)} ${line}${why}`);
    }
  }));
  const explained = chosen.filter(({ survives }) => survives !== undefined).length;
  console.log(`\n${chosen.length} guards, ${explained} explained, ${wrong.length} wrong`);
  for (const line of wrong) console.log(`  - ${line}`);
  return wrong.length === 0;
}

function copyTree(copy: string): string {
  for (const name of COPIED) cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
}

/** Takes a guard out of a copy, runs its tests, and puts it back. */
async function tryWithout({ file, find, replace, tests }: Mutant, copy: string): Promise<Verdict> {
  const path = join(copy, file);
  const text = readFileSync(path, "utf8");
  const at = text.indexOf(find);
  writeFileSync(path, text.slice(0, at) + replace + text.slice(at + find.length));
  try {
    return await judge(copy, tests, { longest: LONGEST });
  } finally {
    writeFileSync(path, text);
  }
}

/** Runs tests up to the first that goes red. */
async function judge(
  copy: string,
  tests: readonly string[],
  { longest }: { longest: number },
): Promise<Verdict> {
  const args = ["--test", "--test-concurrency=1", "--test-timeout=20000", "--test-reporter=tap", ...tests];
  const env = { ...process.env, SLUICE_SEED: "1", SLUICE_RUNS: "0.1", NODE_TEST_CONTEXT: undefined };
  const child = spawn(process.execPath, args, {
    cwd: copy,
    env,
    detached: true, // makes it the head of a process group
    stdio: ["ignore", "pipe", "ignore"],
  });
  running.add(child);
  let verdict: Verdict = "survived";
  const decide = (early: Verdict) => {
    verdict = early;
    endGroup(child);
  };
  const timer = setTimeout(() => decide("hung"), longest);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output = output.slice(output.lastIndexOf("\n") + 1) + text;
    const failed = /^\s*not ok .*/m.exec(output);
    if (failed === null) return;
    red = failed[0].trim();
    decide("caught");
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  clearTimeout(timer);
  endGroup(child);
  running.delete(child);
  return verdict === "survived" && code !== 0 ? "caught" : verdict;
}

function endGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch {
    // It is gone.
  }
}
