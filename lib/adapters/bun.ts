/**
 * Sluice on Bun: servers and clients over `Bun.listen` and `Bun.connect`.
 *
 * @example An echo server, whole
 * ```ts no-eval
 * import { serve } from "@sluice/websocket/bun";
 *
 * await serve({ port: 8080 }, ({ readable, writable }) => readable.pipeTo(writable));
 * ```
 *
 * @module
 */

import { type ConnectOptions, type DialTarget, openConnection } from "../connection/connect.ts";
import type { Transport } from "../connection/transport.ts";
import type { WebSocketConnection } from "../connection/web_socket_connection.ts";
import { HandshakeError } from "../errors.ts";
import type { Handler, ServeOptions } from "../server/serve_options.ts";
import { type Listen, type Server, startServer } from "../server/server.ts";
import { type BunSocket, BunTransport } from "./bun_transport.ts";

export * from "../server/api.ts";

interface BunHandlers {
  open(socket: BunSocket): void;
  data(socket: BunSocket, bytes: Uint8Array): void;
  drain(socket: BunSocket): void;
  end(socket: BunSocket): void;
  close(socket: BunSocket, error?: unknown): void;
  error(socket: BunSocket, error: unknown): void;
  connectError?(socket: BunSocket, error: unknown): void;
}

interface BunSocketOptions {
  hostname: string;
  port: number;
  allowHalfOpen: boolean;
  socket: BunHandlers;
}

declare const Bun: {
  listen(options: BunSocketOptions): { hostname: string; port: number; stop(force?: boolean): void };
  connect(options: BunSocketOptions): Promise<BunSocket>;
};

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
  // Async, so that what Bun.listen throws becomes a rejection.
  return async (accept) => {
    const socket = handlers((socket) => accept(socket.data));
    const listener = Bun.listen({ hostname, port, allowHalfOpen: true, socket });
    return await Promise.resolve({
      address: { hostname: listener.hostname, port: listener.port },
      close: () => listener.stop(),
    });
  };
}

async function dial({ hostname, port, signal }: DialTarget): Promise<Transport> {
  const options = { hostname, port, allowHalfOpen: true, socket: handlers(() => {}) };
  const dialled = Bun.connect(options).catch((cause) => {
    throw new HandshakeError("unreachable", { cause });
  });
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  try {
    return (await Promise.race([dialled, aborted])).data;
  } catch (error) {
    dialled.then((socket) => socket.terminate(), () => {});
    throw error;
  }
}

/** Makes the handlers that all sockets of one server, or one client socket, share. */
function handlers(onOpen: (socket: BunSocket) => void): BunHandlers {
  return {
    open(socket) {
      socket.setNoDelay(true);
      socket.data = new BunTransport(socket);
      onOpen(socket);
    },
    data: (socket, bytes) => socket.data.takeBytes(bytes),
    drain: (socket) => socket.data.goOnWriting(),
    end: (socket) => socket.data.takeEnd(),
    close: (socket, error) => socket.data.takeLoss(error),
    // What follows is `close`.
    error: () => {},
    connectError: () => {},
  };
}
