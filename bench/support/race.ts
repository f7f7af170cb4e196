/**
 * Several servers under the same load, in rounds that alternate.
 *
 * @module
 */

import type { EchoSpec, RoundRequest, RoundResult } from "../load/spec.ts";
import { type Contestant, type Running, start } from "./contestant.ts";
import { type Dialogue, startLoad } from "./dialogue.ts";
import type { BenchOptions } from "./options.ts";
import { cpuTime } from "./process_stats.ts";
import type { Progress } from "./progress.ts";
import { median } from "./statistics.ts";

/** One server's entry in a race: the server, and what is sent to it. */
export interface Entry {
  readonly contestant: Contestant;
  readonly load: Omit<EchoSpec, "port" | "plain">;
}

/** What one round showed of one server. */
export interface Sample extends RoundResult {
  /** Microseconds of the server's CPU time for each message. */
  readonly cpu: number;
  /** The share of the round in which the server was computing; above 1 where threads help it. */
  readonly busy: number;
}

/** All rounds of one server. */
export type Samples = readonly Sample[];

interface Runner {
  readonly server: Running;
  readonly load: Dialogue;
  readonly samples: Sample[];
}

/** How long an entry is under load before its rounds count, in milliseconds: the compilers are done by then. */
const WARM_UP = 700;

/** Measures the entries side by side; the result has their samples, in the same order. */
export async function race(
  entries: readonly Entry[],
  options: BenchOptions,
  progress: Progress,
): Promise<Samples[]> {
  const runners = await Promise.all(entries.map(enter));
  try {
    for (const { load } of runners) await load.ask({ time: Math.min(WARM_UP, options.time) });
    for (let round = 0; round < options.rounds; round++) {
      progress.say(`round ${round + 1} of ${options.rounds}`);
      // Whoever is first in one round is last in the next.
      const order = round % 2 === 0 ? runners : runners.toReversed();
      for (const runner of order) runner.samples.push(await play(runner, { time: options.time }));
    }
    return runners.map(({ samples }) => samples);
  } finally {
    await Promise.all(runners.map(({ load, server }) => load.end().then(() => server.stop())));
  }
}

async function enter({ contestant, load }: Entry): Promise<Runner> {
  const server = await start(contestant);
  const spec: EchoSpec = { ...load, port: server.port, plain: contestant.plain };
  return { server, load: await startLoad("bench/load/echo.ts", spec), samples: [] };
}

async function play({ server, load }: Runner, request: RoundRequest): Promise<Sample> {
  const used = cpuTime(server.pid);
  const began = performance.now();
  const result = await load.ask<RoundResult>(request);
  const cpu = cpuTime(server.pid) - used;
  return { ...result, cpu: cpu / result.messages, busy: cpu / (performance.now() - began) / 1_000 };
}

/** Takes the median of each figure. */
export function summarize(samples: Samples): Sample {
  const of = (key: keyof Sample) => median(samples.map((sample) => sample[key] ?? NaN));
  return {
    rate: of("rate"),
    messages: of("messages"),
    cpu: of("cpu"),
    busy: of("busy"),
    ...samples[0]?.p50 !== undefined && { p50: of("p50"), p99: of("p99") },
  };
}

/** One figure of every round. */
export function series(samples: Samples, key: keyof Sample): number[] {
  return samples.map((sample) => sample[key] ?? NaN);
}
