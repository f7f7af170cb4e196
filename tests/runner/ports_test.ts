import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "#std/assert";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { spawn } from "node:child_process";
import { commandFor, type Runtime, runtimes } from "../support/runtimes.ts";
import { accepts, freePort, onFreePort } from "../support/ports.ts";

const SCRIPT = fileURLToPath(new URL("find_ports.ts", import.meta.url));

/** A process that finds so many ports, and keeps them until it is told to end. */
async function find(runtime: Runtime, count: number): Promise<{ ports: number[]; end(): Promise<unknown> }> {
  const [program, args] = commandFor(runtime, SCRIPT, [`${count}`]);
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  const gone = once(child, "close");
  let written = "";
  child.stdout.setEncoding("utf8");
  for await (const text of child.stdout) {
    written += text;
    if (written.endsWith("]\n")) break;
  }
  const end = () => {
    child.stdin.end();
    return gone;
  };
  return { ports: JSON.parse(written), end };
}

test("ports: processes that look for free ports at once find different ones", async () => {
  const finders = await Promise.all([...runtimes, ...runtimes].map((runtime) => find(runtime, 100)));
  const found = finders.flatMap(({ ports }) => ports);
  assertEquals(found.length, 600);
  assertEquals(new Set(found).size, found.length);
  for (const port of found) assert(port < 32_768, `${port} may be given to whoever asks for any`);
  await Promise.all(finders.map(({ end }) => end()));
});

test("ports: one that somebody listens on is not free", async () => {
  const port = await freePort();
  assertEquals(await accepts(port), false);
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  assertEquals(await accepts(port), true);
  server.close();
  await once(server, "close");
});

test("ports: what cannot start on one port is started on another, and given up after the third", async () => {
  const tried: number[] = [];
  const start = (port: number) => {
    tried.push(port);
    return tried.length < 3 ? Promise.reject(new Error("EADDRINUSE")) : Promise.resolve(port);
  };
  assertEquals(await onFreePort(start), tried[2]);
  assertEquals(new Set(tried).size, 3);
  await assertRejects(() => onFreePort(() => Promise.reject(new Error("not at all"))), Error, "not at all");
});
