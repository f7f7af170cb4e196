/**
 * Sluice against itself: text beside binary messages, `pipeTo` beside `for await` and `send`.
 *
 * @module
 */

import type { Content } from "./load/spec.ts";
import { runtimeNames, sluice } from "./support/contestant.ts";
import { formatLoad, parseLoad } from "./support/load_name.ts";
import { type Part, runPart } from "./support/part.ts";
import { type Entry, race, series, summarize } from "./support/race.ts";
import { atLeast, type Report } from "./support/report.ts";
import { medianRatio } from "./support/statistics.ts";
import type { Runtime } from "../tests/support/runtimes.ts";

/** A way to use Sluice, and what share of the plain way's messages it has to reach. */
interface Variant {
  readonly name: string;
  readonly content: Content;
  readonly api: string;
  readonly loads: readonly string[];
  readonly least?: number;
}

const SMALL = ["64x16x16", "64x16x64", "16x16x1024"];

const VARIANTS: readonly Variant[] = [
  { name: "text, ASCII", content: "ascii", api: "iterate", loads: SMALL, least: 0.8 },
  { name: "text, Cyrillic", content: "unicode", api: "iterate", loads: ["64x16x64", "16x16x1024"] },
  {
    name: "pipeTo",
    content: "binary",
    api: "streams",
    loads: ["64x1x64", "64x16x64", "16x4x65536"],
    least: 0.6,
  },
];

function entry(runtime: Runtime, load: string, content: Content, api: string): Entry {
  return { contestant: sluice(runtime, ["--api", api]), load: { ...parseLoad(load), content } };
}

/** Text and streams. */
export const variants: Part = {
  name: "variants",
  async measure(options, progress): Promise<Report> {
    const rows = [];
    const checks = [];
    for (const { name, content, api, loads, least } of VARIANTS) {
      for (const load of loads) {
        for (const runtime of options.runtimes) {
          const subject = `${formatLoad(parseLoad(load))} on ${runtimeNames[runtime]}`;
          progress.begin(`${name}, ${subject}`);
          const entries = [
            entry(runtime, load, content, api),
            entry(runtime, load, "binary", "iterate"),
          ];
          const [tried, usual] = await race(entries, options, progress);
          const ratio = medianRatio(series(tried!, "rate"), series(usual!, "rate"));
          rows.push({
            "variant": name,
            "connections x in flight x size": formatLoad(parseLoad(load)),
            "runtime": runtimeNames[runtime],
            "messages/s": summarize(tried!).rate,
            "binary, for await": summarize(usual!).rate,
            "ratio": ratio,
            "us CPU each": summarize(tried!).cpu,
            "binary, us": summarize(usual!).cpu,
          });
          if (least !== undefined) {
            checks.push(atLeast(least, `${name}, ${subject}, to binary messages`, ratio));
          }
        }
      }
    }
    const title = "Text, and streams, beside binary messages with `for await` and `send`";
    return { part: "variants", tables: [{ title, rows }], checks, charts: [] };
  },
};

if (import.meta.main) await runPart(variants);
