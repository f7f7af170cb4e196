/**
 * Data frames in, messages out (RFC 6455 §5.4, §8.1).
 *
 * @module
 */

import { WebSocketError } from "../errors.ts";
import { ByteCollector } from "./byte_collector.ts";
import type { Inflater } from "./deflate_codec.ts";
import { type Frame, Opcode } from "./frame.ts";
import type { Lender } from "./read_buffers.ts";
import { decodeUtf8, lastBorder, Utf8Validator } from "./utf8.ts";

/** A whole message: text as a string, binary as bytes. */
export type Message = string | Uint8Array;

/** Tells a message from an object. */
export function isMessage(data: Message | object): data is Message {
  return typeof data === "string" || data instanceof Uint8Array;
}

/** What a data frame brings of a message that is passed on as it comes. A message in one part is a {@linkcode Message}. */
export interface MessagePart {
  /** The part: a string if the message is text, cut between two code points. It may be empty. */
  readonly data: Message;
  /** Whether the message begins with it. */
  readonly first: boolean;
  /** Whether the message ends with it. */
  readonly last: boolean;
  /** Whom its memory is to be given back to when it is read or thrown away. Without one it is garbage then. */
  readonly lender?: Lender | undefined;
}

/** How many bytes that are to be decompressed an {@linkcode Inflater} takes at a time, and what each may cost. */
const INPUT_STEP = 4_096;
const COST_OF_INPUT = 16;

/** Puts the fragments of a message together, in one buffer however many there are; or passes them on as they come. */
export class MessageAssembler {
  /** The longest message, in bytes, decompressed. */
  maxMessageSize: number;
  readonly #inflater: Inflater | undefined;
  /** Whether what comes of a message is passed on, rather than gathered. */
  #streaming: boolean;
  /** What the message under way is made of; `undefined` between messages. */
  #opcode: Opcode | undefined;
  #compressed = false;
  /** How many bytes of it have come, decompressed. */
  #size = 0;
  /** What was spent on decompressing, since somebody set it to 0: a byte that comes out counts one. */
  decompressed = 0;
  /** What a step counts that brings little. */
  #stepCost = 0;
  #decompressing = false;
  /** Whether the frame that is decompressed is the last one of its message. */
  #fin = false;
  /** Whether a part of it was passed on. */
  #begun = false;
  /** What was gathered of it, and not passed on. */
  #collector: ByteCollector | undefined;
  #validator: Utf8Validator | undefined;

  /**
   * Makes an assembler.
   *
   * @param options `maxMessageSize`: the longest message, in bytes, decompressed. A frame decoder that watches over it
   *   has seen the headers and fails earlier. @default {Infinity} `inflater`: decompresses messages whose first frame has
   *   RSV1; without one there must be none. `streaming`: whether what comes of a message is passed on, rather than
   *   gathered. @default {false}
   */
  constructor(
    options: { maxMessageSize?: number; inflater?: Inflater | undefined; streaming?: boolean } = {},
  ) {
    this.maxMessageSize = options.maxMessageSize ?? Infinity;
    this.#inflater = options.inflater;
    this.#streaming = options.streaming ?? false;
  }

  /**
   * Passes on messages in parts from now on. What was gathered of the one under way goes with its first part; then nothing
   * is gathered but the bytes of a code point that is not complete.
   */
  startStreaming(): void {
    this.#streaming = true;
  }

  /** Whether a fragmented message is under way. */
  get fragmented(): boolean {
    return this.#opcode !== undefined;
  }

  /** Whether a frame is not decompressed to its end: then `continue` comes before the next frame. */
  get decompressing(): boolean {
    return this.#decompressing;
  }

  /** How many bytes of a message have come that is under way, decompressed; 0 between messages. */
  get size(): number {
    return this.#opcode === undefined ? 0 : this.#size;
  }

