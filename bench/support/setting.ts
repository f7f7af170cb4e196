/**
 * The machine, the date and the versions that figures belong to.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { type BenchOptions } from "./options.ts";

/** What figures depend on. */
export interface Setting {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  /** GiB. */
  readonly memory: number;
  readonly kernel: string;
  readonly versions: Readonly<Record<"Node" | "Deno" | "Bun" | "ws", string>>;
  readonly rounds: number;
  /** Milliseconds of a round. */
  readonly time: number;
}

const version = (program: string, args: string[]): string =>
  /\d+\.\d+\.\d+/.exec(execFileSync(program, args, { encoding: "utf8" }))![0];

/** Reads the setting of this run. */
export function readSetting({ rounds, time }: BenchOptions): Setting {
  const { version: ws }: { version: string } = createRequire(import.meta.url)("ws/package.json");
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memory: Math.round(totalmem() / 2 ** 30),
    kernel: release().split("-")[0]!,
    versions: {
      Node: version("node", ["--version"]),
      Deno: version("deno", ["--version"]),
      Bun: version("bun", ["--version"]),
      ws,
    },
    rounds,
    time,
  };
}

/** Writes the setting in a sentence. */
export function settingText({ date, cpu, cores, memory, kernel, versions, rounds, time }: Setting): string {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ");
  return `${date}: ${cores} cores of ${cpu}, ${memory} GiB, Linux ${kernel}; ${list}; ` +
    `${rounds} rounds of ${time / 1_000} s.`;
}

/** Warns if others use the machine: rates are not worth much then, CPU times and ratios are. */
export function loadWarning(): string | undefined {
  const load = loadavg()[0]!;
  if (load < availableParallelism() / 2) return undefined;
  return `The machine is busy (load ${load.toFixed(1)}): trust CPU times, and ratios, more than rates`;
}
