/**
 * The clients and servers that others wrote, and ours, as they compress.
 *
 * @module
 */

import type { CompressionOptions } from "../../lib/handshake/compression.ts";
import { type Runtime, runtimes } from "../support/runtimes.ts";
import { type ClientSpec, type PeerSpec, sluiceClient, sluiceServer, sluiceStreamClient } from "./try_all.ts";

/** Windows kept both ways, as large as can be, and everything compressed. */
export const TAKEOVER: CompressionOptions = { contextTakeover: true, windowBits: 15, threshold: 0 };

const ws = { client: "ws", runtime: "node", pings: true, fragments: true } as const;

/** npm's `ws`, in several settings; first as it is unless told how. */
export const WS_CLIENTS: readonly [ClientSpec, ...ClientSpec[]] = [
  { ...ws, name: "npm's ws" },
  {
    ...ws,
    name: "npm's ws without takeover",
    compression: { serverNoContextTakeover: true, clientNoContextTakeover: true, threshold: 0 },
  },
  {
    ...ws,
    name: "npm's ws with small windows",
    compression: { serverMaxWindowBits: 9, clientMaxWindowBits: 10, zlibDeflateOptions: { level: 9 } },
  },
];

/** What the runtimes bring and compresses; that of Node only inflates. */
export const NATIVE_CLIENTS: readonly ClientSpec[] = [
  { name: "Node's WebSocket", client: "native", runtime: "node", pings: false, inflatesOnly: true },
  { name: "Bun's WebSocket", client: "native", runtime: "bun", pings: true },
];

/** What Deno brings, which does not compress. */
export const DENO_CLIENT: ClientSpec = {
  name: "Deno's WebSocket",
  client: "native",
  runtime: "deno",
  pings: false,
};

const python = { name: "Python's websockets", runtime: "python", pings: true, fragments: true } as const;

/** Python's `websockets`, as a client. */
export const PYTHON_CLIENT: ClientSpec = { ...python, client: "websockets" };

/** Python's `websockets`, as a server. */
export const PYTHON_SERVER: PeerSpec = {
  ...python,
  script: "../interop/python_server.py",
  args: ["--compression"],
};

function wsServer(how: string, options: object, answer: RegExp): PeerSpec {
  return {
    name: `npm's ws (${how})`,
    runtime: "node",
    script: "ws_echo.ts",
    pings: true,
    args: ["--compression", JSON.stringify(options)],
    fragments: true,
    answer,
  };
}

const NO_TAKEOVER = { serverNoContextTakeover: true, clientNoContextTakeover: true, threshold: 0 };

/** Servers made with npm's `ws`, in several settings; first as it is unless told how. */
export const WS_SERVERS: readonly [PeerSpec, ...PeerSpec[]] = [
  wsServer("default", {}, /^permessage-deflate/),
  wsServer("no takeover", NO_TAKEOVER, /(?=.*server_no_context_takeover)(?=.*client_no_context_takeover)/),
  wsServer("small windows", { clientMaxWindowBits: 9 }, /client_max_window_bits=9/),
];

/** Servers made with Bun's own: with one compressor for all connections, and with one for each. */
export const BUN_SERVERS: readonly [shared: PeerSpec, dedicated: PeerSpec] = [
  bunServer("shared"),
  bunServer("dedicated"),
];

function bunServer(compressor: string): PeerSpec {
  return {
    name: `Bun.serve (${compressor})`,
    runtime: "bun",
    script: "bun_echo.ts",
    pings: true,
    args: ["--compression", compressor],
  };
}

/** A server of ours that keeps windows wherever it may. */
export function takeoverServer(runtime: Runtime): PeerSpec {
  const server = sluiceServer(runtime);
  const args = ["--compression", "--compression-options", JSON.stringify(TAKEOVER)];
  return { ...server, name: `${server.name} (takeover)`, args };
}

/** A server of ours as it compresses unless told how. */
export function defaultServer(runtime: Runtime): PeerSpec {
  return { ...sluiceServer(runtime), args: ["--compression"] };
}

/** Clients of ours that keep windows wherever they may. */
export const takeoverClients: readonly ClientSpec[] = runtimes.map((runtime) => {
  const client = sluiceClient(runtime);
  return { ...client, name: `${client.name} (takeover)`, compression: TAKEOVER };
});

/** Clients of ours as they compress unless told how. */
export const defaultClients: readonly ClientSpec[] = runtimes.map(sluiceClient);

/** The same as streams. */
export const streamClients: readonly ClientSpec[] = runtimes.map(sluiceStreamClient);
