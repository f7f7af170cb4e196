/**
 * Runs `client.ts` in a process of its own.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { commandFor, type Runtime } from "../support/runtimes.ts";
import type { Result } from "./client.ts";
import type { Target } from "./scenarios.ts";
import type { ClientName } from "./session.ts";

const SCRIPT = fileURLToPath(new URL("client.ts", import.meta.url));

/** How long a client may take for everything, in milliseconds. */
const TIMEOUT = 50_000;

/** What a client did: its results, and all that it wrote if something is missing. */
export interface ClientRun {
  /** Returns what a scenario came to; throws if it failed, or was never run. */
  value(target: string, scenario: string): unknown;
}

/**
 * Tries all scenarios on all targets.
 *
 * @param client The client to use.
 * @param runtime What it runs on.
 * @param targets The servers to connect to.
 */
export async function runClient(
  client: ClientName,
  runtime: Runtime,
  targets: readonly Target[],
): Promise<ClientRun> {
  const [program, args] = commandFor(runtime, SCRIPT, [client, JSON.stringify(targets)]);
  const { output, errors } = await run(program, args);
  const lines = output.split("\n").filter((line) => line.startsWith("{"));
  const results = lines.map((line) => JSON.parse(line) as Result);
  return {
    value(target, scenario) {
      const result = results.find((result) => result.target === target && result.scenario === scenario);
      if (result === undefined) throw new Error(`The client did not come to this: ${errors || output}`);
      if (result.error !== undefined) throw new Error(result.error);
      return result.value;
    },
  };
}

/** Runs a program to its end, or to the end of its time. Never rejects: what is missing shows in the output. */
function run(program: string, args: readonly string[]): Promise<{ output: string; errors: string }> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: TIMEOUT, killSignal: "SIGKILL" }, (error, stdout, stderr) => {
      resolve({ output: stdout, errors: stderr || (error?.message ?? "") });
    });
  });
}