  /**
   * Takes the next data frame.
   *
   * @param frame A Text, Binary or Continuation frame. The payload of an unfragmented Binary becomes the message, and where
   *   parts are passed on, that of any Binary the part; all others are copied, to a buffer that holds nothing else.
   * @param remaining How many bytes the message lacks after this frame, if known. @default {Infinity}
   * @returns The message that it completes, or what it brings of one if that is passed on, or `undefined`.
   * @throws {WebSocketError} `invalid-utf8` at the first byte that cannot be right, even in the middle of a message;
   *   `message-too-big`, `invalid-deflate`; `unexpected-continuation`, `expected-continuation`.
   */
  add(frame: Frame, remaining?: number): Message | MessagePart | undefined {
    if (this.#isWhole(frame)) return this.#whole(frame);
    this.#open(frame);
    if (this.#compressed) {
      this.#startDecompressing(frame);
      return this.addMore();
    }
    if (!this.#streaming || this.#opcode === Opcode.Text || this.#collector!.length > 0) {
      this.#append(frame.payload, remaining);
      return this.#pass(frame.fin);
    }
    this.#measure(frame.payload);
    // What is passed on may lie in the memory that the collector lent.
    this.#collector!.discard();
    return this.#passOn(frame.payload, frame.fin);
  }

  /** Goes on with the frame that is {@linkcode MessageAssembler.decompressing}, as `add` does. */
  addMore(): Message | MessagePart | undefined {
    return this.#pass(this.#decompress() && this.#fin);
  }

  /**
   * Lends the memory where the next bytes of the message under way will lie.
   *
   * @param remaining How many bytes the message lacks, if known.
   * @returns `undefined` if they will not be gathered as they come.
   */
  readTarget(remaining: number): Uint8Array | undefined {
    return this.#compressed ? undefined : this.#collector?.readTarget(remaining);
  }

  /** Gives up the message under way. */
  close(): void {
    this.#inflater?.close();
    this.#decompressing = false;
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
    this.#begun = false;
    this.#collector = new ByteCollector();
    // A message in one piece is checked when it is decoded.
    if (opcode === Opcode.Text && !fin) this.#validator = new Utf8Validator();
  }

  #startDecompressing({ payload, fin }: Frame): void {
    this.#inflater!.write(payload);
    this.#stepCost = Math.min(payload.length, INPUT_STEP) * COST_OF_INPUT;
    this.#decompressing = true;
    this.#fin = fin;
  }

  /**
   * Gathers what comes out next of the frame under way: 128 KiB at most, so that neither memory nor time is the sender's to
   * choose. Most messages are whole by then.
   *
   * @returns Whether that was all of the frame.
   */
  #decompress(): boolean {
    try {
      return this.#decompressSome() || this.#decompressSome();
    } catch (error) {
      // Of two faults the first counts, as it would had the frame come in pieces.
      if (this.#opcode === Opcode.Text && this.#validator === undefined) {
        if (!new Utf8Validator().write(this.#collector!.take())) throw new WebSocketError("invalid-utf8");
      }
      throw error;
    }
  }

  #decompressSome(): boolean {
    const bytes = this.#inflater!.read();
    if (bytes !== undefined) {
      this.decompressed += Math.max(bytes.length, this.#stepCost);
      this.#append(bytes, undefined, this.#expected);
      return false;
    }
    this.#decompressing = false;
    if (this.#fin) this.#inflater!.end();
    return true;
  }

  /** About how many bytes of the message are still to come out, as far as the frame under way tells. */
  get #expected(): number {
    return Math.min(this.#inflater!.expected ?? 0, this.maxMessageSize - this.#size);
  }

  #append(bytes: Uint8Array, remaining?: number, expected?: number): void {
    const allowed = this.maxMessageSize - this.#size;
    const fitting = bytes.length > allowed ? bytes.subarray(0, allowed) : bytes;
    if (this.#validator !== undefined && !this.#validator.write(fitting)) {
      throw new WebSocketError("invalid-utf8");
    }
    this.#collector!.append(fitting, remaining, expected);
    this.#measure(bytes);
  }

  #measure(bytes: Uint8Array): void {
    this.#size += bytes.length;
    if (this.#size > this.maxMessageSize) throw new WebSocketError("message-too-big");
  }

  /** Passes on what was gathered: when it is complete, or as far as it goes. */
  #pass(last: boolean): Message | MessagePart | undefined {
    if (last && !this.#begun) return this.#finish();
    if (!this.#streaming) return undefined;
    return this.#passOn(this.#opcode === Opcode.Text ? this.#takeText() : this.#collector!.take(), last);
  }

  #passOn(data: Message, last: boolean): MessagePart {
    const first = !this.#begun;
    this.#begun = true;
    if (last) this.#finish();
    return { data, first, last };
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
    const collector = this.#collector!;
    const complete = this.#validator?.end() ?? true;
    this.#opcode = this.#collector = this.#validator = undefined;
    if (!complete) throw new WebSocketError("invalid-utf8");
    if (!isText) return collector.take();
    const text = decodeUtf8(collector.gathered);
    collector.discard();
    return text;
  }
}
