/**
 * All benchmarks, or those that are named: `npm run bench -- [PART …] [--rounds N] [--time S] [--only node,deno,bun]
 * [--quick] [--json] [--write] [--from FILE]`.
 *
 * Prints tables, and draws charts into a folder that it names; `--json` prints all figures for machines instead,
 * `--write` puts them into `bench/README.md`, `--from` takes them from such JSON rather than measuring.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { allocations } from "./allocations.ts";
import { codec } from "./codec.ts";
import { connections } from "./connections.ts";
import { echo } from "./echo.ts";
import { flood } from "./flood.ts";
import { handshakes } from "./handshakes.ts";
import { masking } from "./masking.ts";
import { memory } from "./memory.ts";
import { sizes } from "./sizes.ts";
import { type BenchOptions, benchOptions, sharedFlags } from "./support/options.ts";
import { type Part, reportText } from "./support/part.ts";
import { Progress } from "./support/progress.ts";
import { type Figures, writeCharts, writeReadme } from "./support/readme.ts";
import { loadWarning, readSetting, settingText } from "./support/setting.ts";
import { checksText } from "./support/table_text.ts";
import { variants } from "./variants.ts";

const PARTS: readonly Part[] = [
  echo,
  variants,
  sizes,
  connections,
  handshakes,
  memory,
  flood,
  codec,
  allocations,
  masking,
];

/** Finds the parts that were named; all of them if none was. Throws `RangeError` at an unknown name. */
function choose(names: readonly string[]): readonly Part[] {
  const unknown = names.find((name) => !PARTS.some((part) => part.name === name));
  if (unknown !== undefined) {
    throw new RangeError(`Cannot measure ${unknown}: there are ${PARTS.map(({ name }) => name).join(", ")}`);
  }
  return names.length === 0 ? PARTS : PARTS.filter(({ name }) => names.includes(name));
}

/** Measures part by part; one that fails is told of, and the others go on. */
async function measure(parts: readonly Part[], options: BenchOptions): Promise<Figures> {
  const warning = loadWarning();
  if (warning !== undefined) console.error(warning);
  const progress = new Progress();
  const reports = [];
  for (const part of parts) {
    try {
      reports.push(await part.measure(options, progress));
    } catch (error) {
      console.error(`Cannot measure ${part.name}:`, error);
      process.exitCode = 1;
    }
  }
  progress.end();
  return { setting: readSetting(options), reports };
}

function print({ setting, reports }: Figures): void {
  console.log(`${settingText(setting)}\n`);
  for (const report of reports) console.log(`${reportText({ ...report, checks: [] })}`);
  console.log(checksText(reports.flatMap(({ checks }) => checks)));
  const charts = writeCharts(reports, join(tmpdir(), "sluice-bench"));
  if (charts.length > 0) console.log(`\nCharts: ${charts.join(", ")}`);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { ...sharedFlags, write: { type: "boolean" }, from: { type: "string" } },
});
const figures: Figures = values.from === undefined
  ? await measure(choose(positionals), benchOptions(values))
  : JSON.parse(readFileSync(values.from, "utf8"));
if (values.write) {
  if (figures.reports.length < PARTS.length) throw new Error("Cannot write figures: a part is missing");
  writeReadme(figures);
}
if (values.json) console.log(JSON.stringify(figures));
else print(figures);
