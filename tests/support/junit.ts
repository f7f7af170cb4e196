/**
 * Reads what the test runners of Node, Deno and Bun all can write: a JUnit report.
 *
 * @module
 */

/** One test as a runner reported it; `reason` says why it was skipped, if the runner knows. */
export interface TestCase {
  readonly name: string;
  readonly file: string;
  readonly status: "passed" | "failed" | "skipped";
  readonly reason: string;
  /** How long it took, if the runner told. */
  readonly seconds: number;
}

const TEST_CASE = /<testcase\b((?:\s+[\w-]+="[^"]*")*)\s*(?:\/>|>([\s\S]*?)<\/testcase>)/g;
/** What Node remarks and lets pass: an error after a test's end; and what our reporter adds to it. */
const REMARK =
  /<!-- (Error: Test .+? (?:generated asynchronous activity after the test ended|did not end)\b.*?) -->/g;

/** Lists the tests of a report; `file` is where the test was registered (Node, Deno) or the test file (Bun). */
export function readReport(xml: string): TestCase[] {
  return [...xml.matchAll(TEST_CASE)].map(([, head = "", body = ""]) => {
    const skipped = /<skipped\b[^>]*>/.exec(body)?.[0];
    const failed = /<(?:failure|error)\b/.test(body);
    return {
      name: attribute(head, "name"),
      file: attribute(head, "file") || attribute(head, "classname"),
      status: failed ? "failed" : skipped === undefined ? "passed" : "skipped",
      reason: skipped === undefined ? "" : attribute(skipped, "message").replace(/^true$/, ""),
      seconds: Number(attribute(head, "time")) || 0,
    };
  });
}

/** Lists the faults that Node's report holds beside its tests. */
export function readRemarks(xml: string): string[] {
  return [...xml.matchAll(REMARK)].map(([, text = ""]) => decode(text));
}

function attribute(tag: string, name: string): string {
  return decode(new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? "");
}

const ENTITIES: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function decode(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    return String.fromCodePoint(decimal === undefined ? parseInt(hex, 16) : Number(decimal));
  });
}
