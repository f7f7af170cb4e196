/**
 * A benchmark that can be run by itself, and by `bench/main.ts` with the others.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { type BenchOptions, benchOptions, sharedFlags } from "./options.ts";
import { Progress } from "./progress.ts";
import type { Report } from "./report.ts";
import { checksText, tableText } from "./table_text.ts";

/** A benchmark. */
export interface Part {
  /** What selects it on the command line. */
  readonly name: string;
  measure(options: BenchOptions, progress: Progress): Promise<Report>;
}

/** Runs a benchmark from the command line and prints what it found. */
export async function runPart(part: Part): Promise<void> {
  const { values } = parseArgs({ options: sharedFlags });
  await runAndPrint(part, benchOptions(values), { json: values.json ?? false });
}

/** Runs a benchmark and prints what it found. */
export async function runAndPrint(
  part: Part,
  options: BenchOptions,
  { json }: { json: boolean },
): Promise<void> {
  const progress = new Progress();
  const report = await part.measure(options, progress);
  progress.end();
  console.log(json ? JSON.stringify(report) : reportText(report));
}

/** Writes a report as text. */
export function reportText({ tables, checks }: Report): string {
  const parts = tables.map((table) => `${table.title}\n\n${tableText(table)}\n`);
  if (checks.length > 0) parts.push(checksText(checks));
  return parts.join("\n");
}
