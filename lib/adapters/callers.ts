/**
 * Knowing who calls, on runtimes that have `node:async_hooks`.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import process from "node:process";
import type { Callers } from "../server/callers.ts";

/**
 * Whether it costs nothing to know: before Node 24 each promise in the process takes more than twice as long, once one
 * function has been called on somebody's behalf.
 */
function isCheap({ node, deno, bun }: Record<string, string | undefined>): boolean {
  return deno !== undefined || bun !== undefined || parseInt(node!) >= 24;
}

/** What the servers of a process share; `undefined` where it would cost too much. */
export const callers: Callers | undefined = isCheap(process.versions)
  ? new AsyncLocalStorage<object>()
  : undefined;
