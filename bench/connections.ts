/**
 * One to 10,000 connections, one message in flight on each: how the cost of a message grows.
 *
 * @module
 */

import type { Runtime } from "../tests/support/runtimes.ts";
import { peer, plainSocket, runtimeNames, sluice } from "./support/contestant.ts";
import { type BenchOptions, shorter } from "./support/options.ts";
import { type Part, runPart } from "./support/part.ts";
import type { Progress } from "./support/progress.ts";
import { race, type Samples, summarize } from "./support/race.ts";
import { atMost, type Chart, type Check, type Report, type Row } from "./support/report.ts";

const COUNTS = [1, 10, 100, 1_000, 10_000];
const FEW = 100;
const MANY = 10_000;

/** How much more the cost may grow from few to many than the plain socket's does. */
const MOST = 1.15;

/** What a number of connections showed on a runtime: Sluice, the peer, the plain socket. */
interface Outcome {
  readonly runtime: Runtime;
  readonly connections: number;
  readonly samples: readonly Samples[];
}

async function measureConnections(options: BenchOptions, progress: Progress): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const connections of options.quick ? [FEW, MANY] : COUNTS) {
    for (const runtime of options.runtimes) {
      progress.begin(`${connections} connections, ${runtimeNames[runtime]}`);
      const contestants = [sluice(runtime), peer(runtime), plainSocket(runtime)];
      const load = { connections, flight: 1, size: 64, content: "binary" } as const;
      const entries = contestants.map((contestant) => ({ contestant, load }));
      outcomes.push({ runtime, connections, samples: await race(entries, options, progress) });
    }
  }
  return outcomes;
}

function row({ runtime, connections, samples }: Outcome): Row {
  const [ours, theirs, plain] = samples.map(summarize);
  return {
    "connections": connections.toLocaleString("en"),
    "runtime": runtimeNames[runtime],
    "Sluice, messages/s": ours!.rate,
    "peer": theirs!.rate,
    "plain TCP": plain!.rate,
    "Sluice, us CPU each": ours!.cpu,
    "peer, us": theirs!.cpu,
    "plain, us": plain!.cpu,
  };
}

/** Says how many times the CPU time of a message grows from few connections to many. */
function growth(outcomes: readonly Outcome[], runtime: Runtime, contestant: number): number {
  const [few, many] = [FEW, MANY].map((count) => {
    const outcome = outcomes.find((each) => each.runtime === runtime && each.connections === count)!;
    return summarize(outcome.samples[contestant]!).cpu;
  });
  return many! / few!;
}

function growthRow(outcomes: readonly Outcome[], runtime: Runtime): Row {
  return {
    "runtime": runtimeNames[runtime],
    "Sluice": growth(outcomes, runtime, 0),
    "peer": growth(outcomes, runtime, 1),
    "plain TCP": growth(outcomes, runtime, 2),
  };
}

function check(outcomes: readonly Outcome[], runtime: Runtime): Check {
  const what = `CPU time from ${FEW} to ${MANY} connections on ${
    runtimeNames[runtime]
  }, growth to plain TCP's`;
  return atMost(MOST, what, growth(outcomes, runtime, 0) / growth(outcomes, runtime, 2));
}

function chartOf(outcomes: readonly Outcome[], { runtimes }: BenchOptions): Chart {
  const panels = runtimes.map((runtime) => {
    const own = outcomes.filter((outcome) => outcome.runtime === runtime);
    const series = ["Sluice", "peer", "plain TCP"].map((name, i) => ({
      name,
      values: own.map(({ samples }) => summarize(samples[i]!).cpu),
    }));
    return { title: `${runtimeNames[runtime]}, ${peer(runtime).name}`, series };
  });
  return {
    name: "connections",
    title: "CPU time of a message of 64 B by connections",
    kind: "lines",
    unit: "us",
    steps: [...new Set(outcomes.map(({ connections }) => connections.toLocaleString("en")))],
    panels,
  };
}

/** Numbers of connections. */
export const connections: Part = {
  name: "connections",
  async measure(options, progress): Promise<Report> {
    const outcomes = await measureConnections(shorter(options), progress);
    const rows = options.runtimes.map((runtime) => growthRow(outcomes, runtime));
    return {
      part: "connections",
      tables: [
        { title: "Connections, one message of 64 B in flight on each", rows: outcomes.map(row) },
        { title: `CPU time of a message, from ${FEW} to ${MANY} connections, times`, rows },
      ],
      checks: options.runtimes.map((runtime) => check(outcomes, runtime)),
      charts: [chartOf(outcomes, options)],
    };
  },
};

if (import.meta.main) await runPart(connections);
