/**
 * Runs `client.ts`, or what does the same in Python, in a process of its own.
 *
 * @module
 */

import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterPatience } from "../support/patience.ts";
import { commandFor, type Interpreter } from "../support/runtimes.ts";
import type { Result } from "./client.ts";
import type { Target } from "./scenarios.ts";
import type { ClientCompression, ClientName } from "./session.ts";

const [SCRIPT, PYTHON_SCRIPT] = ["client.ts", "python_client.py"].map((name) =>
  fileURLToPath(new URL(name, import.meta.url))
) as [string, string];

/** How long a client may take for everything on an idle machine, in milliseconds. */
const TIMEOUT = 50_000;

/** What a client did: its results, and all that it wrote if something is missing. */
export interface ClientRun {
  /** Returns what a scenario came to; throws if it failed, or was never run. */
  value(target: string, scenario: string): unknown;
}

/** Sets how a client is run. */
export interface ClientOptions {
  /** Environment variables besides those of the test itself. */
  readonly env?: Readonly<Record<string, string>>;
  /** How to compress; more scenarios come with it. */
  readonly compression?: ClientCompression | undefined;
}

/**
 * Tries all scenarios on all targets.
 *
 * @param client The client to use.
 * @param runtime What it runs on.
 * @param targets The servers to connect to.
 * @param options What else is to be set.
 */
export async function runClient(
  client: ClientName | "websockets",
  runtime: Interpreter,
  targets: readonly Target[],
  { env = {}, compression }: ClientOptions = {},
): Promise<ClientRun> {
  const given = [JSON.stringify(targets)];
  if (compression !== undefined) given.push(JSON.stringify(compression));
  const command = client === "websockets"
    ? commandFor(runtime, PYTHON_SCRIPT, given)
    : commandFor(runtime, SCRIPT, [client, ...given]);
  const { output, errors } = await run(command, env);
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
function run(
  [program, args]: [string, string[]],
  env: Readonly<Record<string, string>>,
): Promise<{ output: string; errors: string }> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      stopWaiting();
      resolve({ output: stdout, errors: stderr || (error?.message ?? "") });
    });
    const stopWaiting = afterPatience(TIMEOUT, () => child.kill("SIGKILL"));
  });
}
