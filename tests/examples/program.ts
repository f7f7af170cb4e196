/**
 * A script of `examples/` in a process of its own, as its reader would run it.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { join, resolve } from "node:path";
import process from "node:process";
import { commandFor, type Runtime } from "../support/runtimes.ts";
import { afterPatience } from "../support/patience.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");

/** How long a program may take to start, or to stop, on an idle machine, in milliseconds. */
const LIMIT = 10_000;

// Without a listener these signals end the process, "exit" is never emitted, and the programs go on.
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

/** How a program ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running program. */
export class Program {
  /** Resolves when it has ended and everything that it wrote is in `output`. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  #output = "";
  #wake: () => void = () => {};

  /**
   * Starts a script.
   *
   * @param runtime What to run it on.
   * @param script Its path, from `examples/` on.
   * @param args Its arguments.
   */
  constructor(runtime: Runtime, script: string, args: readonly string[]) {
    const path = resolve(EXAMPLES, script);
    const [program, all] = commandFor(runtime, path, args);
    this.#child = spawn(program, all, {
      env: { ...process.env, NO_COLOR: "1" },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const kill = () => this.#child.kill("SIGKILL");
    process.once("exit", kill);
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#output += text;
        this.#wake();
      });
    }
    this.exited = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (code, signal) => {
        process.off("exit", kill);
        resolve({ code, signal });
      });
    });
    this.exited.then(() => this.#wake(), () => this.#wake());
  }

  /** Its process. */
  get pid(): number {
    return this.#child.pid!;
  }

  /** What it has written to stdout and stderr. */
  get output(): string {
    return this.#output;
  }

  /** Writes a line to its stdin. */
  type(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }

  /** Ends its stdin, as Ctrl-D does. */
  endInput(): void {
    this.#child.stdin!.end();
  }

  /** Waits for it to write something, and returns the pattern's first group. */
  async written(pattern: RegExp): Promise<string> {
    let over = "";
    const stop = (why: string) => {
      over = why;
      this.#wake();
    };
    const stopWaiting = afterPatience(LIMIT, () => stop(`within ${LIMIT} ms`));
    this.exited.then(() => stop("before it ended"), (error: Error) => stop(error.message));
    try {
      for (;;) {
        const found = pattern.exec(this.#output)?.[1];
        if (found !== undefined) return found;
        if (over !== "") throw new Error(`The program did not write ${pattern} ${over}: ${this.#output}`);
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      stopWaiting();
    }
  }

  /** Sends a signal and waits for the end; a program that stays is killed, which shows in how it ended. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Exit> {
    this.#child.kill(signal);
    const stopWaiting = afterPatience(LIMIT, () => this.#child.kill("SIGKILL"));
    try {
      return await this.exited;
    } finally {
      stopWaiting();
    }
  }
}

/**
 * Starts the demo on any free port; also returns where its pages are.
 *
 * @param runtime What to run it on.
 * @param flags More flags; `--port` here overrides the free one.
 */
export async function startDemo(
  runtime: Runtime,
  flags: readonly string[] = [],
): Promise<{ program: Program; url: string }> {
  const program = new Program(runtime, `demo/${runtime}.ts`, ["--port", "0", ...flags]);
  try {
    return { program, url: await program.written(/Sluice demo on (http:\S+)\n/) };
  } catch (error) {
    await program.stop("SIGKILL");
    throw error;
  }
}
