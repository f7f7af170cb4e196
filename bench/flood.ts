/**
 * One connection floods a server with frames of one byte; how long do another's round trips take?
 *
 * @module
 */

import type { EchoSpec, RoundResult } from "./load/spec.ts";
import { type Contestant, peer, runtimeNames, sluice, start } from "./support/contestant.ts";
import { startLoad } from "./support/dialogue.ts";
import { type Part, runPart } from "./support/part.ts";
import { atMost, type Report } from "./support/report.ts";
import { median } from "./support/statistics.ts";

/** The 99th percentile that the second connection may see, in milliseconds. */
const MOST = 50;

/** More than the kernel's buffers and the server's hold together: there is always more to read. */
const FLOOD = { connections: 1, flight: 200_000, size: 1, content: "binary" } as const;
/** The shortest round, in milliseconds: long enough to have percentiles. */
const SHORTEST = 2_000;
const QUIET = { connections: 1, flight: 1, size: 64, content: "binary" } as const;

/** What the two connections saw. */
interface Outcome {
  /** Messages of the flood per second. */
  readonly flooded: number;
  /** Round trips of the other, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

async function measureFlood(contestant: Contestant, rounds: number, time: number): Promise<Outcome> {
  const server = await start(contestant);
  const spec = (load: Omit<EchoSpec, "port" | "plain">): EchoSpec => ({
    ...load,
    port: server.port,
    plain: false,
  });
  const flood = await startLoad("bench/load/echo.ts", spec(FLOOD));
  const quiet = await startLoad("bench/load/echo.ts", spec(QUIET));
  try {
    const outcomes: Outcome[] = [];
    for (let round = -1; round < rounds; round++) {
      const flooding = flood.ask<RoundResult>({ time: time + 100 });
      const { p50, p99 } = await quiet.ask<RoundResult>({ time });
      const { rate } = await flooding;
      // The first round was for the compilers.
      if (round >= 0) outcomes.push({ flooded: rate, p50: p50! / 1_000, p99: p99! / 1_000 });
    }
    const of = (key: keyof Outcome) => median(outcomes.map((outcome) => outcome[key]));
    return { flooded: of("flooded"), p50: of("p50"), p99: of("p99") };
  } finally {
    await flood.end();
    await quiet.end();
    await server.stop();
  }
}

/** A flood, and who suffers from it. */
export const flood: Part = {
  name: "flood",
  async measure({ runtimes, rounds, ...options }, progress): Promise<Report> {
    const time = options.quick ? SHORTEST / 2 : Math.max(options.time, SHORTEST);
    const rows = [];
    const checks = [];
    for (const runtime of runtimes) {
      progress.begin(`flood, ${runtimeNames[runtime]}`);
      const ours = await measureFlood(sluice(runtime), rounds, time);
      const theirs = await measureFlood(peer(runtime), rounds, time);
      rows.push({
        "runtime, peer": `${runtimeNames[runtime]}, ${peer(runtime).name}`,
        "flood through Sluice, frames/s": ours.flooded,
        "through the peer": theirs.flooded,
        "other's p50 ms, Sluice": ours.p50,
        "p50, peer": theirs.p50,
        "p99, Sluice": ours.p99,
        "p99, peer": theirs.p99,
      });
      checks.push(atMost(MOST, `Round trip beside a flood on ${runtimeNames[runtime]}, p99 in ms`, ours.p99));
    }
    return { part: "flood", tables: [{ title: "Beside a flood", rows }], checks, charts: [] };
  },
};

if (import.meta.main) await runPart(flood);
