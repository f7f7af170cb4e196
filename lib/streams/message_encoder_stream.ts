/**
 * {@linkcode MessageEncoderStream}: messages to frames.
 *
 * @module
 */

import { type Bytes, toBytes } from "../protocol/bytes.ts";
import { type Frame, Opcode } from "../protocol/frame.ts";

/**
 * Makes one frame of each message: Text of a string, Binary of anything with bytes (RFC 6455 §5.6). Lone surrogates
 * become U+FFFD. The frame's payload is a view of the bytes given, not a copy.
 *
 * Anything else fails the stream with a `TypeError`.
 *
 * @example Write messages as bytes
 * ```ts
 * import { FrameEncoderStream, MessageEncoderStream } from "@sluice/websocket";
 *
 * const messages = ReadableStream.from(["Hello", Uint8Array.of(1, 2, 3)]);
 * const bytes = messages.pipeThrough(new MessageEncoderStream()).pipeThrough(new FrameEncoderStream());
 * for await (const chunk of bytes) console.log(chunk.length); // 7, then 5
 * ```
 */
export class MessageEncoderStream extends TransformStream<string | Bytes, Frame> {
  /** Makes a stream for one direction of one connection. */
  constructor() {
    const encoder = new TextEncoder();
    super({
      transform(message, controller) {
        const frame = typeof message === "string"
          ? { opcode: Opcode.Text, payload: encoder.encode(message) }
          : { opcode: Opcode.Binary, payload: toBytes(message) };
        controller.enqueue({ fin: true, rsv1: false, ...frame });
      },
    });
  }
}
