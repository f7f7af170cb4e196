/**
 * What a runner has done so far, read from what it writes: when it is cut there is no report.
 *
 * @module
 */

import { stripVTControlCharacters } from "node:util";
import type { TestCase } from "./junit.ts";

/** What begins a line of `progress_reporter.ts`. */
export const MARK = "\u0001";

/** Deno: where tests are from, and what became of one. */
const DENO_FILE = /^running \d+ tests? from \.?\/?(\S+)$/;
const DENO_TEST = /^(.*) \.\.\. (ok|FAILED|ignored)(?: \(.*\))?$/;
/** Bun: the same. */
const BUN_FILE = /^(tests\/\S+\.ts):$/;
const BUN_TEST = /^\((pass|fail|skip)\) (.*?)(?: \[[\d.]+m?s\])?$/;

/** What makes tests for a file counts as that file. */
const HELPERS = "tests/support/";

const STATUS: Readonly<Record<string, TestCase["status"]>> = {
  ok: "passed",
  FAILED: "failed",
  ignored: "skipped",
  pass: "passed",
  fail: "failed",
  skip: "skipped",
};

/** Takes the lines of a runner. */
export class Progress {
  /** The tests that have ended. */
  readonly tests: TestCase[] = [];
  /** The files in which some have. */
  readonly files: Set<string> = new Set();
  /** The file that was heard of last. */
  file = "";

  /** Takes a line; tells whether it says no more than that a test passed or a file began. */
  take(line: string): boolean {
    const text = stripVTControlCharacters(line);
    if (text.startsWith(MARK)) {
      const [, status = "", file = "", name = ""] = text.split(MARK);
      this.#begin(file);
      this.#end(status, name);
      return true;
    }
    const [, file] = DENO_FILE.exec(text) ?? BUN_FILE.exec(text) ?? [];
    if (file !== undefined) {
      this.#begin(file);
      return true;
    }
    const [, name, denoStatus] = DENO_TEST.exec(text) ?? [];
    if (denoStatus !== undefined) return this.#end(denoStatus, name!);
    const [, bunStatus, title] = BUN_TEST.exec(text) ?? [];
    return bunStatus !== undefined && this.#end(bunStatus, title!);
  }

  /** Tells in a line how far it is. */
  describe(files: number): string {
    const failed = this.tests.filter(({ status }) => status === "failed").length;
    const where = this.file === "" ? "" : `, now at ${this.file}`;
    return `${this.tests.length} tests of ${this.files.size} of ${files} files, ${failed} failed${where}`;
  }

  #begin(file: string): void {
    if (file.startsWith(HELPERS)) return;
    this.file = file;
    this.files.add(file);
  }

  #end(word: string, name: string): boolean {
    const status = STATUS[word] ?? "failed";
    this.tests.push({ name, file: this.file, status, reason: "", seconds: 0 });
    return status === "passed";
  }
}
