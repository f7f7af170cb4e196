/**
 * A server made with Bun's own WebSocket: echoes, and closes or pings first as `initiator.ts` does.
 *
 * `--compression shared|dedicated` sets `perMessageDeflate`.
 *
 * @module
 */

import process from "node:process";
import { type Certificate, certificateFromFlags } from "../support/certificate.ts";

/** The part of Bun that is used here. */
interface BunWebSocket {
  readonly data: URL;
  send(data: string | Uint8Array, compress?: boolean): number;
  ping(data: string): number;
  close(code: number, reason: string): void;
}

interface BunServer {
  readonly hostname: string;
  readonly port: number;
  upgrade(request: Request, options: { data: URL }): boolean;
}

declare const Bun: {
  serve(options: {
    hostname: string;
    port: number;
    tls?: Certificate;
    fetch(request: Request, server: BunServer): Response | undefined;
    websocket: {
      maxPayloadLength: number;
      backpressureLimit: number;
      perMessageDeflate?: { compress: string; decompress: string };
      open(socket: BunWebSocket): void;
      message(socket: BunWebSocket, data: string | Uint8Array): void;
      pong(socket: BunWebSocket, data: Uint8Array): void;
    };
  }): BunServer;
};

/** The largest message that a test sends, in bytes, and more. */
const LARGEST = 134_217_728;

const tls = certificateFromFlags();
const flag = process.argv.indexOf("--compression");
const compressor = flag < 0 ? undefined : process.argv[flag + 1];

const { hostname, port } = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  ...tls !== undefined && { tls },
  fetch: (request, server) =>
    server.upgrade(request, { data: new URL(request.url) })
      ? undefined
      : new Response("Expected a WebSocket\n", { status: 426 }),
  websocket: {
    // Bun takes 16 MiB unless told otherwise, and drops what its client does not read in time.
    maxPayloadLength: LARGEST,
    backpressureLimit: 2 * LARGEST,
    ...compressor !== undefined && { perMessageDeflate: { compress: compressor, decompress: compressor } },
    open(socket) {
      const { pathname, searchParams: asked } = socket.data;
      if (pathname === "/close") socket.close(Number(asked.get("code")), asked.get("reason") ?? "");
      if (pathname === "/ping") socket.ping(asked.get("data") ?? "");
    },
    message: (socket, data) => void socket.send(data, compressor !== undefined),
    pong(socket, data) {
      const right = new TextDecoder().decode(data) === socket.data.searchParams.get("data");
      socket.send(right ? "answered" : "answered wrongly");
    },
  },
});
console.log(`listening on ${tls === undefined ? "ws" : "wss"}://${hostname}:${port}`);
