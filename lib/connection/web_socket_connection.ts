/**
 * What a user of an open connection sees, on every runtime and in both roles.
 *
 * @module
 */

import type { Bytes } from "../protocol/bytes.ts";
import type { CloseInfo } from "../protocol/close_payload.ts";
import type { PreparedMessage } from "../protocol/prepared_message.ts";
import type { IncomingMessage } from "../streams/incoming_message.ts";
import type { ForEachOptions, MessageHandler } from "./for_each.ts";
import type { SendStreamOptions } from "./send_line.ts";
import type { UpgradeRequest } from "./upgrade_request.ts";

export { prepare, type PreparedMessage } from "../protocol/prepared_message.ts";
export type { Bytes } from "../protocol/bytes.ts";
export type { CloseInfo } from "../protocol/close_payload.ts";
export type { Message } from "../protocol/message_assembler.ts";
export type { IncomingMessage } from "../streams/incoming_message.ts";
export type { ForEachOptions, MessageHandler } from "./for_each.ts";
export type { SendStreamOptions } from "./send_line.ts";

/** What to close with. */
export interface CloseOptions {
  /** 1000, 1001, 1003, 1007 to 1014, or 3000 to 4999 (RFC 6455 §7.4). @default {1000} */
  closeCode?: number;
  /** Why; cut at 123 bytes of UTF-8, between two code points. @default {""} */
  reason?: string;
}

/** How to stream what is received. */
export interface IncomingOptions {
  /** The longest message, in bytes; a longer one closes with 1009. @default {the connection's limit} */
  maxMessageSize?: number;
}

/** What to ping with. */
export interface PingOptions {
  /** At most 125 bytes that the peer sends back. @default {four bytes that differ for each ping} */
  data?: Bytes;
  /** Gives up waiting for the answer. */
  signal?: AbortSignal;
}

/**
 * An open WebSocket connection.
 *
 * A binary message that was received is its receiver's own: its buffer holds nothing else, so it may be kept, changed, and
 * transferred to a worker or a stream of bytes.
 *
 * A message is delivered once, to whichever of the iterator, `forEach` and `readable` asks first. Leaving a `for await` loop
 * does not close the connection.
 *
 * A Close by the peer takes its place in the order of messages, and so does a protocol violation: it is answered when the
 * messages before it have been taken and the reader asks for more, and at the latest `closeTimeout` after it came. Until
 * then messages can be sent. If nobody has ever read, or all is read and the loop was left, it is answered at once.
 *
 * None of its promises becomes an unhandled rejection when ignored.
 *
 * @example Answer each message
 * ```ts ignore
 * for await (const message of socket) await socket.send(message);
 * ```
 */
