/**
 * The flags that make Sluice compress as the peers do: every message, without context.
 *
 * @module
 */

import type { Runtime } from "../../tests/support/runtimes.ts";

const flags = (options: object): string[] => [
  "--compression",
  "--compression-options",
  JSON.stringify(options),
];

/** Flags of `tests/servers/echo.ts`: at ws's effort, and at that of Bun.serve, which cannot be set. */
export const deflateArgs: Readonly<Record<Runtime, readonly string[]>> = {
  node: flags({ threshold: 0 }),
  deno: flags({ threshold: 0 }),
  bun: flags({ threshold: 0, windowBits: 15, memLevel: 8, level: 6 }),
};
