/**
 * Runs a server that collects its garbage when it is sent SIGUSR2: `collecting.ts SCRIPT ARGS`.
 *
 * Prints `collected` each time.
 *
 * @module
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

interface Collectors {
  Bun?: { gc(synchronous: boolean): void };
  /** V8's, when it is started with --expose-gc. */
  gc?(options: { type: "major"; execution: "sync"; flavor: "last-resort" }): void;
}

const scope = globalThis as Collectors;

/** Collects, and gives back what is free: else the holes that the garbage of handshakes leaves count for connections. */
function collect(): void {
  if (scope.Bun) scope.Bun.gc(true);
  else scope.gc!({ type: "major", execution: "sync", flavor: "last-resort" });
}

process.on("SIGUSR2", async () => {
  for (let i = 0; i < 3; i++) {
    collect();
    // Finalizers run, and allocators give pages back, in turns to come.
    await sleep(200);
  }
  console.log("collected");
});
const [script] = process.argv.splice(2, 1);
await import(pathToFileURL(script!).href);
