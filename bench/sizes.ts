/**
 * Messages from 16 bytes to 16 MiB, and what one of 64 MiB costs.
 *
 * @module
 */

import type { Runtime } from "../tests/support/runtimes.ts";
import { peer, plainSocket, runtimeNames, sluice } from "./support/contestant.ts";
import { formatSize } from "./support/load_name.ts";
import { type BenchOptions, shorter } from "./support/options.ts";
import { type Part, runPart } from "./support/part.ts";
import type { Progress } from "./support/progress.ts";
import { type Entry, race, type Sample, type Samples, series, summarize } from "./support/race.ts";
import { atMost, type Chart, type Report, type Row } from "./support/report.ts";
import { medianRatio } from "./support/statistics.ts";

const KIB = 1_024;
const MIB = 1_048_576;
const SIZES = [16, 256, 4 * KIB, 64 * KIB, MIB, 16 * MIB];
const CONNECTIONS = 4;

/** How many times the cost of 1 MiB a message of 64 MiB may have. */
const MOST = 70;

/** Sluice takes 1 MiB unless it is told otherwise. */
const ANY_SIZE = ["--max-message-size", String(128 * MIB)];

/** What a size showed on a runtime: Sluice, the peer, the plain socket. */
interface Outcome {
  readonly runtime: Runtime;
  readonly size: number;
  readonly samples: readonly Samples[];
}

/** As many in flight as make up 64 KiB, 16 at most. */
function loadOf(size: number): Entry["load"] {
  const flight = Math.max(1, Math.min(16, 64 * KIB / size));
  return { connections: CONNECTIONS, flight, size, content: "binary" };
}

async function measureSizes(options: BenchOptions, progress: Progress): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const size of options.quick ? [4 * KIB, MIB] : SIZES) {
    for (const runtime of options.runtimes) {
      progress.begin(`messages of ${formatSize(size)}, ${runtimeNames[runtime]}`);
      const contestants = [sluice(runtime, ANY_SIZE), peer(runtime), plainSocket(runtime)];
      const entries = contestants.map((contestant) => ({ contestant, load: loadOf(size) }));
      outcomes.push({ runtime, size, samples: await race(entries, options, progress) });
    }
  }
  return outcomes;
}

const speed = ({ rate }: Sample, size: number): number => rate * size / 1e6;

function row({ runtime, size, samples }: Outcome): Row {
  const [ours, theirs, plain] = samples.map(summarize);
  return {
    "size": formatSize(size),
    "runtime": runtimeNames[runtime],
    "Sluice, MB/s": speed(ours!, size),
    "peer": speed(theirs!, size),
    "plain TCP": speed(plain!, size),
    "ratio to peer": medianRatio(series(samples[0]!, "rate"), series(samples[1]!, "rate")),
    "to plain": medianRatio(series(samples[0]!, "rate"), series(samples[2]!, "rate")),
    "Sluice, us CPU each": ours!.cpu,
    "peer, us": theirs!.cpu,
    "plain, us": plain!.cpu,
  };
}

function chartOf(outcomes: readonly Outcome[], { runtimes }: BenchOptions): Chart {
  const panels = runtimes.map((runtime) => {
    const own = outcomes.filter((outcome) => outcome.runtime === runtime);
    const names = ["Sluice", "peer", "plain TCP"];
    const series = names.map((name, i) => ({
      name,
      values: own.map(({ size, samples }) => speed(summarize(samples[i]!), size)),
    }));
    return { title: `${runtimeNames[runtime]}, ${peer(runtime).name}`, series };
  });
  const steps = [...new Set(outcomes.map(({ size }) => formatSize(size)))];
  return { name: "sizes", title: "Echo by size of message", kind: "lines", unit: "MB/s", steps, panels };
}

/** Says how many times the CPU time of 1 MiB a message of 64 MiB takes, one at a time: Sluice, the plain socket. */
async function growth(runtime: Runtime, options: BenchOptions, progress: Progress): Promise<number[]> {
  progress.begin(`a message of 64 MiB, ${runtimeNames[runtime]}`);
  const entries = [sluice(runtime, ANY_SIZE), plainSocket(runtime)].flatMap((contestant) =>
    [64 * MIB, MIB].map((size) => ({
      contestant,
      load: { connections: 1, flight: 1, size, content: "binary" as const },
    }))
  );
  const costs = (await race(entries, options, progress)).map((samples) => series(samples, "cpu"));
  return [medianRatio(costs[0]!, costs[1]!), medianRatio(costs[2]!, costs[3]!)];
}

/** Sizes of messages. */
export const sizes: Part = {
  name: "sizes",
  async measure(options, progress): Promise<Report> {
    const outcomes = await measureSizes(shorter(options), progress);
    const largest = [];
    const checks = [];
    for (const runtime of options.runtimes) {
      const [ours, plain] = await growth(runtime, shorter(options), progress);
      largest.push({ "runtime": runtimeNames[runtime], "Sluice": ours!, "plain TCP": plain! });
      checks.push(atMost(MOST, `64 MiB on ${runtimeNames[runtime]}, CPU time to that of 1 MiB`, ours!));
    }
    return {
      part: "sizes",
      tables: [
        { title: `Sizes of messages, ${CONNECTIONS} connections`, rows: outcomes.map(row) },
        { title: "CPU time of 64 MiB, times that of 1 MiB, one in flight", rows: largest },
      ],
      checks,
      charts: [chartOf(outcomes, options)],
    };
  },
};

if (import.meta.main) await runPart(sizes);
