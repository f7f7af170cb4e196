/**
 * Starts a script on Node, Deno or Bun, for the tests that run on Node and talk to the others.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { afterPatience } from "./patience.ts";

/** The runtimes under test, in the order in which they are reported. */
export const runtimes = ["node", "deno", "bun"] as const;

/** One of the runtimes under test. */
export type Runtime = typeof runtimes[number];

/** What a script of a test can run on: a runtime under test, or what others wrote their peers for. */
export type Interpreter = Runtime | "python";

/** Says how to run a script on a runtime: the program, and its arguments. */
export function commandFor(
  runtime: Interpreter,
  script: string,
  args: readonly string[],
): [string, string[]] {
  // Debian's own, for which Debian's packages are; the one in PATH may be another.
  if (runtime === "python") return ["/usr/bin/python3", [script, ...args]];
  const flags = runtime === "deno" ? ["run", "-A", "--no-check"] : [];
  return [runtime, [...flags, script, ...args]];
}

/** What can be set when a server is started. */
export interface StartOptions {
  /** Environment variables besides those of the test itself. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long the server may take on an idle machine until it listens, in milliseconds. @default 20_000 */
  readonly timeout?: number;
}

/** A server in a process of its own. */
export interface RunningServer {
  /** What it printed behind `listening on`. */
  readonly url: string;
  readonly pid: number;
  /** Sends SIGTERM, and SIGKILL two seconds later; resolves when the process is gone. */
  stop(): Promise<void>;
  /** What it has written to stdout and stderr so far. */
  output(): string;
}

/**
 * Starts a server and resolves when it prints `listening on URL`.
 *
 * Rejects with what it wrote if it ends, or if it does not listen in time.
 */
export async function startServer(
  runtime: Interpreter,
  script: string,
  args: readonly string[],
  options: StartOptions = {},
): Promise<RunningServer> {
  const { env, timeout = 20_000 } = options;
  const [program, all] = commandFor(runtime, script, args);
  const child = spawn(program, all, {
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  keep(child);
  const written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => written[name] += text);
  }
  let stopWaiting = () => {};
  const listening = new Promise<string>((resolve, reject) => {
    const fail = (what: string) => {
      const told = written.stderr || written.stdout || "(it wrote nothing)";
      reject(new Error(`Cannot start ${script} on ${runtime}: ${what}\n${told}`));
    };
    child.stdout.on("data", () => {
      const address = /listening on (\S+)\s/.exec(written.stdout)?.[1];
      if (address !== undefined) resolve(address);
    });
    child.on("error", (error) => fail(error.message));
    child.on("close", (code, signal) => fail(`it ended with ${signal ?? `exit code ${code}`}`));
    stopWaiting = afterPatience(timeout, () => fail(`it did not listen within ${timeout} ms`));
  });
  try {
    const url = await listening;
    return { url, pid: child.pid!, stop: () => stop(child), output: () => written.stdout + written.stderr };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  } finally {
    stopWaiting();
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const stopWaiting = afterPatience(2_000, () => child.kill("SIGKILL"));
  await gone;
  stopWaiting();
}

/** The processes that must not outlive this one. */
const children = new Set<ChildProcess>();
let watching = false;

function keep(child: ChildProcess): void {
  children.add(child);
  child.once("exit", () => children.delete(child));
  if (watching) return;
  watching = true;
  process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")));
  // Without a listener these signals end the process, and "exit" is never emitted.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => process.exit(1));
}
