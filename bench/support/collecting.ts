/**
 * Runs a server that collects its garbage when it is sent SIGUSR2: `collecting.ts SCRIPT ARGS`.
 *
 * Prints `collected` each time.
 *
 * @module
 */

import process from "node:process";
import { pathToFileURL } from "node:url";

const scope: { Bun?: { gc(synchronous: boolean): void }; gc?: (() => void) | undefined } = globalThis;

/** Node and Deno have `gc` when they are started with --expose-gc. */
const collect = scope.Bun ? () => scope.Bun!.gc(true) : scope.gc!;

process.on("SIGUSR2", () => {
  collect();
  // What the first one left to finalizers and to the next turn.
  setTimeout(() => {
    collect();
    console.log("collected");
  }, 50);
});
const [script] = process.argv.splice(2, 1);
await import(pathToFileURL(script!).href);
