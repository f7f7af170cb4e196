/**
 * What permessage-deflate costs and saves, for each window and effort: the memory of a connection that has used it both
 * ways, the share of its size that JSON has on the wire, the time of a round trip. Prints a table in Markdown.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { commandFor, type Runtime, runtimes } from "../tests/support/runtimes.ts";

interface Case {
  readonly takeover: boolean;
  readonly windowBits: number;
  readonly memLevel: number;
  readonly level: number;
}

interface Result {
  readonly memory: number;
  readonly speeds: readonly { ratio: number; time: number }[];
}

const CASES: readonly Case[] = [
  { takeover: false, windowBits: 12, memLevel: 5, level: 1 },
  { takeover: false, windowBits: 12, memLevel: 5, level: 6 },
  { takeover: false, windowBits: 15, memLevel: 8, level: 6 },
  { takeover: true, windowBits: 9, memLevel: 1, level: 1 },
  { takeover: true, windowBits: 10, memLevel: 3, level: 1 },
  { takeover: true, windowBits: 12, memLevel: 5, level: 1 },
  { takeover: true, windowBits: 12, memLevel: 5, level: 6 },
  { takeover: true, windowBits: 15, memLevel: 8, level: 1 },
  { takeover: true, windowBits: 15, memLevel: 8, level: 6 },
];

function run(runtime: Runtime, options: Case): Result {
  const [program, args] = commandFor(runtime, "bench/deflate_case.ts", [JSON.stringify(options)]);
  return JSON.parse(execFileSync(program, args, { encoding: "utf8" }));
}

console.log(
  "| takeover | window, memLevel, level | KiB per connection: Node, Deno, Bun | of 128 B | of 1 KiB | of 16 KiB | us on Node |",
);
console.log("| --- | --- | --- | --- | --- | --- | --- |");
for (const options of CASES) {
  const results = runtimes.map((runtime) => run(runtime, options));
  const { speeds } = results[0]!;
  const cells = [
    options.takeover ? "yes" : "no",
    [options.windowBits, options.memLevel, options.level].join(", "),
    results.map(({ memory }) => Math.max(0, memory).toFixed(0)).join(", "),
    ...speeds.map(({ ratio }) => ratio.toFixed(2)),
    speeds.map(({ time }) => time.toFixed(time < 10 ? 1 : 0)).join(", "),
  ];
  console.log(`| ${cells.join(" | ")} |`);
}
