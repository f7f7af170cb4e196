/**
 * Starts the servers that one test file needs, all at once, and stops them with it.
 *
 * @module
 */

import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { type Interpreter, type RunningServer, startServer } from "../support/runtimes.ts";

/** A script of `tests/servers/` and what to run it on. */
export interface ServerSpec {
  readonly runtime: Interpreter;
  readonly script: string;
  readonly args?: readonly string[];
  /** Environment variables besides those of the test itself. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Has servers started before the first test of the file and stopped after the last.
 *
 * @param specs The servers, by names of the caller's.
 * @param prepare What else is to be done before the first test. A second `before` would not wait for the first.
 * @returns What tells a server's URL, once they run.
 */
export function useServers(
  specs: Readonly<Record<string, ServerSpec>>,
  prepare: (urlOf: (name: string) => string) => Promise<void> = () => Promise.resolve(),
): (name: string) => string {
  const running = new Map<string, RunningServer>();
  const urlOf = (name: string) => {
    const server = running.get(name);
    if (server === undefined) throw new Error(`The server ${name} is not running`);
    return server.url;
  };
  before(async () => {
    await Promise.all(
      Object.entries(specs).map(async ([name, { runtime, script, args = [], env = {} }]) => {
        const path = fileURLToPath(new URL(`../servers/${script}`, import.meta.url));
        running.set(name, await startServer(runtime, path, args, { env }));
      }),
    );
    await prepare(urlOf);
  });
  after(() => Promise.all(Array.from(running.values(), (server) => server.stop())));
  return urlOf;
}
