/**
 * The clients and servers that others wrote, as far as npm brings them.
 *
 * @module
 */

import type { ClientSpec, PeerSpec } from "./try_all.ts";

/** The clients. */
export const OTHER_CLIENTS: readonly ClientSpec[] = [
  { name: "npm's ws", client: "ws", runtime: "node", pings: true },
  { name: "Node's WebSocket", client: "native", runtime: "node", pings: false },
  { name: "Deno's WebSocket", client: "native", runtime: "deno", pings: false },
  { name: "Bun's WebSocket", client: "native", runtime: "bun", pings: true },
];

/** The servers: each script echoes and takes the first step. */
export const OTHER_SERVERS: readonly PeerSpec[] = [
  { name: "npm's ws", runtime: "node", script: "ws_echo.ts", pings: true },
  { name: "Deno.serve", runtime: "deno", script: "deno_echo.ts", pings: false },
  { name: "Bun.serve", runtime: "bun", script: "bun_echo.ts", pings: true },
];
