/**
 * Tells of each test of Node's runner when it ends. Node's own reporters tell in the order of the files, long after.
 *
 * @module
 */

import { relative } from "node:path";
import process from "node:process";
import type { TestEvent } from "node:test/reporters";
import { MARK } from "./progress.ts";

/** Writes a line for each test. */
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type !== "test:complete" || data.file === undefined) continue;
    const file = relative(process.cwd(), data.file);
    // A file is a test to Node; that is no news.
    if (data.name === file || data.name === data.file) continue;
    const status = data.skip !== undefined ? "skip" : data.details.passed ? "pass" : "fail";
    yield `${["", status, file, data.name.replaceAll("\n", " ")].join(MARK)}\n`;
  }
}
