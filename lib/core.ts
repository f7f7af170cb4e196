/**
 * The protocol without I/O, for those who have their own: bytes and commands in, events and bytes out, no promise, timer or
 * stream. {@linkcode ServerOpening} and {@linkcode ClientOpening} are the opening handshake, {@linkcode Endpoint} is all that
 * comes after it, of both roles. See docs/core.md for how to drive them.
 *
 * @example Two ends without anything between them
 * ```ts
 * import { Endpoint } from "@sluice/websocket/core";
 *
 * const limits = { maxMessageSize: 1_048_576, maxEmptyFragments: 1_024 };
 * const client = new Endpoint({ role: "client", ...limits });
 * const server = new Endpoint({ role: "server", ...limits });
 * client.sendMessage("Hello");
 * server.receive(client.output.take());
 * console.log(server.next()); // "Hello"
 * ```
 *
 * @module
 */

export * from "./errors.ts";

export { acceptKey, generateKey, isValidKey, type Sha1 } from "./handshake/accept_key.ts";
export * from "./handshake/client_opening.ts";
export * from "./handshake/compression.ts";
export { type Extension, formatExtension, parseExtensions } from "./handshake/extensions.ts";
export type { HeadersInput } from "./handshake/field_lines.ts";
export {
  type HeadLimits,
  type HeadParser,
  type RequestHead,
  RequestHeadParser,
  type ResponseHead,
  ResponseHeadParser,
} from "./handshake/head_parser.ts";
export { HeaderFields } from "./handshake/header_fields.ts";
export type { HostPolicy } from "./handshake/host.ts";
export type { OriginPolicy } from "./handshake/origin.ts";
export {
  bodyLength,
  isUpgrade,
  type ProtocolChoice,
  type UpgradeOffer,
} from "./handshake/server_handshake.ts";
export * from "./handshake/server_opening.ts";

export type { CloseInfo } from "./protocol/close_payload.ts";
export * from "./protocol/endpoint.ts";
export { type Frame, isControl, isOpcode, Opcode, type Role } from "./protocol/frame.ts";
export type { Message, MessagePart } from "./protocol/message_assembler.ts";
export { type EncodedMessage, prepare, type PreparedMessage } from "./protocol/prepared_message.ts";
export type { Lender, ReadTarget } from "./protocol/read_buffers.ts";
export type { SendBuffer } from "./protocol/send_buffer.ts";
export { type Happening, LIFE, type Life, type State, type Step } from "./protocol/state.ts";
