/**
 * The two streams of a connection, made on first use: an idle pair costs more memory than the socket.
 *
 * @module
 */

import type { WebSocketError } from "../errors.ts";
import type { Bytes } from "../protocol/bytes.ts";
import type { Message } from "../protocol/message_assembler.ts";
import type { PreparedMessage } from "../protocol/prepared_message.ts";
import type { WebSocketConnection } from "./web_socket_connection.ts";

/** Where a readable gets its messages. */
export interface MessageSource {
  /** Waits for the next message, or the end. */
  next(): Promise<IteratorResult<Message, undefined>>;
  /** Takes all further messages that are there already. */
  takeReady(): Message[];
  /** Closes the connection. */
  cancel(): void;
}

/**
 * Makes the readable.
 *
 * Each pull moves all messages that wait, not one: reading from a stream's own queue costs 0.1 us a message, a pull
 * for each 0.5 us. Its mark is 0, so that it takes nothing before someone reads.
 */
export function messageReadable(source: MessageSource): ReadableStream<Message> {
  return new ReadableStream<Message>({
    async pull(controller) {
      const { done, value } = await source.next();
      if (done) return controller.close();
      controller.enqueue(value);
      for (const message of source.takeReady()) controller.enqueue(message);
    },
    cancel: () => source.cancel(),
  }, { highWaterMark: 0 });
}

/**
 * Makes the writable.
 *
 * @param connection Where its messages go.
 * @param options `highWaterMark`: how many bytes it holds; `onError`: takes whoever is to hear that the connection failed.
 */
export function messageWritable(
  connection: WebSocketConnection,
  options: { highWaterMark: number; onError: (listener: (error: WebSocketError) => void) => void },
): WritableStream<string | Bytes | PreparedMessage> {
  return new WritableStream<string | Bytes | PreparedMessage>({
    start: (controller) => options.onError((error) => controller.error(error)),
    write: (message) => connection.send(message),
    close: () => connection[Symbol.asyncDispose]() as Promise<void>,
    abort: (reason) => connection.abort(reason),
  }, { highWaterMark: options.highWaterMark, size: sizeOf });
}

function sizeOf(message: string | Bytes | PreparedMessage): number {
  return (typeof message === "string" ? message.length : message.byteLength) + 1;
}
