/**
 * {@linkcode MessageStreamEncoderStream}: messages as streams to frames.
 *
 * @module
 */

import type { Bytes } from "../protocol/bytes.ts";
import type { Frame } from "../protocol/frame.ts";
import { messageFragments } from "./message_fragments.ts";

/** A message whose content comes as a stream; an `IncomingMessage` is one. */
export interface OutgoingMessage {
  /** Whether it is text or bytes. */
  readonly type: "text" | "binary";
  /** The content: strings for text, cut anywhere; anything with bytes for binary. */
  readonly readable: ReadableStream<string | Bytes>;
}

/**
 * Makes frames of messages whose content comes as a stream (RFC 6455 §5.4): one for each chunk, of 64 KiB at most, and an
 * empty one that ends the message. A payload is a view of its chunk. Nothing is read before a frame is asked for.
 *
 * A content that fails, or has a chunk of a wrong type, fails the stream.
 *
 * @example Send a file as one message, over a stream of frames
 * ```ts
 * import { FrameEncoderStream, MessageStreamEncoderStream } from "@sluice/websocket";
 *
 * const file = new Blob(["more than memory holds"]).stream();
 * const messages = ReadableStream.from([{ type: "binary" as const, readable: file }]);
 * const bytes = messages.pipeThrough(new MessageStreamEncoderStream()).pipeThrough(new FrameEncoderStream());
 * for await (const chunk of bytes) console.log(chunk.length); // 24, then 2
 * ```
 */
export class MessageStreamEncoderStream implements TransformStream<OutgoingMessage, Frame> {
  /** Where the frames come out. */
  readonly readable: ReadableStream<Frame>;
  /** Where the messages go in. */
  readonly writable: WritableStream<OutgoingMessage>;
  /** Where the content under way comes from. */
  #reader: ReadableStreamDefaultReader<string | Bytes> | undefined;

  /** Makes a stream for one direction of one connection. */
  constructor() {
    const { readable, writable } = new TransformStream<OutgoingMessage>();
    const messages = readable.getReader();
    const frames = this.#framesOf(messages);
    this.writable = writable;
    this.readable = new ReadableStream<Frame>({
      async pull(controller) {
        const { done, value } = await frames.next();
        if (done) controller.close();
        else controller.enqueue(value as Frame);
      },
      cancel: async (reason) => {
        await Promise.all([messages.cancel(reason), this.#reader?.cancel(reason)]);
      },
    }, { highWaterMark: 0 });
  }

  async *#framesOf(
    messages: ReadableStreamDefaultReader<OutgoingMessage>,
  ): AsyncGenerator<Frame, void, undefined> {
    try {
      for (let read = await messages.read(); !read.done; read = await messages.read()) {
        this.#reader = read.value.readable.getReader();
        yield* messageFragments(this.#reader, read.value.type);
        this.#reader = undefined;
      }
    } catch (error) {
      await Promise.all([messages.cancel(error), this.#reader?.cancel(error).catch(() => {})]);
      throw error;
    }
  }
}
