/**
 * Fan-out against the peers, side by side: one message to many members. Every server in a process of its own, one load
 * for all, rounds interleaved, medians, ratios, and the CPU time that a delivery costs the server.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { parseArgs, promisify } from "node:util";
import { type Runtime, startServer } from "../tests/support/runtimes.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    loads: { type: "string", default: "1000x1x64,1000x16x64" },
    only: { type: "string", default: "node,deno,bun" },
    time: { type: "string", default: "1500" },
    json: { type: "boolean", default: false },
  },
});

const PEERS: readonly { runtime: Runtime; name: string; script: string }[] = [
  { runtime: "node", name: "ws, loop", script: "bench/fanout_ws.ts" },
  { runtime: "deno", name: "its own, loop", script: "bench/fanout_deno.ts" },
  { runtime: "bun", name: "Bun.serve, publish", script: "bench/fanout_bun.ts" },
];

interface Sample {
  /** Deliveries per second. */
  readonly rate: number;
  /** Microseconds of the server's CPU time per delivery. */
  readonly cpu: number;
}

interface Row {
  readonly load: string;
  readonly runtime: string;
  readonly peer: string;
  readonly sluice: Sample;
  readonly theirs: Sample;
  /** Of the rates: more is better for Sluice. */
  readonly ratio: number;
  /** Of what a delivery costs, theirs through ours: more is better for Sluice. */
  readonly cpuRatio: number;
}

/** Ticks of CPU time that a process has used, each 10 ms: fields 14 and 15 of its stat. */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]!.split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

/** Starts a server, loads it, stops it. */
async function measure(runtime: Runtime, script: string, load: string): Promise<Sample> {
  const [members, flight, size] = load.split("x") as [string, string, string];
  const server = await startServer(runtime, script, []);
  try {
    const flags = ["--url", server.url, "--members", members, "--flight", flight, "--size", size];
    const running = promisify(execFile)("bun", ["bench/fanout_load.ts", ...flags, "--time", values.time]);
    let ticks = 0;
    running.child.stdout!.on("data", (text) => {
      if (`${text}`.startsWith("start")) ticks = cpuTicks(server.pid);
    });
    const { stdout } = await running;
    const used = cpuTicks(server.pid) - ticks;
    const { deliveries, rate } = JSON.parse(stdout.split("\n")[1]!);
    return { rate, cpu: used * 10_000 / deliveries };
  } finally {
    await server.stop();
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function summarize(samples: Sample[]): Sample {
  return { rate: median(samples.map(({ rate }) => rate)), cpu: median(samples.map(({ cpu }) => cpu)) };
}

const rows: Row[] = [];
for (const load of values.loads.split(",")) {
  for (const { runtime, name, script } of PEERS.filter(({ runtime }) => values.only.includes(runtime))) {
    const ours: Sample[] = [];
    const theirs: Sample[] = [];
    for (let round = 0; round < Number(values.rounds); round++) {
      ours.push(await measure(runtime, "tests/servers/echo.ts", load));
      theirs.push(await measure(runtime, script, load));
      process.stderr.write(`\r${load} ${runtime}: round ${round + 1} of ${values.rounds}   `);
    }
    const ratio = median(ours.map((sample, i) => sample.rate / theirs[i]!.rate));
    const cpuRatio = median(ours.map((sample, i) => theirs[i]!.cpu / sample.cpu));
    rows.push({
      load,
      runtime,
      peer: name,
      sluice: summarize(ours),
      theirs: summarize(theirs),
      ratio,
      cpuRatio,
    });
  }
}
process.stderr.write("\r\x1b[K");

if (values.json) console.log(JSON.stringify(rows));
else {
  console.table(rows.map(({ load, runtime, peer, sluice, theirs, ratio, cpuRatio }) => ({
    "members x in flight x bytes": load,
    runtime,
    peer,
    "Sluice, deliveries/s": Math.round(sluice.rate),
    "peer, deliveries/s": Math.round(theirs.rate),
    "ratio": ratio.toFixed(2),
    "Sluice, us CPU each": sluice.cpu.toFixed(2),
    "peer, us CPU each": theirs.cpu.toFixed(2),
    "CPU ratio": cpuRatio.toFixed(2),
  })));
}
