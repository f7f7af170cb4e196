/**
 * This tree beside another checkout of Sluice: whether a change made it slower.
 *
 * `node bench/trees.ts --against ../before --rounds 5 --only node`; `--loads 64x16x64,16x4x65536`, `--api streams`. The
 * other tree needs its `node_modules`.
 *
 * @module
 */

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Contestant, runtimeNames, sluice } from "./support/contestant.ts";
import { formatLoad, parseLoad } from "./support/load_name.ts";
import { type BenchOptions, benchOptions, sharedFlags } from "./support/options.ts";
import { runAndPrint } from "./support/part.ts";
import type { Progress } from "./support/progress.ts";
import { race, series, summarize } from "./support/race.ts";
import { atMost, type Check, type Report, type Row } from "./support/report.ts";
import { medianRatio } from "./support/statistics.ts";

const LOADS = "64x1x64,64x16x64,16x256x64,16x16x1024,16x4x65536,4x2x1048576";

/** How much more CPU time a message may cost than in the other tree: less is noise. */
const TOLERANCE = 1.03;

const { values } = parseArgs({
  options: {
    ...sharedFlags,
    against: { type: "string" },
    loads: { type: "string", default: LOADS },
    api: { type: "string", default: "iterate" },
  },
});
if (values.against === undefined) throw new RangeError("Cannot compare trees: say --against FOLDER");
const other = resolve(values.against);

async function measure(options: BenchOptions, progress: Progress): Promise<Report> {
  const rows: Row[] = [];
  const checks: Check[] = [];
  for (const name of values.loads.split(",")) {
    const load = { ...parseLoad(name), content: "binary" as const };
    for (const runtime of options.runtimes) {
      progress.begin(`echo ${formatLoad(load)}, ${runtimeNames[runtime]}`);
      const here = sluice(runtime, ["--api", values.api]);
      const there: Contestant = { ...here, name: "the other", script: resolve(other, here.script) };
      const entries = [here, there].map((contestant) => ({ contestant, load }));
      const [ours, theirs] = await race(entries, options, progress);
      const ratio = (key: "rate" | "cpu") => medianRatio(series(ours!, key), series(theirs!, key));
      rows.push({
        "connections x in flight x size": formatLoad(load),
        "runtime": runtimeNames[runtime],
        "messages/s": summarize(ours!).rate,
        "the other": summarize(theirs!).rate,
        "ratio": ratio("rate"),
        "us CPU each": summarize(ours!).cpu,
        "the other, us": summarize(theirs!).cpu,
        "ratio of CPU": ratio("cpu"),
      });
      const what = `${formatLoad(load)} on ${runtimeNames[runtime]}, CPU for each message to the other's`;
      checks.push(atMost(TOLERANCE, what, ratio("cpu")));
    }
  }
  return { part: "trees", tables: [{ title: `Echo, beside ${values.against}`, rows }], checks, charts: [] };
}

await runAndPrint({ name: "trees", measure }, benchOptions(values), { json: values.json ?? false });
