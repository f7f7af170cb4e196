import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "#std/assert";
import jsr from "../../deno.json" with { type: "json" };
import { root } from "../architecture/source.ts";
import { slowdown } from "../support/patience.ts";

const entries = Object.values(jsr.exports);

/** Runs Deno, and returns all that it writes; throws with it if it fails. */
function deno(cwd: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync("deno", args, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
    timeout: Math.ceil(50_000 * slowdown()),
  });
  assertEquals(status, 0, stdout + stderr);
  return stdout + stderr;
}

test("deno publish accepts the package: no slow types, and no files but the sources and four pages", () => {
  const told = deno(root, "publish", "--dry-run", "--allow-dirty");
  assertMatch(told, /Success Dry run complete/);
  assert(!/warning/i.test(told), told);
  const files = [...told.matchAll(/ (file:\/\/\S+) \(/g)].map(([, url]) => url!.split(`${root}/`)[1]!);
  const sources = globSync(["mod.ts", "lib/**/*.ts"], { cwd: root });
  const pages = ["CHANGELOG.md", "LICENSE", "README.md", "deno.json"];
  assertEquals(files.sort(), [...pages, ...sources].sort());
});

test("deno doc --lint finds nothing at any entry point", () => {
  deno(root, "doc", "-q", "--lint", ...entries);
});

for (const path of entries) {
  test(`${path} begins with what it is for, and an example`, () => {
    const comment = /^\/\*\*[^]*?\*\//.exec(readFileSync(join(root, path), "utf8"))?.[0] ?? "";
    assertMatch(comment, /^\/\*\*\n \* [A-Z]/);
    assertMatch(comment, /\n \* @example [^]*\n \* ```ts/);
    assertMatch(comment, /\n \* @module\n/);
  });
}

/** Runs a test in a copy of the sources; the examples that listen take a port that is free. */
function inCopy(test: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "sluice-jsr-"));
  try {
    for (const name of ["mod.ts", "lib", "deno.json", "package.json"]) {
      cpSync(join(root, name), join(folder, name), { recursive: true });
    }
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    for (const path of globSync("lib/**/*.ts", { cwd: folder }).map((name) => join(folder, name))) {
      writeFileSync(path, readFileSync(path, "utf8").replaceAll(/^( \* .*\bport: )8080\b/gm, "$10"));
    }
    test(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("the examples in the comments type-check, and run: all but Bun's, and those that need more than is at hand", () =>
  inCopy((folder) => {
    const bun = "lib/adapters/bun.ts";
    const sources = globSync(["mod.ts", "lib/**/*.ts"], { cwd: folder })
      .filter((path) => readFileSync(join(folder, path), "utf8").includes("@example"));
    const told = deno(folder, "test", "--doc", "-A", "--no-lock", ...sources.filter((path) => path !== bun));
    const [, passed, failed] = /(\d+) passed \| (\d+) failed/.exec(told) ?? [];
    assert(Number(passed) >= 14 && failed === "0", told);
    deno(folder, "check", "--doc-only", "--no-lock", bun);
  }));
