/**
 * Sluice on Node: servers and clients over `node:net`.
 *
 * @example An echo server, whole
 * ```ts no-eval
 * import { serve } from "@sluice/websocket/node";
 *
 * await serve({ port: 8080 }, ({ readable, writable }) => readable.pipeTo(writable));
 * ```
 *
 * @module
 */

import { type AddressInfo, connect as dialSocket, createServer } from "node:net";
import { type ConnectOptions, type DialTarget, openConnection } from "../connection/connect.ts";
import type { Transport } from "../connection/transport.ts";
import type { WebSocketConnection } from "../connection/web_socket_connection.ts";
import { HandshakeError } from "../errors.ts";
import type { Handler, ServeOptions } from "../server/serve_options.ts";
import { type Listen, type Server, startServer } from "../server/server.ts";
import { NodeTransport } from "./node_transport.ts";

export * from "../server/api.ts";

/**
 * Serves WebSocket, and plain HTTP through `fetch`, on a TCP port.
 *
 * @param options How to serve.
 * @param handler Runs once for each connection, which is closed when the promise settles.
 * @returns The running server.
 * @throws {TypeError | RangeError} If the options are wrong. An `EADDRINUSE` and the like if it cannot listen.
 */
export function serve<C = undefined>(options: ServeOptions<C>, handler: Handler<C>): Promise<Server> {
  return startServer(listenOn(options.hostname ?? "0.0.0.0", options.port ?? 0), options, handler);
}

/**
 * Connects to a server.
 *
 * @param url A `ws:` URL.
 * @param options How to connect.
 * @returns The open connection.
 * @throws {HandshakeError} If the server cannot be reached, takes too long, refuses or answers wrongly.
 * @throws {TypeError | RangeError | SyntaxError} If the URL or the options are wrong.
 */
export function connect(url: string | URL, options?: ConnectOptions): Promise<WebSocketConnection> {
  return openConnection(dial, url, options);
}

function listenOn(hostname: string, port: number): Listen {
  return (accept, onError) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.on("connection", (socket) => accept(new NodeTransport(socket)));
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, hostname, () => {
        server.off("error", reject);
        server.on("error", onError);
        const { address, port } = server.address() as AddressInfo;
        const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
        resolve({ address: { hostname: address, port }, close });
      });
    });
  };
}

function dial({ hostname, port, signal }: DialTarget): Promise<Transport> {
  const socket = dialSocket({ host: hostname, port, allowHalfOpen: true, noDelay: true });
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      socket.destroy();
      reject(signal.reason);
    };
    const onError = (cause: Error) => reject(new HandshakeError("unreachable", { cause }));
    signal.addEventListener("abort", onAbort);
    socket.once("error", onError);
    socket.once("connect", () => {
      signal.removeEventListener("abort", onAbort);
      socket.off("error", onError);
      resolve(new NodeTransport(socket));
    });
  });
}
