/**
 * Sluice: WebSocket (RFC 6455) on Web Streams, over any byte stream, on any runtime.
 *
 * Servers and clients on sockets are in `./node`, `./deno` and `./bun`. What is here needs none of them: the opening
 * handshake over a pair of streams, and the frames and messages as transform streams.
 *
 * @example A WebSocket between two ends of a pair of streams
 * ```ts
 * import { acceptStream, connectStream } from "@sluice/websocket";
 *
 * const up = new TransformStream<Uint8Array>();
 * const down = new TransformStream<Uint8Array>();
 * const [client, server] = await Promise.all([
 *   connectStream({ readable: down.readable, writable: up.writable }, "ws://localhost/"),
 *   acceptStream({ readable: up.readable, writable: down.writable }),
 * ]);
 * await client.send("Hello");
 * for await (const message of server) {
 *   console.log(message); // "Hello"
 *   break;
 * }
 * client.close();
 * await server.closed;
 * ```
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
} from "./lib/errors.ts";

export type { Extension } from "./lib/handshake/extensions.ts";
export { type Frame, Opcode } from "./lib/protocol/frame.ts";

export { acceptKey, generateKey } from "./lib/handshake/accept_key.ts";
export {
  type HeadLimits,
  type HeadParser,
  type RequestHead,
  RequestHeadParser,
  type ResponseHead,
  ResponseHeadParser,
} from "./lib/handshake/head_parser.ts";
export { HeaderFields } from "./lib/handshake/header_fields.ts";
export {
  checkUpgrade,
  chooseProtocol,
  type HeadersInput,
  type ProtocolChoice,
  type UpgradeOffer,
  writeAccept,
} from "./lib/handshake/server_handshake.ts";
export {
  checkUpgradeResponse,
  type ClientHandshakeOptions,
  type ExpectedAnswer,
  writeUpgradeRequest,
} from "./lib/handshake/client_handshake.ts";
export type { OriginPolicy } from "./lib/handshake/origin.ts";
export { requestUrl } from "./lib/handshake/request_url.ts";
export { parseWebSocketUrl } from "./lib/handshake/websocket_url.ts";

export * from "./lib/streams/frame_decoder_stream.ts";
export * from "./lib/streams/frame_encoder_stream.ts";
export {
  MessageDecoderStream,
  type MessageDecoderStreamOptions,
} from "./lib/streams/message_decoder_stream.ts";
export * from "./lib/streams/message_encoder_stream.ts";
export * from "./lib/streams/message_stream_decoder_stream.ts";
export * from "./lib/streams/message_stream_encoder_stream.ts";

export { acceptStream, type PendingUpgrade, receiveUpgrade } from "./lib/connection/accept.ts";
export type { AcceptOptions } from "./lib/connection/accept_options.ts";
export type { CompressionOptions, ContextTakeover, DeflateCodec } from "./lib/handshake/compression.ts";
export { type ConnectOptions, connectStream, type TlsConnectOptions } from "./lib/connection/connect.ts";
export type { KeepaliveOptions, Limits } from "./lib/connection/limits.ts";
export * from "./lib/connection/to_web_socket.ts";
export type { ByteStream } from "./lib/connection/stream_transport.ts";
export type { RemoteAddress } from "./lib/connection/transport.ts";
export type { UpgradeRequest } from "./lib/connection/upgrade_request.ts";
export * from "./lib/connection/web_socket_connection.ts";
