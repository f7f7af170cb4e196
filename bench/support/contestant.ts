/**
 * The servers that are measured beside each other, each on its runtime in a process of its own.
 *
 * @module
 */

import { type RunningServer, type Runtime, startServer } from "../../tests/support/runtimes.ts";

/** A server to measure. */
export interface Contestant {
  readonly name: string;
  readonly runtime: Runtime;
  readonly script: string;
  readonly args: readonly string[];
  /** Whether it is a plain socket that knows no WebSocket. */
  readonly plain: boolean;
}

/** How a runtime is called in tables. */
export const runtimeNames: Readonly<Record<Runtime, string>> = { node: "Node", deno: "Deno", bun: "Bun" };

const PEERS: Readonly<Record<Runtime, { name: string; script: string }>> = {
  node: { name: "ws", script: "bench/peers/ws.ts" },
  deno: { name: "Deno.upgradeWebSocket", script: "bench/peers/deno.ts" },
  bun: { name: "Bun.serve", script: "bench/peers/bun.ts" },
};

/** Names the WebSocket server that a runtime's users have without Sluice. */
export function peer(runtime: Runtime, args: readonly string[] = []): Contestant {
  return { ...PEERS[runtime], runtime, args, plain: false };
}

/**
 * What Sluice's server is told beside its defaults: to ping whoever was silent for ten minutes, not half a minute, for a
 * server may have to wait that long for its turn, and a load expects nothing but replies. The peers are told the same.
 */
const ALWAYS = ["--hostname", "0.0.0.0", "--keepalive", "600000"];

/** Names Sluice's echo server; `args` are flags of `tests/servers/echo.ts`. */
export function sluice(runtime: Runtime, args: readonly string[] = []): Contestant {
  const script = "tests/servers/echo.ts";
  return { name: "Sluice", runtime, script, args: [...ALWAYS, ...args], plain: false };
}

/** Names the echo server of plain sockets: the floor of what a runtime can do. */
export function plainSocket(runtime: Runtime): Contestant {
  return { name: "plain TCP", runtime, script: `bench/plain/${runtime}.ts`, args: [], plain: true };
}

/** A contestant that runs. */
export interface Running extends RunningServer {
  readonly contestant: Contestant;
  readonly port: number;
}

/** Starts a contestant, with environment variables besides our own. */
export async function start(
  contestant: Contestant,
  env: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const server = await startServer(contestant.runtime, contestant.script, contestant.args, { env });
  return { ...server, contestant, port: Number(new URL(server.url).port) };
}
