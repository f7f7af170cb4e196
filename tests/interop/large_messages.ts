/**
 * One large message from one process of Sluice to another, and what came of it.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { LargeReport } from "../servers/large.ts";
import { commandFor, type Runtime, startServer } from "../support/runtimes.ts";

const SCRIPT = fileURLToPath(new URL("../servers/large.ts", import.meta.url));

/** The most that a process may grow, in MiB. */
export const MOST = 40;

/** What both ends say, and how many MiB went through in a second. */
export interface LargeOutcome {
  readonly sent: LargeReport;
  readonly received: LargeReport;
  readonly rate: number;
}

/** Sends a message of so many MiB in one of the ways of `large.ts`. */
export async function sendLarge(runtime: Runtime, way: string, size: number): Promise<LargeOutcome> {
  const server = await startServer(runtime, SCRIPT, ["receive"]);
  try {
    const [program, args] = commandFor(runtime, SCRIPT, ["send", server.url, way, `${size}`]);
    const { stdout } = await promisify(execFile)(program, args);
    return JSON.parse(stdout) as LargeOutcome;
  } finally {
    await server.stop();
  }
}
