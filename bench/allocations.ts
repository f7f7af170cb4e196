/**
 * Bytes of heap for each message of 64 bytes that is echoed, in process on Node, without a socket.
 *
 * It is the same figure on any machine, busy or not; and the more a message allocates, the more it costs where memory is
 * slow.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import process from "node:process";
import { type Part, runPart } from "./support/part.ts";
import { atMost, type Report } from "./support/report.ts";
import { median } from "./support/statistics.ts";

/** How messages are read, and how many bytes each may take. */
const CASES: readonly { api: string; content: string; what: string; most: number }[] = [
  { api: "iterate", content: "binary", what: "for await", most: 420 },
  { api: "each", content: "binary", what: "forEach", most: 240 },
  { api: "borrow", content: "binary", what: "forEach, borrow", most: 150 },
  { api: "iterate", content: "text", what: "for await, text", most: 420 },
  { api: "each", content: "text", what: "forEach, text", most: 200 },
];

/** No collection in between: what the heap grows by is what was allocated. */
const FLAGS = ["--expose-gc", "--min-semi-space-size=256", "--max-semi-space-size=256"];

/** Heap for each message. */
export const allocations: Part = {
  name: "allocations",
  measure({ rounds }, progress): Promise<Report> {
    const rows = [];
    const checks = [];
    for (const { api, content, what, most } of CASES) {
      progress.begin(`allocations, ${what}`);
      const args = [...FLAGS, "bench/allocations_case.ts", api, content];
      // When a function is compiled depends on time, and what it inlines on what was compiled before.
      const found = Array.from(
        { length: rounds },
        () => execFileSync(process.execPath, args, { encoding: "utf8" }),
      );
      const bytes = median(found.map(Number));
      rows.push({ "read by": what, "bytes of heap for a message of 64 B": bytes });
      checks.push(atMost(most, `Heap for a message of 64 B, ${what}`, bytes));
    }
    const tables = [{ title: "Allocations in process on Node", rows }];
    return Promise.resolve({ part: "allocations", tables, checks, charts: [] });
  },
};

if (import.meta.main) await runPart(allocations);
