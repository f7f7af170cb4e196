/**
 * What the entry points of all runtimes export besides `serve` and `connect`.
 *
 * @module
 */

export {
  HandshakeError,
  type HandshakeErrorCode,
  type HandshakeErrorOptions,
  WebSocketError,
  type WebSocketErrorCode,
  type WebSocketErrorInit,
} from "../errors.ts";
export type { HeadersInput, ProtocolChoice } from "../handshake/server_handshake.ts";
export type { HostPolicy } from "../handshake/host.ts";
export type { OriginPolicy } from "../handshake/origin.ts";
export type { AcceptOptions } from "../connection/accept_options.ts";
export type {
  CompressionOptions,
  ContextTakeover,
  DeflateCodec,
  DeflateOptions,
  Deflater,
  InflateOptions,
  Inflater,
} from "../handshake/compression.ts";
export type { ConnectOptions, TlsConnectOptions } from "../connection/connect.ts";
export type { KeepaliveOptions, Limits } from "../connection/limits.ts";
export type { RemoteAddress } from "../connection/transport.ts";
export type { UpgradeRequest } from "../connection/upgrade_request.ts";
export {
  type Bytes,
  type CloseInfo,
  type CloseOptions,
  type ForEachOptions,
  type IncomingMessage,
  type IncomingOptions,
  type Message,
  type MessageHandler,
  type PingOptions,
  prepare,
  type PreparedMessage,
  type SendStreamOptions,
  type ServerConnection,
  type WebSocketConnection,
} from "../connection/web_socket_connection.ts";
export type {
  WebSocketOpenInfo,
  WebSocketStreamConstructor,
  WebSocketStreamInstance,
} from "../connection/web_socket_stream.ts";
export type { ServerCloseOptions } from "./acceptor.ts";
export type { ErrorContext, Handler, ServeOptions, ServerOptions, TlsServeOptions } from "./serve_options.ts";
export type { Server, ServerAddress } from "./server.ts";
export type { RefusedHandshake } from "./refused_handshake.ts";
