/**
 * Memory of idle connections: how much a server grows by 5,000 of them, behind 5,000 others.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Runtime } from "../tests/support/runtimes.ts";
import type { OpenRequest, OpenResult, OpenSpec } from "./load/spec.ts";
import {
  type Contestant,
  peer,
  plainSocket,
  type Running,
  runtimeNames,
  sluice,
  start,
} from "./support/contestant.ts";
import { startLoad } from "./support/dialogue.ts";
import { type Part, runPart } from "./support/part.ts";
import { residentMemory } from "./support/process_stats.ts";
import type { Progress } from "./support/progress.ts";
import { atMost, type Report } from "./support/report.ts";
import { median } from "./support/statistics.ts";

const WARM_UP = 5_000;
const CONNECTIONS = 5_000;

/** What an idle connection may take more than a plain socket, in KiB. */
const ALLOWED = 3;

/** Makes a server collect its garbage when it is asked to. */
function collecting(contestant: Contestant): Contestant {
  const { script, args } = contestant;
  return { ...contestant, script: "bench/support/collecting.ts", args: [script, ...args] };
}

/** What gives Node and Deno a `gc`; Bun has one. */
const GC = { NODE_OPTIONS: "--expose-gc", DENO_V8_FLAGS: "--expose-gc" };

/** Has the garbage collected; tells what is left, in KiB. */
async function collectedMemory({ pid, output }: Running): Promise<number> {
  const times = () => output().split("collected").length;
  const before = times();
  process.kill(pid, "SIGUSR2");
  while (times() === before) await sleep(20);
  return residentMemory(pid);
}

/** Measures a server once: KiB for each idle connection. */
async function measureOnce(contestant: Contestant): Promise<number> {
  const server = await start(collecting(contestant), GC);
  const spec: OpenSpec = { port: server.port, plain: contestant.plain };
  const load = await startLoad("bench/load/open.ts", spec);
  const grow = async (count: number) => {
    const request: OpenRequest = { open: count };
    await load.ask<OpenResult>(request);
    return collectedMemory(server);
  };
  try {
    // The heap grows with the garbage of handshakes too; behind so many it has, and 5,000 more show what they hold.
    const before = await grow(WARM_UP);
    return (await grow(CONNECTIONS) - before) / CONNECTIONS;
  } finally {
    await load.end();
    await server.stop();
  }
}

async function measureMemory(
  runtime: Runtime,
  rounds: number,
  progress: Progress,
): Promise<number[]> {
  const contestants = [sluice(runtime), peer(runtime), plainSocket(runtime)];
  const found: number[][] = contestants.map(() => []);
  for (let round = 0; round < rounds; round++) {
    progress.say(`round ${round + 1} of ${rounds}`);
    for (const [i, contestant] of contestants.entries()) found[i]!.push(await measureOnce(contestant));
  }
  return found.map(median);
}

/** Memory of idle connections. */
export const memory: Part = {
  name: "memory",
  async measure({ runtimes, rounds }, progress): Promise<Report> {
    const rows = [];
    const checks = [];
    for (const runtime of runtimes) {
      progress.begin(`memory of idle connections, ${runtimeNames[runtime]}`);
      const [ours, theirs, plain] = await measureMemory(runtime, rounds, progress);
      rows.push({
        "runtime, peer": `${runtimeNames[runtime]}, ${peer(runtime).name}`,
        "Sluice, KiB each": ours!,
        "peer": theirs!,
        "plain TCP": plain!,
        "Sluice above plain": ours! - plain!,
      });
      const what = `Idle connection on ${runtimeNames[runtime]}, KiB above the plain socket's`;
      checks.push(atMost(ALLOWED, what, ours! - plain!));
    }
    const title = `Memory of an idle connection, of ${CONNECTIONS}`;
    return { part: "memory", tables: [{ title, rows }], checks, charts: [] };
  },
};

if (import.meta.main) await runPart(memory);
