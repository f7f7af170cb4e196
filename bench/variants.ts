/**
 * Sluice against itself: text beside binary messages, `pipeTo` beside `for await` and `send`.
 *
 * @module
 */

import type { Runtime } from "../tests/support/runtimes.ts";
import type { Content } from "./load/spec.ts";
import { runtimeNames, sluice } from "./support/contestant.ts";
import { formatLoad, parseLoad } from "./support/load_name.ts";
import { type BenchOptions, shorter } from "./support/options.ts";
import { type Part, runPart } from "./support/part.ts";
import type { Progress } from "./support/progress.ts";
import { type Entry, race, type Samples, series, summarize } from "./support/race.ts";
import { atLeast, type Check, type Report, type Row } from "./support/report.ts";
import { medianRatio } from "./support/statistics.ts";

/** A way to use Sluice, and what share of the usual way's messages it has to reach. */
interface Variant {
  readonly name: string;
  readonly content: Content;
  readonly api: "iterate" | "streams";
  /** A quick run takes the first. */
  readonly loads: readonly string[];
  readonly least?: number;
}

const VARIANTS: readonly Variant[] = [
  {
    name: "text, ASCII",
    content: "ascii",
    api: "iterate",
    loads: ["64x16x64", "64x16x16", "16x16x1024"],
    least: 0.8,
  },
  { name: "text, Cyrillic", content: "unicode", api: "iterate", loads: ["64x16x64", "16x16x1024"] },
  {
    name: "pipeTo",
    content: "binary",
    api: "streams",
    loads: ["64x16x64", "64x1x64", "16x4x65536"],
    least: 0.6,
  },
];

/** What a load showed on a runtime, both ways. */
interface Outcome {
  readonly variant: Variant;
  readonly load: string;
  readonly runtime: Runtime;
  readonly tried: Samples;
  readonly usual: Samples;
}

function entry(runtime: Runtime, load: string, { content, api }: Pick<Variant, "content" | "api">): Entry {
  return { contestant: sluice(runtime, ["--api", api]), load: { ...parseLoad(load), content } };
}

async function measureVariants(options: BenchOptions, progress: Progress): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const variant of VARIANTS) {
    for (const load of options.quick ? variant.loads.slice(0, 1) : variant.loads) {
      for (const runtime of options.runtimes) {
        progress.begin(`${variant.name}, ${formatLoad(parseLoad(load))}, ${runtimeNames[runtime]}`);
        const entries = [
          entry(runtime, load, variant),
          entry(runtime, load, { content: "binary", api: "iterate" }),
        ];
        const [tried, usual] = await race(entries, options, progress);
        outcomes.push({ variant, load, runtime, tried: tried!, usual: usual! });
      }
    }
  }
  return outcomes;
}

const ratio = ({ tried, usual }: Outcome): number =>
  medianRatio(series(tried, "rate"), series(usual, "rate"));

function row(outcome: Outcome): Row {
  const { variant, load, runtime, tried, usual } = outcome;
  return {
    "variant": variant.name,
    "connections x in flight x size": formatLoad(parseLoad(load)),
    "runtime": runtimeNames[runtime],
    "messages/s": summarize(tried).rate,
    "binary, for await": summarize(usual).rate,
    "ratio": ratio(outcome),
    "us CPU each": summarize(tried).cpu,
    "binary, us": summarize(usual).cpu,
  };
}

function checksOf(outcome: Outcome): Check[] {
  const { variant: { name, least }, load, runtime } = outcome;
  if (least === undefined) return [];
  const what = `${name}, ${formatLoad(parseLoad(load))} on ${runtimeNames[runtime]}, to binary messages`;
  return [atLeast(least, what, ratio(outcome))];
}

/** Text and streams. */
export const variants: Part = {
  name: "variants",
  async measure(options, progress): Promise<Report> {
    const outcomes = await measureVariants(shorter(options), progress);
    const title = "Text, and streams, beside binary messages with `for await` and `send`";
    return {
      part: "variants",
      tables: [{ title, rows: outcomes.map(row) }],
      checks: outcomes.flatMap(checksOf),
      charts: [],
    };
  },
};

if (import.meta.main) await runPart(variants);
