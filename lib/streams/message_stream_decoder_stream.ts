/**
 * {@linkcode MessageStreamDecoderStream}: frames to messages as streams.
 *
 * @module
 */

import { aFunction, aNumber } from "../options/checks.ts";
import { checkOptions, type OptionTable } from "../options/option_table.ts";
import { WebSocketError } from "../errors.ts";
import { readClosePayload } from "../protocol/close_payload.ts";
import { type Frame, isControl, Opcode } from "../protocol/frame.ts";
import {
  isMessage,
  type Message,
  MessageAssembler,
  type MessagePart,
} from "../protocol/message_assembler.ts";
import type { IncomingMessage } from "./incoming_message.ts";
import { checkFrame } from "./message_decoder_stream.ts";
import { MessageInbox } from "./message_inbox.ts";

/** What a {@linkcode MessageStreamDecoderStream} does with the frames. */
export interface MessageStreamDecoderStreamOptions {
  /** The longest message, in bytes, all its frames together. @default {Infinity} */
  maxMessageSize?: number;
  /** How many bytes are taken unasked. @default {65536} */
  highWaterMark?: number;
  /** Hears of each Ping and Pong; without it they are skipped. What it throws fails the stream. */
  onControl?: (frame: Frame) => void;
}

const messageStreamDecoderTable: OptionTable<MessageStreamDecoderStreamOptions> = {
  maxMessageSize: aNumber,
  highWaterMark: aNumber,
  onControl: aFunction,
};

/**
 * Hands messages out at their first frame, their content as it comes (RFC 6455 §5.4): text as strings, checked to be
 * UTF-8 and cut between two code points, binary as bytes. What is held is `highWaterMark` bytes, and one frame more: let a
 * `FrameDecoderStream` make `pieces` of long ones.
 *
 * One message is read at a time. If the one before was not read to its end when the next is asked for, that waits as long
 * as its `readable` is locked; if it is not, what is left of it is thrown away. A Close frame ends `readable`, and what
 * follows it is discarded; at a violation the message under way fails with a {@linkcode WebSocketError}, then `readable`.
 *
 * @example Print a message as it comes
 * ```ts
 * import { FrameDecoderStream, MessageStreamDecoderStream } from "@sluice/websocket";
 *
 * const bytes = ReadableStream.from([Uint8Array.of(0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f)]);
 * const frames = bytes.pipeThrough(new FrameDecoderStream({ role: "client", pieces: true }));
 * for await (const message of frames.pipeThrough(new MessageStreamDecoderStream())) {
 *   for await (const part of message.readable) console.log(part); // "Hel", then "lo"
 * }
 * ```
 */
export class MessageStreamDecoderStream implements TransformStream<Frame, IncomingMessage> {
  /** Where the messages come out. */
  readonly readable: ReadableStream<IncomingMessage>;
  /** Where the frames go in: a write is done when there is room for another. */
  readonly writable: WritableStream<Frame>;

  readonly #assembler: MessageAssembler;
  readonly #highWaterMark: number;
  readonly #onControl: ((frame: Frame) => void) | undefined;
  readonly #inbox = new MessageInbox(() => this.#goOn());
  #done = false;
  /** Ends the wait of the writer for room. */
  #wake: (() => void) | undefined;

  /**
   * Makes a stream for one direction of one connection.
   *
   * @param options What to do with the frames.
   * @throws {TypeError | RangeError} If an option is wrong.
   */
  constructor(options: MessageStreamDecoderStreamOptions = {}) {
    checkOptions("options", options, messageStreamDecoderTable, "{ maxMessageSize: 65_536 }");
    const { maxMessageSize = Infinity, highWaterMark = 65_536 } = options;
    this.#assembler = new MessageAssembler({ maxMessageSize, streaming: true });
    this.#highWaterMark = highWaterMark;
    this.#onControl = options.onControl;
    this.writable = new WritableStream<Frame>({
      write: (frame) => this.#write(frame),
      close: () => this.#close(),
      abort: (reason) => this.#inbox.end({ error: reason }),
    });
    this.readable = new ReadableStream<IncomingMessage>({
      pull: async (controller) => {
        const { done, value } = await this.#inbox.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => this.#cancel(),
    }, { highWaterMark: 0 });
  }

  get #full(): boolean {
    const { wanted, unread } = this.#inbox;
    return !this.#done && !wanted && unread >= this.#highWaterMark;
  }

  async #write(frame: Frame): Promise<void> {
    if (this.#done) return;
    try {
      this.#take(frame);
    } catch (error) {
      this.#inbox.end({ error });
      throw error;
    }
    while (this.#full) await new Promise<void>((resolve) => this.#wake = resolve);
  }

  #take(frame: Frame): void {
    checkFrame(frame);
    if (!isControl(frame.opcode)) return this.#put(this.#assembler.add(frame)!);
    if (frame.opcode !== Opcode.Close) return this.#onControl?.(frame);
    readClosePayload(frame.payload);
    this.#done = true;
    this.#inbox.end({});
  }

  #put(data: Message | MessagePart): void {
    this.#inbox.part(isMessage(data) ? { data, first: true, last: true } : data);
  }

  #close(): void {
    const cut = !this.#done && this.#assembler.fragmented;
    this.#inbox.end(cut ? { error: new WebSocketError("connection-lost") } : {});
    if (cut) throw new WebSocketError("connection-lost");
  }

  /** Discards what still comes. */
  #cancel(): void {
    this.#done = true;
    this.#goOn();
  }

  #goOn(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
