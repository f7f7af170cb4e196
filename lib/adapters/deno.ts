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
import {
  type WebSocketStreamConstructor,
  type WebSocketStreamInstance,
  webSocketStreamOver,
} from "../connection/web_socket_stream.ts";
import { HandshakeError } from "../errors.ts";
import type { Handler, ListenTarget, ServeOptions } from "../server/serve_options.ts";
import { type Listener, type Server, startServer } from "../server/server.ts";
import { callers } from "./callers.ts";
import { Deno, type DenoAddress, type DenoConn, type DenoListener, DenoTransport } from "./deno_transport.ts";
import { nodeNet } from "./node_net.ts";
import { sha1 } from "./sha1.ts";
import { zlibCodec } from "./zlib/codec.ts";

export * from "../server/api.ts";
export { zlibCodec } from "./zlib/codec.ts";

/** TLS, servers and clients alike. */
const tlsNet = nodeNet({ readsAhead: true });

const platform = { listen, dial, codec: zlibCodec, sha1, callers };

/**
 * Serves WebSocket, and plain HTTP through `fetch`, on a TCP port or a unix socket.
 *
 * @param options How to serve.
 * @param handler Runs once for each connection, which is closed when the promise settles.
 * @returns The running server.
 * @throws {TypeError | RangeError} If the options are wrong. An `EADDRINUSE` and the like if it cannot listen.
 */
export function serve<C = undefined>(options: ServeOptions<C>, handler: Handler<C>): Promise<Server<C>> {
  return startServer(platform, options, handler);
}

/**
 * Connects to a server.
 *
 * @param url A `ws:` or `wss:` URL.
 * @param options How to connect.
 * @returns The open connection.
 * @throws {HandshakeError} If the server cannot be reached, takes too long, refuses or answers wrongly.
 * @throws {TypeError | RangeError | SyntaxError} If the URL or the options are wrong.
 */
export function connect(url: string | URL, options?: ConnectOptions): Promise<WebSocketConnection> {
  return openConnection(platform, url, options);
}

/** Connects with the surface of the WHATWG's WebSocketStream proposal. */
export const WebSocketStream: WebSocketStreamConstructor = webSocketStreamOver(platform);

/** A client connection whose opening is a promise beside its closing. */
export type WebSocketStream = WebSocketStreamInstance;

/** How long to leave the listener alone when a socket cannot be accepted, in milliseconds. */
const ACCEPT_PAUSE = 50;

/** What Deno's `accept` throws for a peer that left while it waited to be accepted: the next may be accepted at once. */
const PEER_LEFT: ReadonlySet<unknown> = new Set(["NotConnected", "ConnectionReset", "ConnectionAborted"]);

/** How long a connection that is not wanted any more may still take to come, in milliseconds. */
const LATE_CONNECTION_TIME = 1_000;

// Async, so that what Deno.listen throws becomes a rejection.
async function listen(
  target: ListenTarget,
  accept: (transport: Transport) => void,
  onError: (error: unknown) => void,
): Promise<Listener> {
  const { hostname, port, path, tls } = target;
  const listener = path === undefined
    ? Deno.listen({ hostname, port })
    : Deno.listen({ transport: "unix", path });
  if (tls !== undefined) {
    // It has shown that we may listen: where that is not so, `node:net` throws where nobody can catch it.
    listener.close();
    return await tlsNet.listen(target, accept, onError);
  }
  let closing = false;
  const accepting = acceptAll(listener, {
    accept: (conn) => accept(new DenoTransport(conn)),
    isOver(error) {
      if (!closing) onError(error);
      return closing;
    },
  });
  return await Promise.resolve({
    address: path === undefined ? { hostname: listener.addr.hostname, port: listener.addr.port } : { path },
    close() {
      closing = true;
      listener.close();
      return accepting;
    },
  });
}

/** Accepts until the listener is closed; `isOver` hears of each failure and tells whether it is the last. */
async function acceptAll(
  listener: DenoListener,
  { accept, isOver }: { accept(conn: DenoConn): void; isOver(error: unknown): boolean },
): Promise<void> {
  for (;;) {
    try {
      accept(await listener.accept());
    } catch (error) {
      if (PEER_LEFT.has((error as Error).name)) continue;
      if (isOver(error)) return;
      await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE));
    }
  }
}

/**
 * Connects until a signal calls it off. The signal that Deno takes itself may reject and yet leave the connection open
 * that has come at that moment (2.9.6): what comes too late is closed here, and Deno only told of what does not come.
 */
function connectBy(address: DenoAddress, signal: AbortSignal): Promise<DenoConn> {
  const tooLate = new AbortController();
  const connecting = Deno.connect({ ...address, signal: tooLate.signal });
  return new Promise((resolve, reject) => {
    const settle = (call: () => void) => {
      signal.removeEventListener("abort", onAbort);
      call();
    };
    const onAbort = () => {
      const timer = setTimeout(() => tooLate.abort(), LATE_CONNECTION_TIME);
      connecting.then((conn) => conn.close(), () => {}).finally(() => clearTimeout(timer));
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort);
    connecting.then((conn) => settle(() => resolve(conn)), (error) => settle(() => reject(error)));
  });
}

async function dial(target: DialTarget): Promise<Transport> {
  const { hostname, port, path, tls, signal } = target;
  if (tls !== undefined) return await tlsNet.dial(target);
  try {
    const address = path === undefined ? { hostname, port } : { transport: "unix", path } as const;
    return new DenoTransport(await connectBy(address, signal));
  } catch (cause) {
    signal.throwIfAborted();
    throw new HandshakeError("unreachable", { cause });
  }
}
