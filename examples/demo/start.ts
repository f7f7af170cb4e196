/**
 * The start page: `/hello` tells what the server runs on, and sends back whatever is sent to measure the way.
 *
 * @module
 */

import process from "node:process";
import type { Feature } from "./feature.ts";

/** Makes the start page's share of the server. */
export function start(): Feature {
  return {
    doors: {
      "/hello": () => async (socket) => {
        await socket.send(JSON.stringify({ type: "hello", runtime: runtimeName() }));
        for await (const message of socket) await socket.send(message);
      },
    },
  };
}

/** The runtime and its version: Deno and Bun also claim to be some Node. */
function runtimeName(): string {
  const { bun, deno, node } = process.versions as Record<string, string>;
  if (bun !== undefined) return `Bun ${bun}`;
  return deno === undefined ? `Node ${node}` : `Deno ${deno}`;
}
