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

import { type ConnectOptions, openConnection } from "../connection/connect.ts";
import type { WebSocketConnection } from "../connection/web_socket_connection.ts";
import {
  type WebSocketStreamConstructor,
  type WebSocketStreamInstance,
  webSocketStreamOver,
} from "../connection/web_socket_stream.ts";
import type { Handler, ServeOptions } from "../server/serve_options.ts";
import { type Server, startServer } from "../server/server.ts";
import { callers } from "./callers.ts";
import { nodeNet } from "./node_net.ts";
import { sha1 } from "./sha1.ts";
import { zlibCodec } from "./zlib/codec.ts";

export * from "../server/api.ts";
export { zlibCodec } from "./zlib/codec.ts";
export { attach, type Attached, type AttachOptions } from "./node_attach.ts";
export type { HttpServer, UpgradeListener } from "./node_router.ts";
export { type IncomingUpgrade, refuseUpgrade, upgrade, type UpgradeSocket } from "./node_upgrade.ts";

const platform = { ...nodeNet({ readsAhead: false }), codec: zlibCodec, sha1, callers };

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
