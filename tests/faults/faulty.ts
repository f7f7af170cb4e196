/**
 * The server under strain in a process of its own, and what Linux tells of that process.
 *
 * @module
 */

import { assertEquals } from "#std/assert";
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Report } from "../servers/faults.ts";
import { COLLECTING } from "../support/heap.ts";
import { shareCertificate } from "../support/certificate.ts";
import { currentCertificate, overTls, securedClient } from "../support/links.ts";
import { requires } from "../support/requires.ts";
import { type RunningServer, type Runtime, startServer } from "../support/runtimes.ts";
import { settlesInTime, sleep } from "../support/serving.ts";
import { UPGRADE, Wire } from "../support/wire.ts";
import { Patience } from "../support/patience.ts";

/** The options of every test here: what a process holds is read from /proc. */
export const onLinux: { skip: false | string } = {
  skip: process.platform === "linux" ? false : "there is no /proc",
};

/** Whether they are those of the longest: `npm run test:soak`. */
export const soak: boolean = process.env.SLUICE_SOAK === "1";

/** The same for those that go over TLS. */
export const onLinuxWithTls: { skip: false | string } = onLinux.skip === false
  ? requires("openssl")
  : onLinux;

/** One mebibyte. */
export const MiB: number = 1 << 20;

/** What may come on top of every bound of memory: what the runtime takes for itself. */
export const SLACK: number = 16 * MiB;

/** A process that serves, and what is known of it. */
export class Subject {
  readonly port: number;
  readonly pid: number;
  readonly #server: RunningServer;

  constructor(server: RunningServer) {
    this.#server = server;
    this.port = Number(new URL(server.url).port);
    this.pid = server.pid;
  }

  /** Where clients connect. */
  urlOf(path: string): string {
    return `${currentCertificate() ? "wss" : "ws"}://127.0.0.1:${this.port}${path}`;
  }

  /** What the process has written so far. */
  output(): string {
    return this.#server.output();
  }

  /** Ends the process. */
  stop(): Promise<void> {
    return this.#server.stop();
  }

  /** Asks for a page of the server. */
  async page(path: string): Promise<{ status: number; body: string }> {
    const wire = await Wire.open(this.port);
    wire.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const text = new TextDecoder().decode(await wire.rest());
    wire.destroy();
    const [head = "", body = ""] = text.split("\r\n\r\n");
    return { status: Number(head.split(" ")[1]), body };
  }

  /** Asks what has become of the connections so far. */
  async report(): Promise<Report> {
    return JSON.parse((await this.page("/report")).body);
  }

  /** How much of the process is in memory, and was at most since {@linkcode Subject.forgetPeak}, in bytes. */
  memory(): { now: number; peak: number } {
    const status = readFileSync(`/proc/${this.pid}/status`, "latin1");
    const read = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)![1]) * 1024;
    return { now: read("VmRSS"), peak: read("VmHWM") };
  }

  /** Begins to measure the peak anew. */
  forgetPeak(): void {
    writeFileSync(`/proc/${this.pid}/clear_refs`, "5");
  }

  /** How many sockets the process has open, without those of the runtime's own: they are not of TCP. */
  sockets(): number {
    const unix = readFileSync(`/proc/${this.pid}/net/unix`, "latin1");
    const own = new Set(unix.split("\n").map((line) => `socket:[${line.split(/\s+/)[6]}]`));
    return this.#links().filter((link) => link.startsWith("socket:") && !own.has(link)).length;
  }

  /** Where the open files of the process lead to. */
  #links(): string[] {
    return readdirSync(`/proc/${this.pid}/fd`).flatMap((name) => {
      try {
        return [readlinkSync(`/proc/${this.pid}/fd/${name}`)];
      } catch {
        return []; // It was closed meanwhile.
      }
    });
  }

  /** How much time of a processor the process has used, in seconds. */
  cpu(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, "latin1");
    const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13);
    return (Number(user) + Number(system)) / 100;
  }

  /** Whether the process is there. */
  alive(): boolean {
    try {
      process.kill(this.pid, 0);
      return true;
    } catch {
      return false;
    }
  }
}

