/**
 * A load in a process of its own, which answers lines of JSON with lines of JSON.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A load that runs. */
export interface Dialogue {
  readonly pid: number;
  /** Sends a request and resolves to the answer. */
  ask<Answer>(request: object): Promise<Answer>;
  /** Ends the load. */
  end(): Promise<void>;
}

/**
 * Starts a load on Bun, whose sockets cost the least, and resolves when it prints `ready`.
 *
 * @param script Its file.
 * @param spec Its argument.
 */
export async function startLoad(script: string, spec: object): Promise<Dialogue> {
  const child = spawn("bun", [script, JSON.stringify(spec)], { stdio: ["pipe", "pipe", "inherit"] });
  const gone = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { done, value } = await lines.next();
    if (done) throw new Error(`Cannot go on: ${script} ended`);
    return value;
  };
  const first = await next();
  if (first !== "ready") throw new Error(`Cannot start ${script}: it said ${first}`);
  return {
    pid: child.pid!,
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return JSON.parse(await next());
    },
    async end() {
      child.stdin.end();
      await gone;
    },
  };
}
