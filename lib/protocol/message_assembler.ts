/**
 * Data frames in, messages out (RFC 6455 §5.4, §8.1).
 *
 * @module
 */

import { WebSocketError } from "../errors.ts";
import { ByteCollector } from "./byte_collector.ts";
import { type Frame, Opcode } from "./frame.ts";
import { decodeUtf8, Utf8Validator } from "./utf8.ts";

/** A whole message: text as a string, binary as bytes. */
export type Message = string | Uint8Array;

/** Puts the fragments of a message together, in one buffer however many there are. */
export class MessageAssembler {
  readonly #maxMessageSize: number;
  /** What the message under way is made of; `undefined` between messages. */
  #opcode: Opcode | undefined;
  #collector: ByteCollector | undefined;
  #validator: Utf8Validator | undefined;

  /**
   * Makes an assembler.
   *
   * @param options `maxMessageSize`: the longest message, in bytes. A frame decoder that watches over it has seen the
   *   headers and fails earlier. @default {Infinity}
   */
  constructor(options: { maxMessageSize?: number } = {}) {
    this.#maxMessageSize = options.maxMessageSize ?? Infinity;
  }

  /** Whether a fragmented message is under way. */
  get fragmented(): boolean {
    return this.#opcode !== undefined;
  }

  /**
   * Takes the next data frame.
   *
   * @param frame A Text, Binary or Continuation frame. The payload of an unfragmented Binary becomes the message;
   *   all others are copied.
   * @param remaining How many bytes the message lacks after this frame, if known. @default {Infinity}
   * @returns The message that it completes, or `undefined`.
   * @throws {WebSocketError} `invalid-utf8` at the first byte that cannot be right, even in the middle of a message;
   *   `message-too-big`; `unexpected-continuation`, `expected-continuation`.
   */
  add(frame: Frame, remaining?: number): Message | undefined {
    if (frame.opcode !== Opcode.Continuation && this.#opcode === undefined && frame.fin) {
      return this.#whole(frame);
    }
    if (frame.opcode === Opcode.Continuation) {
      if (this.#opcode === undefined) throw new WebSocketError("unexpected-continuation");
    } else {
      if (this.#opcode !== undefined) throw new WebSocketError("expected-continuation");
      this.#begin(frame.opcode);
    }
    const collector = this.#collector!;
    if (collector.length + frame.payload.length > this.#maxMessageSize) {
      throw new WebSocketError("message-too-big");
    }
    if (this.#validator !== undefined && !this.#validator.write(frame.payload)) {
      throw new WebSocketError("invalid-utf8");
    }
    collector.append(frame.payload, remaining);
    return frame.fin ? this.#finish() : undefined;
  }

  /** Makes a message of an unfragmented frame. */
  #whole({ opcode, payload }: Frame): Message {
    if (payload.length > this.#maxMessageSize) throw new WebSocketError("message-too-big");
    return opcode === Opcode.Text ? decodeUtf8(payload) : payload;
  }

  #begin(opcode: Opcode): void {
    this.#opcode = opcode;
    this.#collector = new ByteCollector();
    if (opcode === Opcode.Text) this.#validator = new Utf8Validator();
  }

  #finish(): Message {
    const isText = this.#opcode === Opcode.Text;
    const bytes = this.#collector!.take();
    const complete = this.#validator?.end() ?? true;
    this.#opcode = this.#collector = this.#validator = undefined;
    if (!complete) throw new WebSocketError("invalid-utf8");
    return isText ? decodeUtf8(bytes) : bytes;
  }
}
