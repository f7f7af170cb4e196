/**
 * Ports for servers that cannot be asked for any free one, on any of the three runtimes.
 *
 * @module
 */

import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** Where ports are looked for: below those that a kernel gives to whoever asks for any (32,768 and up on Linux). */
const FIRST = 10_000;
const COUNT = 20_000;

/** How often something is started before it is given up. */
const ATTEMPTS = 3;

/** One file for each port that a test has, with the id of its process: test files run beside each other. */
const FOLDER = join(tmpdir(), "sluice-ports");

const claimed: Set<number> = new Set();

/** Finds a port that nothing listens on, and that no other test has found before its process ends. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (claim(port) && await isFree(port)) return port;
  }
}

/**
 * Starts something on a free port: on another one if it fails, since the port may have been taken in the meantime.
 *
 * @param start Starts it; if it throws, nothing of it may be left.
 */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

/** Tells whether something listens on a port. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** Makes a port this process's own; tells whether it was nobody's. */
function claim(port: number): boolean {
  const file = join(FOLDER, `${port}`);
  mkdirSync(FOLDER, { recursive: true });
  try {
    writeFileSync(file, `${process.pid}`, { flag: "wx" });
  } catch {
    // That of a process which is no more is for the next one.
    if (!isAlive(file)) rmSync(file, { force: true });
    return false;
  }
  if (claimed.size === 0) process.once("exit", release);
  claimed.add(port);
  return true;
}

function isAlive(file: string): boolean {
  try {
    process.kill(Number(readFileSync(file, "utf8")), 0);
    return true;
  } catch (error) {
    // One that is being written has no id yet.
    return (error as { code?: string }).code !== "ESRCH";
  }
}

function release(): void {
  for (const port of claimed) rmSync(join(FOLDER, `${port}`), { force: true });
}

/** Tells whether one can listen on a port, on all addresses. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listening = once(server, "listening").then(() => true, () => false);
  server.listen(port);
  if (!await listening) return false;
  server.close();
  await once(server, "close");
  return true;
}