/** Runs something against a server; whatever that did, the server must have caught every error. */
export async function withServer(
  runtime: Runtime,
  args: readonly string[],
  run: (server: Subject) => Promise<void>,
  script = "faults.ts",
): Promise<void> {
  const path = fileURLToPath(new URL(`../servers/${script}`, import.meta.url));
  const certificate = currentCertificate();
  const shared = certificate && shareCertificate(certificate);
  const env = { ...COLLECTING, ...shared?.env };
  const server = new Subject(await startServer(runtime, path, args, { env }));
  try {
    await run(server).catch((error) => {
      if (server.alive() || script !== "faults.ts") throw error;
      throw new Error(`The server ended\n${server.output()}`, { cause: error });
    });
    if (script !== "faults.ts" || server.output().includes("exited with 0")) return;
    assertEquals(await settlesInTime(server.report(), 5_000), true, `it answers no more\n${server.output()}`);
    const { uncaught, settledTwice } = await server.report();
    assertEquals({ uncaught, settledTwice }, { uncaught: [], settledTwice: 0 });
  } finally {
    // A process that was stopped would not hear the signal that ends it.
    if (server.alive()) process.kill(server.pid, "SIGCONT");
    await server.stop();
    shared?.remove();
  }
}

/** Connects by hand, and shakes hands. */
export async function upgradeAt(server: Subject, path: string): Promise<Wire> {
  const wire = await Wire.open(server.port);
  wire.send(UPGRADE.replace("GET / ", `GET ${path} `));
  const head = await wire.head();
  if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(`Not upgraded: ${head}`);
  return wire;
}

/** Opens a socket that nobody reads from. */
export function openSocket(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.on("error", () => {});
      securedClient(socket).then((secured) => resolve(secured.on("error", () => {})), reject);
    });
  });
}

/** Shakes hands, and then reads no more. */
export async function upgradeSocket(socket: Socket, path: string): Promise<void> {
  socket.write(UPGRADE.replace("GET / ", `GET ${path} `));
  await new Promise((resolve) => socket.once("data", resolve));
  socket.pause();
}

/** Waits until something is so, for a time of an idle machine; fails with what was last known. Returns how long it took, in milliseconds. */
export async function within(
  time: number,
  look: () => Promise<unknown> | unknown,
  wanted: unknown,
): Promise<number> {
  const [patience, start] = [new Patience(time), performance.now()];
  for (;;) {
    const seen = await look();
    const took = performance.now() - start;
    if (JSON.stringify(seen) === JSON.stringify(wanted)) return took;
    if (patience.isOver) assertEquals(seen, wanted, `after ${Math.round(took)} ms`);
    await sleep(20);
  }
}

/**
 * The tests of one runtime that wait more than they work: one after the other, beside those of the other runtimes.
 * They begin when the file is loaded, and each test waits for its own.
 */
export class Lane {
  readonly #runtime: Runtime;
  #last: Promise<unknown> = Promise.resolve();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Adds a test, against a server started with these arguments. */
  test(name: string, args: readonly string[], run: (server: Subject) => Promise<void>): void {
    this.#add(name, onLinux, () => withServer(this.#runtime, args, run));
  }

  /** Adds two: the second goes over TLS. */
  testOverTcpAndTls(
    name: string,
    args: readonly string[],
    run: (server: Subject) => Promise<void>,
  ): void {
    this.test(name, args, run);
    this.testOverTls(name, args, run);
  }

  /** Adds the second of these alone. */
  testOverTls(name: string, args: readonly string[], run: (server: Subject) => Promise<void>): void {
    this.#add(
      `over TLS: ${name}`,
      onLinuxWithTls,
      () => overTls(() => withServer(this.#runtime, [...args, "--tls"], run)),
    );
  }

  #add(name: string, needs: { skip: false | string }, start: () => Promise<void>): void {
    const outcome = needs.skip === false ? this.#last.then(start) : Promise.resolve();
    this.#last = outcome.catch(() => {});
    test(`${this.#runtime}: ${name}`, needs, () => outcome);
  }
}

/** Tells of a figure that the test found, for whoever wants to see them: `SLUICE_FIGURES=1`. */
export function figure(...parts: readonly unknown[]): void {
  if (process.env.SLUICE_FIGURES === "1") console.log("#", ...parts);
}

/** A number of bytes in MiB, for people. */
export function inMiB(bytes: number): string {
  return `${(bytes / MiB).toFixed(1)} MiB`;
}
