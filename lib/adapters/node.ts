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

import { once } from "node:events";
import { connect as connectTcp, createServer, isIP, type Server as NetServer, type Socket } from "node:net";
import { checkServerIdentity, connect as connectTls, createServer as createTlsServer } from "node:tls";
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
import { type Listener, type Server, type ServerAddress, startServer } from "../server/server.ts";
import { NodeTransport } from "./node_transport.ts";
import { sha1 } from "./sha1.ts";
import { zlibCodec } from "./zlib.ts";

export * from "../server/api.ts";
export { zlibCodec } from "./zlib.ts";
export { attach, type Attached, type AttachOptions } from "./node_attach.ts";
export type { HttpServer, UpgradeListener } from "./node_router.ts";
export { type IncomingUpgrade, refuseUpgrade, upgrade, type UpgradeSocket } from "./node_upgrade.ts";

const platform = { listen, dial, codec: zlibCodec, sha1 };

/**
 * Serves WebSocket, and plain HTTP through `fetch`, on a TCP port or a unix socket.
 *
 * @param options How to serve.
 * @param handler Runs once for each connection, which is closed when the promise settles.
 * @returns The running server.
 * @throws {TypeError | RangeError} If the options are wrong. An `EADDRINUSE` and the like if it cannot listen.
 */
export function serve<C = undefined>(options: ServeOptions<C>, handler: Handler<C>): Promise<Server> {
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

async function listen(
  target: ListenTarget,
  accept: (transport: Transport) => void,
  onError: (error: unknown) => void,
): Promise<Listener> {
  const { hostname, port, path, tls, handshakeTimeout } = target;
  const common = { allowHalfOpen: true, noDelay: true };
  // A socket that is stuck in its TLS handshake is known to nobody else, and would keep the server from closing.
  const sockets = new Set<Socket>();
  const server = tls === undefined
    ? createServer(common, (socket) => accept(new NodeTransport(socket, { fresh: true })))
    : createTlsServer(
      { ...common, ...tls, ...handshakeTimeout !== Infinity && { handshakeTimeout } },
      (socket) => accept(new NodeTransport(socket, { fresh: false })),
    );
  server.on("tlsClientError", (_, socket: Socket) => socket.destroy());
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(path === undefined ? { host: hostname, port } : { path });
  await once(server, "listening");
  server.on("error", onError);
  return { address: addressOf(server), close: () => closeServer(server, sockets) };
}

function addressOf(server: NetServer): ServerAddress {
  const address = server.address();
  if (typeof address === "string") return { path: address };
  return { hostname: address!.address, port: address!.port };
}

function closeServer(server: NetServer, sockets: Iterable<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of sockets) socket.destroy();
  return closed;
}

function dialSocket({ hostname, port, path, tls }: DialTarget): Socket {
  const where = { ...path === undefined ? { host: hostname, port } : { path }, allowHalfOpen: true };
  if (tls === undefined) return connectTcp(where);
  const { ca, serverName } = tls;
  return connectTls({
    ...where,
    ...ca !== undefined && { ca },
    // The extension that says the name has no room for addresses (RFC 6066 §3), which are checked all the same.
    servername: isIP(serverName) ? "" : serverName,
    checkServerIdentity: (_, certificate) => checkServerIdentity(serverName, certificate),
  });
}

function dial(target: DialTarget): Promise<Transport> {
  const { tls, signal } = target;
  const socket = dialSocket(target);
  socket.setNoDelay(true);
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      socket.destroy();
      reject(signal.reason);
    };
    const onError = (cause: Error) => reject(new HandshakeError("unreachable", { cause }));
    signal.addEventListener("abort", onAbort);
    socket.once("error", onError);
    socket.once(tls === undefined ? "connect" : "secureConnect", () => {
      signal.removeEventListener("abort", onAbort);
      socket.off("error", onError);
      resolve(new NodeTransport(socket, { fresh: tls === undefined }));
    });
  });
}
