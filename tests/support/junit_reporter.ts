/**
 * Node's JUnit report and, at its end, a remark for each test that began and never ended: Node's runner passes a file
 * that calls `process.exit(0)` halfway.
 *
 * @module
 */
import { junit, type TestEvent } from "node:test/reporters";

/** Writes the report. */
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const open = new Map<string, number>();
  async function* watched(): AsyncGenerator<TestEvent> {
    for await (const event of events) {
      const { type, data } = event;
      if (type === "test:enqueue" || type === "test:complete") {
        const test = `"${data.name}" of ${data.file}`;
        open.set(test, (open.get(test) ?? 0) + (type === "test:enqueue" ? 1 : -1));
      }
      yield event;
    }
  }
  yield* junit(watched()) as AsyncIterable<string>;
  for (const [test, count] of open) if (count > 0) yield `<!-- Error: Test ${test} did not end -->\n`;
}
