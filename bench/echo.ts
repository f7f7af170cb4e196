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
  /** The same of `forEach`, which takes large messages with `borrow`. */
  readonly leastOfEach?: Readonly<Record<Runtime, number>>;
  /** What share of the plain socket's messages it must reach. */
  readonly leastOfPlain?: number;
  /** Whether a quick run leaves it out. */
  readonly slow?: boolean;
}

const GOALS: readonly Goal[] = [
  { load: "1x1x64", leastOfPlain: 0.8, slow: true },
  {
    load: "64x1x64",
    least: { node: 1, deno: 0.95, bun: 0.9 },
    leastOfEach: { node: 1, deno: 1, bun: 0.95 },
    leastOfPlain: 0.8,
  },
  {
    load: "64x16x64",
    least: { node: 10, deno: 10, bun: 0.85 },
    leastOfEach: { node: 12, deno: 12, bun: 1.05 },
  },
  {
    load: "16x256x64",
    least: { node: 28, deno: 30, bun: 0.95 },
    leastOfEach: { node: 36, deno: 42, bun: 1.2 },
    slow: true,
  },
  {
    load: "16x16x1024",
    least: { node: 7, deno: 5.5, bun: 0.95 },
    leastOfEach: { node: 9, deno: 7.5, bun: 1.15 },
  },
  {
    load: "16x4x65536",
    least: { node: 1.6, deno: 0.8, bun: 1 },
    leastOfEach: { node: 2.3, deno: 1, bun: 1.2 },
    leastOfPlain: 0.6,
  },
  {
    load: "4x2x1048576",
    least: { node: 1.8, deno: 1, bun: 0.9 },
    leastOfEach: { node: 3.5, deno: 1.3, bun: 1.1 },
  },
];

/** From how many bytes on a message is borrowed: below, a copy costs next to nothing. */
const BORROW_FROM = 65_536;

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
  /** By `forEach`; missing where something else than `for await` was asked for. */
  readonly each: Samples | undefined;
  /** Missing where the runtime has nothing that does the same. */
  readonly theirs: Samples | undefined;
  readonly plain: Samples;
}

/** Who takes part in a load. */
interface Field {
  readonly ours: Contestant;
  readonly plain: Contestant;
  readonly each?: Contestant;
  readonly theirs?: Contestant;
}

function fieldOf(runtime: Runtime, { size }: LoadShape, { content, api }: Setting): Field {
  const deflated = content === "deflated";
  const flags = deflated ? deflateArgs[runtime] : [];
  const each = size < BORROW_FROM ? "each" : "each-borrow";
  return {
    ours: sluice(runtime, ["--api", api, ...flags]),
    plain: plainSocket(runtime),
    ...api === "iterate" && { each: sluice(runtime, ["--api", each, ...flags]) },
    // Deno's own WebSocket has no compression.
    ...!(deflated && runtime === "deno") && { theirs: peer(runtime, deflated ? ["--compression"] : []) },
  };
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
      const field = fieldOf(runtime, shape, setting);
      const entries = Object.values(field).map((contestant: Contestant) => ({ contestant, load }));
      const samples = await race(entries, options, progress);
      const of = (name: keyof Field) => samples[Object.keys(field).indexOf(name)];
      const [ours, plain] = [of("ours")!, of("plain")!];
      outcomes.push({ goal, shape, runtime, ours, plain, each: of("each"), theirs: of("theirs") });
    }
  }
  return outcomes;
}

const ratio = (ours: Samples, theirs: Samples, key: "rate" | "cpu" | "p99" = "rate") =>
  medianRatio(series(ours, key), series(theirs, key));

function row({ shape, runtime, ours, each, theirs, plain }: Outcome): Row {
  const [we, floor] = [summarize(ours), summarize(plain)];
  const they = theirs && summarize(theirs);
  return {
    "connections x in flight x size": formatLoad(shape),
    "runtime, peer": `${runtimeNames[runtime]}, ${peer(runtime).name}`,
    "Sluice, messages/s": we.rate,
    "forEach": each ? summarize(each).rate : null,
    "peer": they?.rate ?? null,
    "plain TCP": floor.rate,
    "ratio to peer": theirs ? ratio(ours, theirs) : null,
    "forEach's": each && theirs ? ratio(each, theirs) : null,
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

function checksOf({ goal, shape, runtime, ours, each, theirs, plain }: Outcome): Check[] {
  const what = `${formatLoad(shape)} on ${runtimeNames[runtime]}`;
  const checks: Check[] = [];
  if (goal.least !== undefined && theirs !== undefined) {
    checks.push(atLeast(goal.least[runtime], `${what}, messages to the peer's`, ratio(ours, theirs)));
  }
  if (goal.leastOfEach !== undefined && each !== undefined && theirs !== undefined) {
    const all = `${what}, forEach's messages to the peer's`;
    checks.push(atLeast(goal.leastOfEach[runtime], all, ratio(each, theirs)));
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
