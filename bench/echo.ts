/**
 * Echo throughput against the peers, side by side: every server in a process of its own, one load for all, rounds
 * interleaved, medians, ratios, and the CPU time that a message costs the server.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseArgs, promisify } from "node:util";
import { type Runtime, startServer } from "../tests/support/runtimes.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    loads: { type: "string", default: "64x16x64" },
    only: { type: "string", default: "node,deno,bun" },
    api: { type: "string", default: "iterate" },
    text: { type: "boolean", default: false },
    deflate: { type: "boolean", default: false },
    time: { type: "string", default: "1500" },
    json: { type: "boolean", default: false },
  },
});

const PEERS: readonly { runtime: Runtime; name: string; script: string }[] = [
  { runtime: "node", name: "ws", script: "bench/peers/ws.ts" },
  { runtime: "deno", name: "Deno.upgradeWebSocket", script: "bench/peers/deno.ts" },
  { runtime: "bun", name: "Bun.serve", script: "bench/peers/bun.ts" },
];

interface Sample {
  /** Messages echoed per second. */
  readonly rate: number;
  /** Microseconds of the server's CPU time per message. */
  readonly cpu: number;
}

interface Row {
  readonly load: string;
  readonly runtime: string;
  readonly peer: string;
  readonly sluice: Sample;
  readonly theirs: Sample;
  readonly ratio: number;
}

/** Ticks of CPU time that a process has used, each 10 ms: fields 14 and 15 of its stat. */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]!.split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

/** Starts a server, loads it, stops it. */
async function measure(runtime: Runtime, script: string, args: string[], load: string): Promise<Sample> {
  const [connections, flight, size] = load.split("x") as [string, string, string];
  const server = await startServer(runtime, script, args);
  try {
    const flags = ["--url", server.url, "--connections", connections, "--flight", flight, "--size", size];
    if (values.text) flags.push("--text");
    if (values.deflate) flags.push("--deflate");
    const running = promisify(execFile)("bun", ["bench/load.ts", ...flags, "--time", values.time]);
    let ticks = 0;
    running.child.stdout!.on("data", (text) => {
      if (`${text}`.startsWith("start")) ticks = cpuTicks(server.pid);
    });
    const { stdout } = await running;
    const used = cpuTicks(server.pid) - ticks;
    const { messages, rate } = JSON.parse(stdout.split("\n")[1]!);
    return { rate, cpu: used * 10_000 / messages };
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

/** Every message is compressed, without context, as the peer does it: what Bun.serve does cannot be set. */
const EFFORT: Readonly<Record<Runtime, string>> = {
  node: '{"threshold":0}',
  deno: '{"threshold":0}',
  bun: '{"threshold":0,"windowBits":15,"memLevel":8,"level":6}',
};
const effortFlags = (runtime: Runtime): string[] =>
  values.deflate ? ["--compression", "--compression-options", EFFORT[runtime]] : [];
const theirFlags = values.deflate ? ["--compression"] : [];

const rows: Row[] = [];
for (const load of values.loads.split(",")) {
  for (
    const { runtime, name, script } of PEERS.filter(({ runtime }) =>
      values.only.includes(runtime) && !(values.deflate && runtime === "deno")
    )
  ) {
    const ours: Sample[] = [];
    const theirs: Sample[] = [];
    for (let round = 0; round < Number(values.rounds); round++) {
      const ourFlags = ["--api", values.api, ...effortFlags(runtime)];
      ours.push(await measure(runtime, "tests/servers/echo.ts", ourFlags, load));
      theirs.push(await measure(runtime, script, theirFlags, load));
      process.stderr.write(`\r${load} ${runtime}: round ${round + 1} of ${values.rounds}   `);
    }
    const ratio = median(ours.map((sample, i) => sample.rate / theirs[i]!.rate));
    rows.push({ load, runtime, peer: name, sluice: summarize(ours), theirs: summarize(theirs), ratio });
  }
}
process.stderr.write("\r\x1b[K");

if (values.json) console.log(JSON.stringify(rows));
else {
  console.table(rows.map(({ load, runtime, peer, sluice, theirs, ratio }) => ({
    "connections x in flight x bytes": load,
    runtime,
    peer,
    "Sluice, messages/s": Math.round(sluice.rate),
    "peer, messages/s": Math.round(theirs.rate),
    "ratio": ratio.toFixed(2),
    "Sluice, us CPU each": sluice.cpu.toFixed(2),
    "peer, us CPU each": theirs.cpu.toFixed(2),
  })));
}
