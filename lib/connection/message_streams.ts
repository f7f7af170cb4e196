/**
 * The two streams of a connection, made on first use: an idle pair costs more memory than the socket.
 *
 * @module
 */

import { WebSocketError } from "../errors.ts";
import type { Bytes } from "../protocol/bytes.ts";
import type { Message } from "../protocol/message_assembler.ts";
import type { PreparedMessage } from "../protocol/prepared_message.ts";
import type { CloseState, EndHolder } from "./close_state.ts";
import { setSource } from "./error_source.ts";
import type { CheckedLimits } from "./limits.ts";
import type { Borrower, ReadingObserver, ReceiveQueue } from "./receive_queue.ts";
import type { WebSocketConnection } from "./web_socket_connection.ts";

/** What the readable asks of its connection. */
export interface ReadableOwner extends ReadingObserver {
  /** Records that nothing more is wanted. */
  close(): void;
}

/**
 * Makes the readable.
 *
 * Each pull moves all messages that wait, not one: reading from a stream's own queue costs 0.1 us a message, a pull
 * for each 0.5 us. Its mark is 0, so that it takes nothing before someone reads. What it has taken when its reader leaves is
 * given back to who asks elsewhere.
 *
 * @param queue Where the messages wait.
 * @param owner Whose messages they are.
 */
export function messageReadable(queue: ReceiveQueue, owner: ReadableOwner): ReadableStream<Message> {
  let controller!: ReadableStreamDefaultController<Message>;
  let lent: Message[] = [];
  const unread = () => -(controller.desiredSize ?? 0);
  const stream = new ReadableStream<Message>({
    start: (own) => void (controller = own),
    async pull() {
      while (!queue.ready) {
        const arrival = queue.arrival(borrower);
        owner.asked();
        await arrival;
      }
      const messages = queue.lend(borrower);
      owner.asked();
      if (messages === undefined) return controller.close();
      lent = messages;
      for (const message of messages) controller.enqueue(message);
    },
    cancel: () => owner.close(),
  }, { highWaterMark: 0 });
  const borrower: Borrower = {
    get reading() {
      return stream.locked;
    },
    get unread() {
      return unread();
    },
    giveBack() {
      if (stream.locked || unread() === 0) return [];
      const back = lent.splice(-unread());
      const reader = stream.getReader();
      // What lies in the queue is read at once: these promises are settled already.
      for (const _ of back) reader.read();
      reader.releaseLock();
      return back;
    },
    fail(error) {
      const back = unread() === 0 ? [] : lent.splice(-unread());
      controller.error(error);
      return back;
    },
  };
  return stream;
}

/**
 * Makes the writable. An end of the peer's is not answered while chunks wait here: `size` sees each of them once.
 *
 * @param connection Where its messages go.
 * @param limits `highWaterMark`: how many bytes it holds.
 * @param closeState Tells when the connection ended.
 */
export function messageWritable(
  connection: WebSocketConnection & EndHolder,
  { highWaterMark }: CheckedLimits,
  closeState: CloseState,
): WritableStream<string | Bytes | PreparedMessage> {
  let writing: Promise<void> = Promise.resolve();
  let waiting = 0;
  let failed = false;
  const setWaiting = (count: number) => {
    if (waiting === 0 && count > 0) connection.holdEnd();
    if (waiting > 0 && count === 0) connection.releaseEnd();
    waiting = count;
  };
  return new WritableStream<string | Bytes | PreparedMessage>({
    start: (controller) =>
      closeState.listen((end) => {
        if (end instanceof WebSocketError) return controller.error(end);
        // Whoever pipes from a source with nothing to say must be told. A pipe from our own readable has seen its end by then.
        const error = setSource(new WebSocketError("not-open"), connection);
        const tell = () => void setTimeout(() => controller.error(error));
        writing.then(tell, tell);
      }),
    write: (message) => {
      try {
        return writing = connection.send(message);
      } catch (error) {
        failed = true;
        throw error;
      } finally {
        setWaiting(failed ? 0 : waiting - 1);
      }
    },
    close: () => connection[Symbol.asyncDispose]() as Promise<void>,
    abort: (reason) => connection.abort(reason),
    // With a mark of 0 a pipe would never begin.
  }, {
    highWaterMark: Math.max(1, highWaterMark),
    size: (message) => {
      if (!failed) setWaiting(waiting + 1);
      return sizeOf(message);
    },
  });
}

/** Anything that is not a message counts nothing: `send` says what was expected. */
function sizeOf(message: string | Bytes | PreparedMessage | null | undefined): number {
  return (typeof message === "string" ? message.length : Number(message?.byteLength) || 0) + 1;
}
