/**
 * {@linkcode FrameDecoderStream}: bytes to frames.
 *
 * @module
 */

import { aBoolean, aNumber, aRole } from "../options/checks.ts";
import { checkOptions, type OptionTable } from "../options/option_table.ts";
import { WebSocketError } from "../errors.ts";
import { copyBytes } from "../protocol/bytes.ts";
import type { Frame } from "../protocol/frame.ts";
import { DEFAULT_MAX_SIZE, FrameDecoder, type FrameDecoderOptions } from "../protocol/frame_decoder.ts";
import { type Codec, CodecStream } from "./codec_stream.ts";

/** What a {@linkcode FrameDecoderStream} demands of the frames. */
export interface FrameDecoderStreamOptions {
  /** Whose side we are: a `"server"` demands masked frames, a `"client"` unmasked ones. @default {"server"} */
  role?: "server" | "client";
  /** The longest payload of a data frame, in bytes. @default {1048576} */
  maxFrameSize?: number;
  /** Whether an extension that uses RSV1 has been negotiated. @default {false} */
  rsv1?: boolean;
  /**
   * Whether a data frame that is cut is handed on as its bytes arrive, as fragments (RFC 6455 §5.4), rather than held back
   * until it is complete.
   *
   * @default {false}
   */
  pieces?: boolean;
}

const frameDecoderTable: OptionTable<FrameDecoderStreamOptions> = {
  role: aRole,
  maxFrameSize: aNumber,
  rsv1: aBoolean,
  pieces: aBoolean,
};

/**
 * Decodes WebSocket frames from bytes that are cut anywhere (RFC 6455 §5.2).
 *
 * The chunks are copied, not changed. Frames come out unmasked, in order, and complete unless `pieces` are asked for; the
 * buffer of a payload holds nothing else. Frames that stood before a violation all come out, then `readable` fails with a {@linkcode WebSocketError}.
 *
 * @example Print the frames of a byte stream
 * ```ts
 * import { FrameDecoderStream } from "@sluice/websocket";
 *
 * const bytes = ReadableStream.from([Uint8Array.of(0x81, 0x05, 0x48, 0x65), Uint8Array.of(0x6c, 0x6c, 0x6f)]);
 * for await (const frame of bytes.pipeThrough(new FrameDecoderStream({ role: "client" }))) {
 *   console.log(frame.opcode, new TextDecoder().decode(frame.payload)); // 1 "Hello"
 * }
 * ```
 */
export class FrameDecoderStream implements TransformStream<Uint8Array, Frame> {
  /** Where the frames come out. */
  readonly readable: ReadableStream<Frame>;
  /** Where the bytes go in. */
  readonly writable: WritableStream<Uint8Array>;

  /**
   * Makes a stream for one direction of one connection.
   *
   * @param options What to demand of the frames.
   * @throws {TypeError | RangeError} If an option is wrong.
   */
  constructor(options: FrameDecoderStreamOptions = {}) {
    checkOptions("options", options, frameDecoderTable, '{ role: "client" }');
    const codec = new FrameCodec({ ...options, maxFrameSize: options.maxFrameSize ?? DEFAULT_MAX_SIZE });
    ({ readable: this.readable, writable: this.writable } = new CodecStream(codec));
  }
}

/** Adds to a {@linkcode FrameDecoder} what a user of streams expects: type checks, a copy, a verdict at the end. */
class FrameCodec implements Codec<Uint8Array, Frame> {
  readonly #decoder: FrameDecoder;

  constructor(options: FrameDecoderOptions) {
    this.#decoder = new FrameDecoder({ ...options, copyUpTo: Infinity });
  }

  push(chunk: Uint8Array): void {
    if (!(chunk instanceof Uint8Array)) throw new TypeError("Cannot decode frames: a chunk is no Uint8Array");
    this.#decoder.push(copyBytes(chunk));
  }

  next(): Frame | undefined {
    const frame = this.#decoder.next();
    if (frame === undefined) return undefined;
    const { fin, rsv1, opcode, payload } = frame;
    return { fin, rsv1, opcode, payload };
  }

  end(): void {
    if (!this.#decoder.idle) throw new WebSocketError("connection-lost");
  }
}
