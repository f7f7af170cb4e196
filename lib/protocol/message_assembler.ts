/**
 * Data frames in, messages out (RFC 6455 §5.4, §8.1).
 *
 * @module
 */

import { WebSocketError } from "../errors.ts";
import { ByteCollector } from "./byte_collector.ts";
import type { Inflater } from "./deflate_codec.ts";
import { type Frame, Opcode } from "./frame.ts";
import { decodeUtf8, lastBorder, Utf8Validator } from "./utf8.ts";

/** A whole message: text as a string, binary as bytes. */
export type Message = string | Uint8Array;

/** What a data frame brings of a message that is handed on as it comes. */
export interface MessagePart {
  /** The part: a string if the message is text, cut between two code points. It may be empty. */
  readonly data: Message;
  /** Whether the message begins with it. */
  readonly first: boolean;
  /** Whether the message ends with it. */
  readonly last: boolean;
}

/** Puts the fragments of a message together, in one buffer however many there are; or hands them on as they come. */
export class MessageAssembler {
  /** The longest message, in bytes, decompressed. */
  maxMessageSize: number;
  readonly #inflater: Inflater | undefined;
  /** What the message under way is made of; `undefined` between messages. */
  #opcode: Opcode | undefined;
  #compressed = false;
  /** How many bytes of it have come, decompressed. */
  #size = 0;
  /** Whether a part of it was handed on. */
  #told = false;
  /** What was gathered of it, and not handed on. */
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
    this.maxMessageSize = options.maxMessageSize ?? Infinity;
    this.#inflater = options.inflater;
  }

  /** Whether a fragmented message is under way. */
  get fragmented(): boolean {
    return this.#opcode !== undefined;
  }

  /** How many bytes of a message have come that is under way, decompressed; 0 between messages. */
  get size(): number {
    return this.#opcode === undefined ? 0 : this.#size;
  }

  /**
   * Takes the next data frame.
   *
   * @param frame A Text, Binary or Continuation frame. The payload of an unfragmented Binary becomes the message;
   *   all others are copied, to a buffer that holds nothing else.
   * @param remaining How many bytes the message lacks after this frame, if known. @default {Infinity}
   * @returns The message that it completes, or `undefined`.
   * @throws {WebSocketError} `invalid-utf8` at the first byte that cannot be right, even in the middle of a message;
   *   `message-too-big`, `invalid-deflate`; `unexpected-continuation`, `expected-continuation`.
   */
  add(frame: Frame, remaining?: number): Message | undefined {
    if (this.#isWhole(frame)) return this.#whole(frame);
    this.#open(frame);
    this.#gather(frame, remaining);
    return frame.fin ? this.#finish() : undefined;
  }

  /**
   * Takes the next data frame, and hands on what it brings. What {@linkcode MessageAssembler.add} gathered before goes
   * with the first part; from then on nothing is gathered but the bytes of a code point that is not complete.
   *
   * @param frame A Text, Binary or Continuation frame. The payload of a Binary that is not compressed becomes the part.
   * @throws {WebSocketError} As `add` does.
   */
  part(frame: Frame): MessagePart {
    if (this.#isWhole(frame)) return { data: this.#whole(frame), first: true, last: true };
    this.#open(frame);
    const isText = this.#opcode === Opcode.Text;
    const first = !this.#told;
    this.#told = true;
    const direct = !isText && !this.#compressed && this.#collector!.length === 0;
    if (direct) this.#measure(frame.payload);
    else this.#gather(frame);
    // What comes directly may lie in the memory that the collector lent.
    if (direct) this.#collector!.discard();
    const data = direct ? frame.payload : isText ? this.#takeText() : this.#collector!.take();
    if (frame.fin) this.#finish();
    return { data, first, last: frame.fin };
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

  #isWhole({ fin, rsv1, opcode }: Frame): boolean {
    return fin && !rsv1 && opcode !== Opcode.Continuation && this.#opcode === undefined;
  }

  /** Makes a message of an unfragmented frame. */
  #whole({ opcode, payload }: Frame): Message {
    if (payload.length > this.maxMessageSize) throw new WebSocketError("message-too-big");
    return opcode === Opcode.Text ? decodeUtf8(payload) : payload;
  }

  /** Begins a message, if the frame does. */
  #open({ opcode, rsv1, fin }: Frame): void {
    const goesOn = opcode === Opcode.Continuation;
    if (goesOn !== (this.#opcode !== undefined)) {
      throw new WebSocketError(goesOn ? "unexpected-continuation" : "expected-continuation");
    }
    if (goesOn) return;
    if (rsv1 && this.#inflater === undefined) throw new WebSocketError("reserved-bit");
    this.#opcode = opcode;
    this.#compressed = rsv1;
    this.#size = 0;
    this.#told = false;
    this.#collector = new ByteCollector();
    // A message in one piece is checked when it is decoded.
    if (opcode === Opcode.Text && !fin) this.#validator = new Utf8Validator();
  }

  #gather(frame: Frame, remaining?: number): void {
    if (this.#compressed) this.#inflate(frame);
    else this.#append(frame.payload, remaining);
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
    const room = this.maxMessageSize - this.#size;
    const fitting = bytes.length > room ? bytes.subarray(0, room) : bytes;
    if (this.#validator !== undefined && !this.#validator.write(fitting)) {
      throw new WebSocketError("invalid-utf8");
    }
    this.#collector!.append(fitting, remaining);
    this.#measure(bytes);
  }

  #measure(bytes: Uint8Array): void {
    this.#size += bytes.length;
    if (this.#size > this.maxMessageSize) throw new WebSocketError("message-too-big");
  }

  /** Takes the text that was gathered, up to the last border of a code point. */
  #takeText(): string {
    const bytes = this.#collector!.take();
    const border = lastBorder(bytes);
    this.#collector!.append(bytes.subarray(border));
    return decodeUtf8(bytes.subarray(0, border));
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
