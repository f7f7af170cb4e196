/**
 * What the entry points of all runtimes export besides `serve` and `connect`.
 *
 * @module
 */

export * from "../errors.ts";
export type { HeadersInput, ProtocolChoice } from "../handshake/server_handshake.ts";
export type { OriginPolicy } from "../handshake/origin.ts";
export type { AcceptOptions } from "../connection/accept.ts";
export type { ConnectOptions } from "../connection/connect.ts";
export type { Limits } from "../connection/limits.ts";
export type { RemoteAddress } from "../connection/transport.ts";
export type { UpgradeRequest } from "../connection/upgrade_request.ts";
export type {
  Bytes,
  CloseInfo,
  CloseOptions,
  Message,
  PingOptions,
  WebSocketConnection,
} from "../connection/web_socket_connection.ts";
export type { ErrorContext, Handler, ServeOptions } from "./serve_options.ts";
export type { Server, ServerAddress, ServerCloseOptions } from "./server.ts";
