/**
 * Opening handshakes: how many connections a server opens per second, 64 at a time, and the CPU time for each.
 *
 * @module
 */

import type { Runtime } from "../tests/support/runtimes.ts";
import type { OpenRequest, OpenResult, OpenSpec } from "./load/spec.ts";
import { type Contestant, peer, plainSocket, runtimeNames, sluice, start } from "./support/contestant.ts";
import { startLoad } from "./support/dialogue.ts";
import { type Part, runPart } from "./support/part.ts";
import { cpuTime } from "./support/process_stats.ts";
import { atLeast, type Report } from "./support/report.ts";
import { median, medianRatio } from "./support/statistics.ts";

/** Sluice's share of the handshakes of its peer. */
const LEAST: Readonly<Record<Runtime, number>> = { node: 1, deno: 1, bun: 0.8 };

/** What each round of one server showed. */
interface Series {
  /** Handshakes per second. */
  readonly rates: number[];
  /** Microseconds of CPU time for each. */
  readonly costs: number[];
}

/** Starts a server; the function that comes back opens connections, notes how fast, and closes them. */
async function enter(contestant: Contestant) {
  const server = await start(contestant);
  const spec: OpenSpec = { port: server.port, plain: contestant.plain };
  const load = await startLoad("bench/load/open.ts", spec);
  const ask = (request: OpenRequest) => load.ask<OpenResult>(request);
  const rates: number[] = [];
  const costs: number[] = [];
  const play = async (count: number) => {
    const used = cpuTime(server.pid);
    const { time } = await ask({ open: count });
    costs.push((cpuTime(server.pid) - used) / count);
    rates.push(count / time * 1_000);
    await ask({ open: 0 });
  };
  const series: Series = { rates, costs };
  const end = () => load.end().then(() => server.stop());
  return { play, end, series };
}

async function measureHandshakes(runtime: Runtime, rounds: number, count: number): Promise<Series[]> {
  const runners = [];
  try {
    for (const contestant of [sluice(runtime), peer(runtime), plainSocket(runtime)]) {
      runners.push(await enter(contestant));
    }
    for (let round = -1; round < rounds; round++) {
      const order = round % 2 === 0 ? runners : runners.toReversed();
      for (const { play } of order) await play(count);
    }
    // The first round was for the compilers.
    return runners.map(({ series: { rates, costs } }) => ({ rates: rates.slice(1), costs: costs.slice(1) }));
  } finally {
    for (const { end } of runners) await end();
  }
}

/** Handshakes per second. */
export const handshakes: Part = {
  name: "handshakes",
  async measure({ runtimes, rounds, quick }, progress): Promise<Report> {
    const rows = [];
    const checks = [];
    for (const runtime of runtimes) {
      progress.begin(`handshakes, ${runtimeNames[runtime]}`);
      const [ours, theirs, plain] = await measureHandshakes(runtime, rounds, quick ? 1_000 : 4_000);
      const ratio = medianRatio(ours!.rates, theirs!.rates);
      rows.push({
        "runtime, peer": `${runtimeNames[runtime]}, ${peer(runtime).name}`,
        "Sluice, handshakes/s": median(ours!.rates),
        "peer": median(theirs!.rates),
        "plain TCP": median(plain!.rates),
        "ratio to peer": ratio,
        "Sluice, us CPU each": median(ours!.costs),
        "peer, us": median(theirs!.costs),
        "plain, us": median(plain!.costs),
      });
      checks.push(atLeast(LEAST[runtime], `Handshakes on ${runtimeNames[runtime]}, to the peer's`, ratio));
    }
    return { part: "handshakes", tables: [{ title: "Handshakes", rows }], checks, charts: [] };
  },
};

if (import.meta.main) await runPart(handshakes);
