/**
 * Redis and NATS, each in a process of its own, on any of the three runtimes.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { accepts, onFreePort } from "./ports.ts";
import { findProgram } from "./requires.ts";
import { sleep } from "./serving.ts";

/** What there is to start. */
export type BrokerName = "redis" | "nats";

/** A broker in a process of its own, which keeps nothing on disk that outlives it. */
export class BrokerServer {
  readonly name: BrokerName;
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), "sluice-broker-"));
  readonly #more: readonly string[];
  #child: ChildProcess | undefined;
  #configured = false;

  private constructor(name: BrokerName, port: number, more: readonly string[]) {
    this.name = name;
    this.port = port;
    this.#more = more;
  }

  /**
   * Starts one, on a free port unless `port` says on which.
   *
   * @param name Which.
   * @param options `config`: what is written into its configuration file, `more`: arguments besides the usual ones.
   */
  static async start(
    name: BrokerName,
    options: { config?: string; more?: readonly string[]; port?: number } = {},
  ): Promise<BrokerServer> {
    const { config, more = [], port } = options;
    const startOn = async (port: number) => {
      const server = new BrokerServer(name, port, more);
      if (config !== undefined) server.configure(config);
      try {
        await server.resume();
      } catch (error) {
        await server.stop();
        throw error;
      }
      return server;
    };
    return await (port === undefined ? onFreePort(startOn) : startOn(port));
  }

  /** Writes a configuration file, which is read at the next start, or by `reload`. */
  configure(config: string): void {
    writeFileSync(this.#configFile, config);
    this.#configured = true;
  }

  /** Makes NATS read its configuration file again. */
  reload(): void {
    if (this.#child !== undefined) process.kill(this.#child.pid!, "SIGHUP");
  }

  /** Where clients connect. */
  get url(): string {
    return `${this.name}://127.0.0.1:${this.port}`;
  }

  /** Ends the process at once, as a crash would. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    process.off("exit", this.#killNow);
    if (hasEnded(child)) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  /** Stops the process without ending it: connections stay open, and nothing answers. */
  freeze(): void {
    if (this.#child !== undefined) process.kill(this.#child.pid!, "SIGSTOP");
  }

  /** Lets it go on. */
  thaw(): void {
    if (this.#child !== undefined) process.kill(this.#child.pid!, "SIGCONT");
  }

  /** Starts it again, on the same port. */
  async resume(): Promise<void> {
    const program = findProgram(`${this.name}-server`)!;
    const child = spawn(program, this.#arguments(), { stdio: "ignore" });
    this.#child = child;
    process.once("exit", this.#killNow);
    for (let attempt = 0; !await accepts(this.port) && !hasEnded(child); attempt++) {
      if (attempt > 200) throw new Error(`${program} does not listen`);
      await sleep(25);
    }
    // What accepts may be another's server, whose port it could not have.
    if (hasEnded(child)) throw new Error(`${program} ended instead of listening on ${this.port}`);
  }

  /** Removes what it has kept on disk, while it does not run. */
  forget(): void {
    rmSync(join(this.#folder, "jetstream"), { recursive: true, force: true });
  }

  /** Ends it and removes its files. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #arguments(): string[] {
    const port = `${this.port}`;
    const [config, settings] = this.name === "redis"
      ? [[], ["--bind", "127.0.0.1", ...this.#inMemory, "--dir", this.#folder]]
      : [["--config"], ["--addr", "127.0.0.1", "--jetstream", "--store_dir", this.#folder]];
    const configured = this.#configured ? [...config, this.#configFile] : [];
    return [...configured, "--port", port, ...settings, ...this.#more];
  }

  /** A sentinel knows of nothing that could be kept. */
  get #inMemory(): string[] {
    return this.#more.includes("--sentinel") ? [] : ["--save", "", "--appendonly", "no"];
  }

  get #configFile(): string {
    return join(this.#folder, "server.conf");
  }

  readonly #killNow = (): void => {
    this.#child?.kill("SIGKILL");
  };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