export interface WebSocketConnection extends AsyncIterable<string | Uint8Array>, AsyncDisposable {
  /** The messages received; a chunk is a whole message. Cancelling it closes with 1000. */
  readonly readable: ReadableStream<string | Uint8Array>;
  /** Takes messages to send; a chunk is a whole message. Closing it closes with 1000, aborting it cuts the stream. */
  readonly writable: WritableStream<string | Bytes | PreparedMessage>;
  /** The request that asked for the connection, as the handler got it; `undefined` for a client's connection. */
  readonly request: UpgradeRequest<unknown> | undefined;
  /** The subprotocol that was agreed on; empty if none. */
  readonly protocol: string;
  /** The extensions that were agreed on, as in the header; empty if none. */
  readonly extensions: string;
  /** The bytes accepted for sending and not yet taken by the kernel, frame headers included. */
  readonly bufferedAmount: number;
  /** The latest round trip that was measured, in milliseconds, by `ping` or by keepalive; `undefined` before the first. */
  readonly roundTrip: number | undefined;
  /**
   * Sends a message: a string as text, anything else as binary, or what `prepare` made ready. The bytes are the caller's again when this returns.
   *
   * @returns Settles once less than the high-water mark is buffered: awaiting it is backpressure.
   * @throws {TypeError} If the data is neither a string nor bytes. If the connection is not open the promise rejects
   *   with a `WebSocketError` (`not-open`).
   */
  send(data: string | Bytes | PreparedMessage): Promise<void>;
  /**
   * Calls a function with each message. If it returns a promise, that is awaited before the next message; if not, the next
   * message follows at once, if one waits, until others have their turn.
   *
   * @param handle What to call; not before `forEach` has returned.
   * @param options `borrow`: whether binary messages are views, good until what `handle` returned has settled. Copy what
   *   is to be kept. @default {{ borrow: false }}
   * @returns Resolves at a clean end. Rejects with a `WebSocketError` if the connection fails or is lost, as the iterator
   *   does; or with what `handle` threw, or its promise rejected with: the connection stays open then, as after `break`, and
   *   the messages that follow can be read.
   * @throws {TypeError} If `handle` is not a function, or an option is wrong.
   *
   * @example Answer each message
   * ```ts ignore
   * await socket.forEach((message) => socket.send(message));
   * ```
   */
  forEach(handle: MessageHandler, options?: ForEachOptions): Promise<void>;
  /**
   * Streams what is received: each message comes at its first bytes, and is read as it comes. What is held of it is what
   * the connection reads unasked, and one read more; so `maxMessageSize` may be `Infinity` here. Compressed messages are
   * decompressed in steps of at most 1 MiB, as they are read.
   *
   * Until then messages are gathered, under the connection's limit: call it before anything is awaited. From the first call on
   * the connection has no whole messages any more: those that wait come here first, and
   * `readable`, `forEach` and the connection's own iterator fail with a `TypeError`.
   *
   * One message is read at a time. If the one before was not read to its end when the next is asked for, that waits as
   * long as its `readable` is locked; if it is not, nobody is reading, and what is left of it is thrown away. A message
   * that cannot be completed fails with the connection's error, or with `message-cut` if the connection was closed in
   * the middle of it.
   *
   * @throws {TypeError | RangeError} If somebody waits for a whole message; if the limit is none.
   *
   * @example Take a file of any size
   * ```ts ignore
   * const messages = socket.incoming({ maxMessageSize: Infinity });
   * for await (const message of messages) await message.readable.pipeTo(await openFile());
   * ```
   */
  incoming(options?: IncomingOptions): AsyncIterable<IncomingMessage, undefined>;
  /**
   * Sends a message whose content comes as a stream, in fragments of at most 64 KiB (RFC 6455 §5.4), uncompressed. The
   * source is read no faster than the peer takes it. Control frames go between; other messages wait until it is over, in
   * order, and count to `bufferedAmount` meanwhile. To close the connection cuts it off, and cancels the source.
   *
   * If the source fails, or has a chunk of a wrong type, the message cannot be completed: the connection is closed with
   * 1011, and the promise rejects with that error.
   *
   * @param source Strings for text, cut anywhere; anything with bytes for binary. A chunk must not be written to until
   *   the next is asked for.
   * @returns Settles when the message is sent, and less than the high-water mark is buffered.
   * @throws {TypeError} If the source is locked. If the connection is not open the promise rejects with a
   *   `WebSocketError` (`not-open`).
   */
  sendStream(source: ReadableStream<string | Bytes>, options?: SendStreamOptions): Promise<void>;
  /**
   * Sends a Ping (RFC 6455 §5.5.2).
   *
   * @returns The round trip, in milliseconds.
   * @throws {RangeError} If the data is over 125 bytes.
   */
  ping(options?: PingOptions): Promise<number>;
  /**
   * Starts the closing handshake (RFC 6455 §7.1.2). Does nothing if that has begun.
   *
   * @throws {RangeError} If the code must not be sent, or is 1002, which is for the library to send.
   */
  close(info?: CloseOptions): void;
  /** Cuts the stream without a closing handshake. `closed` rejects with a `WebSocketError` (`aborted`). */
  abort(reason?: unknown): void;
  /**
   * Resolves once both Close frames were exchanged, with the code and reason of the peer's. Rejects with a
   * `WebSocketError` if the connection failed or the stream ended without a Close. Messages received before that can
   * still be read.
   */
  readonly closed: Promise<CloseInfo>;
}

/** A connection that a server accepted. */
export interface ServerConnection<C = undefined> extends WebSocketConnection {
  /** The request that asked for it. */
  readonly request: UpgradeRequest<C>;
}
