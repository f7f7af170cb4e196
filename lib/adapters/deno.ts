/**
 * Sluice on Deno: servers and clients over `Deno.listen` and `Deno.connect`.
 *
 * @example An echo server, whole
 * ```ts no-eval
 * import { serve } from "@sluice/websocket/deno";
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
import { type DenoConn, DenoTransport } from "./deno_transport.ts";

export * from "../server/api.ts";

interface DenoListener {
  readonly addr: { hostname: string; port: number };
  accept(): Promise<DenoConn>;
  close(): void;
}

declare const Deno: {
  listen(options: { hostname: string; port: number }): DenoListener;
  connect(options: { hostname: string; port: number; signal?: AbortSignal }): Promise<DenoConn>;
};

/** How long to leave the listener alone when a socket cannot be accepted, in milliseconds. */
const ACCEPT_PAUSE = 50;

/**
 * Serves WebSocket, and plain HTTP through `fetch`, on a TCP port.
 *
 * @param options How to serve.
 * @param handler Runs once for each connection, which is closed when the promise settles.
 * @returns The running server.
 * @throws {TypeError | RangeError} If the options are wrong. A `Deno.errors.AddrInUse` and the like if it cannot listen.
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
  // Async, so that what Deno.listen throws becomes a rejection.
  return async (accept, onError) => {
    const listener = Deno.listen({ hostname, port });
    let closing = false;
    const accepting = acceptAll(listener, accept, (error) => {
      if (!closing) onError(error);
      return closing;
    });
    return await Promise.resolve({
      address: { hostname: listener.addr.hostname, port: listener.addr.port },
      close: () => {
        closing = true;
        listener.close();
        return accepting;
      },
    });
  };
}

/** Accepts until the listener is closed; `isOver` hears of each failure and tells whether it is the last. */
async function acceptAll(
  listener: DenoListener,
  accept: (transport: Transport) => void,
  isOver: (error: unknown) => boolean,
): Promise<void> {
  for (;;) {
    try {
      accept(new DenoTransport(await listener.accept()));
    } catch (error) {
      if (isOver(error)) return;
      await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE));
    }
  }
}

async function dial({ hostname, port, signal }: DialTarget): Promise<Transport> {
  try {
    return new DenoTransport(await Deno.connect({ hostname, port, signal }));
  } catch (cause) {
    signal.throwIfAborted();
    throw new HandshakeError("unreachable", { cause });
  }
}
