/**
 * `serve` on an `http.Server` or `https.Server` that somebody else runs.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { ServerConnection } from "../connection/web_socket_connection.ts";
import { HandshakeError } from "../errors.ts";
import { checkOptions, type OptionTable } from "../options/option_table.ts";
import { wrongType } from "../options/wrong_type.ts";
import { Acceptor, type ServerCloseOptions } from "../server/acceptor.ts";
import {
  type Handler,
  resolveServerOptions,
  type ServerOptions,
  serverTable,
} from "../server/serve_options.ts";
import { callers } from "./callers.ts";
import { type HttpServer, pathnameOf, type Route, UpgradeRouter } from "./node_router.ts";
import { remoteAddressOf } from "./node_transport.ts";
import { fieldsOf, readRequest, takeSocket } from "./node_upgrade.ts";
import { sha1 } from "./sha1.ts";
import { zlibCodec } from "./zlib/codec.ts";

/** Options of {@linkcode attach}: those of `serve` but the address. */
export interface AttachOptions<C = undefined> extends ServerOptions<C> {
  /**
   * Which requests are for this handler: those of one path, or those for whose path a function returns `true`. It gets
   * `request.url.pathname`. Other requests are left to the server's other `upgrade` listeners, and get status 404 where
   * there are none.
   *
   * @default all
   */
  path?: string | ((pathname: string) => boolean);
}

/** What the options may be. */
const attachTable = (): OptionTable<AttachOptions<unknown>> => ({
  ...serverTable(),
  path: (value, name) => {
    if (typeof value !== "string" && typeof value !== "function") {
      throw wrongType(name, "a string or a function", value);
    }
  },
});

/** WebSocket on a server that somebody else runs. */
export interface Attached<C = unknown> extends AsyncDisposable {
  /** The connections that are open. */
  readonly connections: ReadonlySet<ServerConnection<C>>;
  /**
   * Stops: answers new upgrades with 503, closes open connections, waits for their handlers up to the timeout, then
   * cuts what is left. The HTTP server goes on; close it yourself. Calling it again waits for the same end.
   *
   * Handlers, `fetch` and `authorize` may await it: they wait for all but those that await it, and what they answer still
   * goes out.
   */
  close(options?: ServerCloseOptions): Promise<void>;
}

/**
 * Serves WebSocket on an `http.Server` that somebody else runs: Express, Fastify, Hono, or `node:http` itself.
 *
 * Everything is as with `serve`: origins, `authorize`, limits, errors, and the connection lives as long as its handler.
 * Plain requests are the server's own, and so are those for an upgrade to something other than WebSocket. Only if they
 * become `upgrade` events all the same, because another listener wants them or Node is older than 22.21, `fetch` answers
 * them.
 * Node's parser reads the heads, so its limits on them apply beside `maxHeadSize` and `maxHeaders`.
 *
 * @param server The server.
 * @param options How to serve.
 * @param handler Runs once for each connection, which is closed when the promise settles.
 * @returns The open connections, and how to close them.
 * @throws {TypeError | RangeError} If the options are wrong, or the path is attached already.
 *
 * @example Beside whatever else the server does
 * ```ts no-eval
 * import { createServer } from "node:http";
 * import { attach } from "@sluice/websocket/node";
 *
 * const server = createServer((_request, response) => response.end("Hello"));
 * attach(server, { path: "/echo" }, async (socket) => {
 *   for await (const message of socket) await socket.send(message);
 * });
 * server.listen(8080);
 * ```
 */
export function attach<C = undefined>(
  server: HttpServer,
  options: AttachOptions<C>,
  handler: Handler<C>,
): Attached<C> {
  checkServer(server);
  checkOptions("options", options, attachTable(), '{ path: "/chat" }');
  const { path, signal } = options;
  const matches = readPath(path);
  const settings = resolveServerOptions(options, { codec: zlibCodec, sha1 }, () => hostnameOf(server));
  signal?.throwIfAborted();
  const acceptor = new Acceptor(settings, handler, { callers, release: () => router.remove(route) });
  const router = UpgradeRouter.of(server);
  const route: Route = {
    path,
    matches,
    fail: (error) => acceptor.report(error, { stage: "accept" }),
    tellRefused: (request, socket) =>
      acceptor.tellRefused(new HandshakeError("not-found"), {
        fields: fieldsOf(request),
        remoteAddress: remoteAddressOf(socket as unknown as Socket),
      }),
    async take(request, socket, head) {
      const channel = await takeSocket(socket);
      if (channel !== undefined) {
        acceptor.accept(
          channel,
          (opening) => readRequest(opening, { request, head, limits: settings.limits }),
        );
      }
    },
  };
  router.add(route);
  const close = (options?: ServerCloseOptions) => acceptor.close(options);
  signal?.addEventListener("abort", () => close(), { once: true, signal: acceptor.closing });
  return { connections: acceptor.connections, close, [Symbol.asyncDispose]: () => close() };
}

/** The address that a server listens on; it may do so only later. */
function hostnameOf(server: HttpServer): string | undefined {
  const address = server.address?.();
  return typeof address === "object" ? address?.address : undefined;
}

function checkServer(server: HttpServer): void {
  if (typeof server === "object" && typeof server?.on === "function") return;
  const hint = typeof server === "function" ? "; of an app, pass the server that listen() returns" : "";
  throw new TypeError(`Cannot attach: the server must be an http.Server, not ${typeof server}${hint}`);
}

/** Makes the function that tells whether a path is meant. */
function readPath(path: AttachOptions["path"]): (pathname: string) => unknown {
  if (path === undefined) return () => true;
  if (typeof path === "function") return path;
  const own = path.startsWith("/") && !/[?#]/.test(path) ? pathnameOf(path) : undefined;
  if (own === undefined) {
    throw new TypeError(`Cannot attach: path must be a path such as "/chat", not ${JSON.stringify(path)}`);
  }
  return (pathname) => pathname === own;
}
