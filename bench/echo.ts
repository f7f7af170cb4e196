/**
 * Echo, side by side with the peer and with plain sockets: messages per second, CPU time for each, round trips.
 *
 * `node bench/echo.ts --loads 64x16x64,16x4x65536 --only node --rounds 3`; `--api streams` echoes with `pipeTo`,
 * `--text` sends text, `--deflate` JSON that is compressed.
 *
 * @module
 */

import { parseArgs } from "node:util";
import type { Runtime } from "../tests/support/runtimes.ts";
import { deflateArgs } from "./support/deflate_args.ts";
import { type Contestant, peer, plainSocket, runtimeNames, sluice } from "./support/contestant.ts";
import type { Content } from "./load/spec.ts";
import { formatLoad, type LoadShape, parseLoad } from "./support/load_name.ts";
import { type BenchOptions, benchOptions, sharedFlags } from "./support/options.ts";
import { type Part, runAndPrint } from "./support/part.ts";
import type { Progress } from "./support/progress.ts";
import { race, type Samples, series, summarize } from "./support/race.ts";
import { atLeast, atMost, type Chart, type Check, type Report, type Row } from "./support/report.ts";
import { medianRatio } from "./support/statistics.ts";

/** A load, and what share of the peer's messages Sluice must reach under it. */
interface Goal {
  readonly load: string;
  readonly least?: Readonly<Record<Runtime, number>>;
  /** What share of the plain socket's messages it must reach. */
  readonly leastOfPlain?: number;
  /** Whether a quick run leaves it out. */
  readonly slow?: boolean;
}

const GOALS: readonly Goal[] = [
  { load: "1x1x64", leastOfPlain: 0.8, slow: true },
  { load: "64x1x64", least: { node: 1, deno: 0.95, bun: 0.9 }, leastOfPlain: 0.8 },
  { load: "64x16x64", least: { node: 9, deno: 8, bun: 0.85 } },
  { load: "16x256x64", least: { node: 25, deno: 20, bun: 1 }, slow: true },
  { load: "16x16x1024", least: { node: 5.5, deno: 4, bun: 1 } },
  { load: "16x4x65536", least: { node: 1.5, deno: 1, bun: 1 }, leastOfPlain: 0.6 },
  { load: "4x2x1048576", least: { node: 1.8, deno: 0.95, bun: 0.9 } },
];

/** What is sent, and how it is echoed. */
interface Setting {
  readonly goals: readonly Goal[];
  readonly content: Content;
  readonly api: string;
}

/** What a load showed on a runtime. */
interface Outcome {
  readonly goal: Goal;
  readonly shape: LoadShape;
  readonly runtime: Runtime;
  readonly ours: Samples;
  /** Missing where the runtime has nothing that does the same. */
  readonly theirs: Samples | undefined;
  readonly plain: Samples;
}

function contestants(runtime: Runtime, { content, api }: Setting): Contestant[] {
  const deflated = content === "deflated";
  const ours = sluice(runtime, ["--api", api, ...deflated ? deflateArgs[runtime] : []]);
  const all = [ours, plainSocket(runtime)];
  // Deno's own WebSocket has no compression.
  return deflated && runtime === "deno" ? all : [...all, peer(runtime, deflated ? ["--compression"] : [])];
}

async function measureEcho(
  setting: Setting,
  options: BenchOptions,
  progress: Progress,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const goal of setting.goals) {
    const shape = parseLoad(goal.load);
    for (const runtime of options.runtimes) {
      progress.begin(`echo ${formatLoad(shape)}, ${runtimeNames[runtime]}`);
      const load = { ...shape, content: setting.content };
      const entries = contestants(runtime, setting).map((contestant) => ({ contestant, load }));
      const [ours, plain, theirs] = await race(entries, options, progress);
      outcomes.push({ goal, shape, runtime, ours: ours!, plain: plain!, theirs });
    }
  }
  return outcomes;
}

const ratio = (ours: Samples, theirs: Samples, key: "rate" | "cpu" | "p99" = "rate") =>
  medianRatio(series(ours, key), series(theirs, key));

function row({ shape, runtime, ours, theirs, plain }: Outcome): Row {
  const [we, floor] = [summarize(ours), summarize(plain)];
  const they = theirs && summarize(theirs);
  return {
    "connections x in flight x size": formatLoad(shape),
    "runtime, peer": `${runtimeNames[runtime]}, ${peer(runtime).name}`,
    "Sluice, messages/s": we.rate,
    "peer": they?.rate ?? null,
    "plain TCP": floor.rate,
    "ratio to peer": theirs ? ratio(ours, theirs) : null,
    "to plain": ratio(ours, plain),
    "Sluice, us CPU each": we.cpu,
    "peer, us": they?.cpu ?? null,
    "plain, us": floor.cpu,
    "peer's CPU to ours": theirs ? ratio(theirs, ours, "cpu") : null,
    "Sluice, busy": we.busy,
  };
}

