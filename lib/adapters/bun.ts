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
import { Deferred } from "../connection/deferred.ts";
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
import { Bun, type BunHandlers, BunTransport } from "./bun_transport.ts";
import { sha1 } from "./sha1.ts";
import { zlibCodec } from "./zlib/codec.ts";

export * from "../server/api.ts";
export { zlibCodec } from "./zlib/codec.ts";

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

// Async, so that what Bun.listen throws becomes a rejection.
async function listen(
  { hostname, port, path, tls }: ListenTarget,
  accept: (transport: Transport) => void,
): Promise<Listener> {
  const socket = handlers({
    secure: tls !== undefined,
    onOpen: (transport) => accept(transport),
  });
  const where = path === undefined ? { hostname, port, ...tls && { tls } } : { unix: path };
  const listener = Bun.listen({ ...where, allowHalfOpen: true, socket });
  const address = path === undefined ? { hostname: listener.hostname, port: listener.port } : { path };
  return await Promise.resolve({ address, close: () => listener.stop() });
}

async function dial({ hostname, port, path, tls, signal }: DialTarget): Promise<Transport> {
  const ready = new Deferred<Transport>();
  const fail = (cause: unknown) => ready.reject(new HandshakeError("unreachable", { cause }));
  const socket = handlers({
    secure: tls !== undefined,
    // With TLS the socket opens before the server's certificate has been looked at.
    onOpen: (transport) => tls === undefined && ready.resolve(transport),
    onSecured: (transport, error) => error === null ? ready.resolve(transport) : fail(error),
    onClose: (error) => fail(error),
  });
  // Said outright: the default is what NODE_TLS_REJECT_UNAUTHORIZED says.
  const verified = tls && { ...tls, rejectUnauthorized: true };
  const where = path === undefined ? { hostname, port, ...verified && { tls: verified } } : { unix: path };
  const dialled = Bun.connect({ ...where, allowHalfOpen: true, socket });
  dialled.catch(fail);
  const onAbort = () => ready.reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    return await ready.promise;
  } catch (error) {
    dialled.then((socket) => socket.terminate(), () => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

interface Hooks {
  readonly secure: boolean;
  onOpen(transport: BunTransport): void;
  onSecured?(transport: BunTransport, error: unknown): void;
  onClose?(error: unknown): void;
}

/** Makes the handlers that all sockets of one server, or one client socket, share. */
function handlers({ secure, onOpen, onSecured, onClose }: Hooks): BunHandlers {
  return {
    open(socket) {
      socket.setNoDelay(true);
      socket.data = new BunTransport(socket, { secure });
      onOpen(socket.data);
    },
    data: (socket, bytes) => socket.data.takeBytes(bytes),
    drain: (socket) => socket.data.goOnWriting(),
    end: (socket) => socket.data.takeEnd(),
    close(socket, error) {
      onClose?.(error);
      socket.data.takeLoss(error);
    },
    // Without this handler Bun would not show us a socket before its TLS handshake is done, and we could not cut it.
    handshake(socket, success, error) {
      socket.data.handshaking = false;
      onSecured?.(socket.data, success ? null : error);
    },
    // What follows is `close`, or a rejection.
    error: () => {},
    connectError: () => {},
  };
}
