/**
 * The entry point of the runtime that the file runs on: tests and servers are written once for all three.
 *
 * @module
 */

import process from "node:process";

/** What all entry points have in common. */
export type Sluice = typeof import("../../lib/adapters/node.ts");

/** The name of the runtime that we are on. */
export const runtime: "node" | "deno" | "bun" = "Deno" in globalThis
  ? "deno"
  : "Bun" in globalThis
  ? "bun"
  : "node";

// Servers in processes of their own are checked in a test run, and not in a benchmark.
if (process.env.SLUICE_CHECKED_POOL === "1") await import("./checked_pool.ts");

const sluice: Sluice = await import(`../../lib/adapters/${runtime}.ts`);

/** Serves on the runtime that we are on. */
export const serve: Sluice["serve"] = sluice.serve;

/** Connects from the runtime that we are on. */
export const connect: Sluice["connect"] = sluice.connect;

/** The class of the runtime that we are on. */
export const WebSocketStream: Sluice["WebSocketStream"] = sluice.WebSocketStream;
