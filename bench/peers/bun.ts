/** Bun's own WebSocket, as an echo server. */
import process from "node:process";

interface BunServer {
  readonly port: number;
  upgrade(request: Request): boolean;
}

declare const Bun: {
  serve(options: {
    port: number;
    hostname: string;
    fetch(request: Request, server: BunServer): Response | undefined;
    websocket: {
      idleTimeout: number;
      maxPayloadLength: number;
      backpressureLimit: number;
      perMessageDeflate: boolean | { compress: string; decompress: string };
      message(
        socket: { send(data: string | Uint8Array, compress: boolean): void },
        data: string | Uint8Array,
      ): void;
    };
  }): BunServer;
};

const LARGEST = 134_217_728;
const compress = process.argv.includes("--compression");
const server = Bun.serve({
  port: 0,
  hostname: "0.0.0.0",
  fetch: (request, server) =>
    server.upgrade(request) ? undefined : new Response("No upgrade", { status: 426 }),
  websocket: {
    idleTimeout: 600, // seconds
    maxPayloadLength: LARGEST,
    backpressureLimit: 4 * LARGEST, // what is beyond is dropped
    // "shared" keeps no context.
    perMessageDeflate: compress && { compress: "shared", decompress: "shared" },
    message: (socket, data) => socket.send(data, compress),
  },
});
console.log(`listening on ws://127.0.0.1:${server.port}`);
