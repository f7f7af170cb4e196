/**
 * {@linkcode MessageDecoderStream}: frames to messages.
 *
 * @module
 */

import { aFunction, aNumber } from "../options/checks.ts";
import { checkOptions, type OptionTable } from "../options/option_table.ts";
import { WebSocketError } from "../errors.ts";
import { readClosePayload } from "../protocol/close_payload.ts";
import { type Frame, isControl, isOpcode, Opcode } from "../protocol/frame.ts";
import { DEFAULT_MAX_SIZE } from "../protocol/frame_decoder.ts";
import { type Message, MessageAssembler } from "../protocol/message_assembler.ts";
import { type Codec, CodecStream } from "./codec_stream.ts";

/** What a {@linkcode MessageDecoderStream} does with the frames. */
export interface MessageDecoderStreamOptions {
  /** The longest message, in bytes, all its frames together. @default {1048576} */
  maxMessageSize?: number;
  /** Hears of each Ping and Pong; without it they are skipped. What it throws fails the stream. */
  onControl?: (frame: Frame) => void;
}

const messageDecoderTable: OptionTable<MessageDecoderStreamOptions> = {
  maxMessageSize: aNumber,
  onControl: aFunction,
};

/**
 * Puts messages together from frames (RFC 6455 §5.4): text as strings, checked to be UTF-8, binary as bytes.
 *
 * A binary message of one frame is that frame's payload; the buffer of any other holds nothing else.
 *
 * A Close frame ends `readable`, and what follows it is discarded. Messages that stood before a violation all come out,
 * then `readable` fails with a `WebSocketError`.
 *
 * @example Print the messages of a byte stream
 * ```ts
 * import { FrameDecoderStream, MessageDecoderStream } from "@sluice/websocket";
 *
 * const bytes = ReadableStream.from([Uint8Array.of(0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f)]);
 * const frames = bytes.pipeThrough(new FrameDecoderStream({ role: "client" }));
 * for await (const message of frames.pipeThrough(new MessageDecoderStream())) {
 *   console.log(message); // "Hello"
 * }
 * ```
 */
export class MessageDecoderStream implements TransformStream<Frame, Message> {
  /** Where the messages come out. */
  readonly readable: ReadableStream<Message>;
  /** Where the frames go in. */
  readonly writable: WritableStream<Frame>;

  /**
   * Makes a stream for one direction of one connection.
   *
   * @param options What to do with the frames.
   * @throws {TypeError | RangeError} If an option is wrong.
   */
  constructor(options: MessageDecoderStreamOptions = {}) {
    checkOptions("options", options, messageDecoderTable, "{ maxMessageSize: 65_536 }");
    ({ readable: this.readable, writable: this.writable } = new CodecStream(new MessageCodec(options)));
  }
}

/**
 * Checks that a chunk is a frame.
 *
 * @throws {TypeError} If it is none.
 */
export function checkFrame(frame: Frame): void {
  if (frame?.payload instanceof Uint8Array && isOpcode(frame.opcode)) return;
  throw new TypeError("Cannot decode messages: a chunk is no Frame");
}

class MessageCodec implements Codec<Frame, Message> {
  readonly #assembler: MessageAssembler;
  readonly #onControl: ((frame: Frame) => void) | undefined;
  #frame: Frame | undefined;
  #done = false;

  constructor({ maxMessageSize = DEFAULT_MAX_SIZE, onControl }: MessageDecoderStreamOptions) {
    this.#assembler = new MessageAssembler({ maxMessageSize });
    this.#onControl = onControl;
  }

  get done(): boolean {
    return this.#done;
  }

  push(frame: Frame): void {
    checkFrame(frame);
    this.#frame = frame;
  }

  next(): Message | undefined {
    const frame = this.#frame;
    this.#frame = undefined;
    if (frame === undefined) return undefined;
    if (!isControl(frame.opcode)) return this.#assembler.add(frame) as Message | undefined;
    if (frame.opcode !== Opcode.Close) this.#onControl?.(frame);
    else {
      readClosePayload(frame.payload);
      this.#done = true;
    }
    return undefined;
  }

  end(): void {
    if (this.#assembler.fragmented) throw new WebSocketError("connection-lost");
  }
}