function roundTripRow({ shape, runtime, ours, theirs, plain }: Outcome): Row {
  const [we, floor] = [summarize(ours), summarize(plain)];
  const they = theirs && summarize(theirs);
  return {
    "load": formatLoad(shape),
    "runtime": runtimeNames[runtime],
    "Sluice, p50 us": we.p50 ?? null,
    "peer, p50": they?.p50 ?? null,
    "plain, p50": floor.p50 ?? null,
    "Sluice, p99 us": we.p99 ?? null,
    "peer, p99": they?.p99 ?? null,
    "plain, p99": floor.p99 ?? null,
  };
}

function checksOf({ goal, shape, runtime, ours, theirs, plain }: Outcome): Check[] {
  const what = `${formatLoad(shape)} on ${runtimeNames[runtime]}`;
  const checks: Check[] = [];
  if (goal.least !== undefined && theirs !== undefined) {
    checks.push(atLeast(goal.least[runtime], `${what}, messages to the peer's`, ratio(ours, theirs)));
  }
  if (goal.leastOfPlain !== undefined) {
    checks.push(atLeast(goal.leastOfPlain, `${what}, messages to plain TCP's`, ratio(ours, plain)));
  }
  if (shape.flight === 1 && theirs !== undefined) {
    checks.push(atMost(1, `${what}, p99 to the peer's`, ratio(ours, theirs, "p99")));
  }
  return checks;
}

function chartOf(outcomes: readonly Outcome[], { runtimes }: BenchOptions): Chart {
  const panels = runtimes.map((runtime) => {
    const own = outcomes.filter((outcome) => outcome.runtime === runtime);
    const values = (pick: (outcome: Outcome) => Samples | undefined) =>
      own.map((outcome) => {
        const samples = pick(outcome);
        return samples ? summarize(samples).rate : null;
      });
    return {
      title: `${runtimeNames[runtime]}, ${peer(runtime).name}`,
      series: [
        { name: "Sluice", values: values(({ ours }) => ours) },
        { name: "peer", values: values(({ theirs }) => theirs) },
        { name: "plain TCP", values: values(({ plain }) => plain) },
      ],
    };
  });
  const steps = [...new Set(outcomes.map(({ shape }) => formatLoad(shape)))];
  return {
    name: "echo",
    title: "Echo: connections x in flight x size",
    kind: "dots",
    unit: "messages/s",
    steps,
    panels,
  };
}

/** Measures loads and reports on them. */
async function reportEcho(setting: Setting, options: BenchOptions, progress: Progress): Promise<Report> {
  const outcomes = await measureEcho(setting, options, progress);
  const single = outcomes.filter(({ shape }) => shape.flight === 1);
  const tables = [{ title: "Echo", rows: outcomes.map(row) }];
  if (single.length > 0) {
    tables.push({ title: "Round trips at one in flight", rows: single.map(roundTripRow) });
  }
  return {
    part: "echo",
    tables,
    checks: outcomes.flatMap(checksOf),
    charts: [chartOf(outcomes, options)],
  };
}

const goalsFor = ({ quick }: BenchOptions): readonly Goal[] => GOALS.filter(({ slow }) => !(slow && quick));

/** Echo under all loads. */
export const echo: Part = {
  name: "echo",
  measure: (options, progress) =>
    reportEcho({ goals: goalsFor(options), content: "binary", api: "iterate" }, options, progress),
};

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      ...sharedFlags,
      loads: { type: "string" },
      api: { type: "string", default: "iterate" },
      text: { type: "boolean", default: false },
      deflate: { type: "boolean", default: false },
    },
  });
  const known = (load: string) => GOALS.find((goal) => goal.load === load) ?? { load };
  const options = benchOptions(values);
  const setting: Setting = {
    goals: values.loads?.split(",").map(known) ?? goalsFor(options),
    content: values.deflate ? "deflated" : values.text ? "ascii" : "binary",
    api: values.api,
  };
  const part: Part = {
    name: "echo",
    measure: (options, progress) => reportEcho(setting, options, progress),
  };
  await runAndPrint(part, options, { json: values.json ?? false });
}
