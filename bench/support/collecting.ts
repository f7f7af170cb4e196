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

const scope: { Bun?: { gc(synchronous: boolean): void }; gc?: (() => void) | undefined } = globalThis;

/** Node and Deno have `gc` when they are started with --expose-gc. */
const collect = scope.Bun ? () => scope.Bun!.gc(true) : scope.gc!;

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
