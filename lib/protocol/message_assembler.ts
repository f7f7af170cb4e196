/**
 * Data frames in, messages out (RFC 6455 §5.4, §8.1).
 *
 * @module
 */

import { WebSocketError } from "../errors.ts";
import { ByteCollector } from "./byte_collector.ts";
import type { Inflater } from "./deflate_codec.ts";
import { type Frame, Opcode } from "./frame.ts";
import { decodeUtf8, Utf8Validator } from "./utf8.ts";

/** A whole message: text as a string, binary as bytes. */
export type Message = string | Uint8Array;

/** Puts the fragments of a message together, in one buffer however many there are. */
export class MessageAssembler {
  readonly #maxMessageSize: number;
  readonly #inflater: Inflater | undefined;
  /** What the message under way is made of; `undefined` between messages. */
  #opcode: Opcode | undefined;
  #compressed = false;
  #collector: ByteCollector | undefined;
  #validator: Utf8Validator | undefined;

  /**
   * Makes an assembler.
   *
   * @param options `maxMessageSize`: the longest message, in bytes, decompressed. A frame decoder that watches over it
   *   has seen the headers and fails earlier. @default {Infinity} `inflater`: decompresses messages whose first frame has
   *   RSV1; without one there must be none.
   */
  constructor(options: { maxMessageSize?: number; inflater?: Inflater | undefined } = {}) {
    this.#maxMessageSize = options.maxMessageSize ?? Infinity;
    this.#inflater = options.inflater;
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
   *   `message-too-big`, `invalid-deflate`; `unexpected-continuation`, `expected-continuation`.
   */
  add(frame: Frame, remaining?: number): Message | undefined {
    if (frame.opcode === Opcode.Continuation) {
      if (this.#opcode === undefined) throw new WebSocketError("unexpected-continuation");
    } else {
      if (this.#opcode !== undefined) throw new WebSocketError("expected-continuation");
      if (frame.fin && !frame.rsv1) return this.#whole(frame);
      this.#begin(frame);
    }
    if (this.#compressed) this.#inflate(frame);
    else this.#append(frame.payload, remaining);
    return frame.fin ? this.#finish() : undefined;
  }

  /**
   * Lends the memory where the next bytes of the message under way will lie.
   *
   * @param remaining How many bytes the message lacks, if known.
   * @returns `undefined` if they will not be gathered as they come.
   */
  room(remaining: number): Uint8Array | undefined {
    return this.#compressed ? undefined : this.#collector?.room(remaining);
  }

  /** Gives up the message under way. */
  close(): void {
    this.#inflater?.close();
    this.#collector?.discard();
    this.#opcode = this.#collector = this.#validator = undefined;
  }

  /** Makes a message of an unfragmented frame. */
  #whole({ opcode, payload }: Frame): Message {
    if (payload.length > this.#maxMessageSize) throw new WebSocketError("message-too-big");
    return opcode === Opcode.Text ? decodeUtf8(payload) : payload;
  }

  #begin({ opcode, rsv1, fin }: Frame): void {
    if (rsv1 && this.#inflater === undefined) throw new WebSocketError("reserved-bit");
    this.#opcode = opcode;
    this.#compressed = rsv1;
    this.#collector = new ByteCollector();
    // A message in one piece is checked when it is decoded.
    if (opcode === Opcode.Text && !fin) this.#validator = new Utf8Validator();
  }

  #inflate({ payload, fin }: Frame): void {
    try {
      this.#inflater!.write(payload, (bytes) => this.#append(bytes));
      if (fin) this.#inflater!.end();
    } catch (error) {
      // Of two faults the first counts, as it would had the frame come in pieces.
      if (this.#opcode === Opcode.Text && this.#validator === undefined) {
        if (!new Utf8Validator().write(this.#collector!.take())) throw new WebSocketError("invalid-utf8");
      }
      throw error;
    }
  }

  #append(bytes: Uint8Array, remaining?: number): void {
    const collector = this.#collector!;
    const room = this.#maxMessageSize - collector.length;
    const fitting = bytes.length > room ? bytes.subarray(0, room) : bytes;
    if (this.#validator !== undefined && !this.#validator.write(fitting)) {
      throw new WebSocketError("invalid-utf8");
    }
    collector.append(fitting, remaining);
    if (fitting.length < bytes.length) throw new WebSocketError("message-too-big");
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
