/**
 * A message that is encoded once and sent to many.
 *
 * @module
 */

import { type Bytes, copyBytes } from "./bytes.ts";
import { type Frame, Opcode } from "./frame.ts";

/** A message made ready by {@linkcode prepare}: whatever takes a message to send takes it. */
export interface PreparedMessage {
  /** The length of the message as UTF-8 or bytes, before it is compressed. */
  readonly byteLength: number;
}

/** Implements {@linkcode PreparedMessage}. */
export class EncodedMessage implements PreparedMessage {
  /** The message as it goes out uncompressed. */
  readonly frame: Frame;
  /** How it goes out compressed, by what it is compressed with. */
  readonly #compressed = new Map<string, Frame>();

  /** Encodes a message; the bytes are copied. */
  constructor(data: string | Bytes) {
    const isText = typeof data === "string";
    const payload = isText ? new TextEncoder().encode(data) : copyBytes(data);
    this.frame = { fin: true, rsv1: false, opcode: isText ? Opcode.Text : Opcode.Binary, payload };
  }

  get byteLength(): number {
    return this.frame.payload.length;
  }

  /**
   * Looks up how the message goes out under a profile of compression, or finds out.
   *
   * @param profile Names everything that the frame depends on.
   * @param make Makes the frame; what it returns is kept.
   */
  compressed(profile: string, make: (frame: Frame) => Frame): Frame {
    let frame = this.#compressed.get(profile);
    if (frame === undefined) this.#compressed.set(profile, frame = make(this.frame));
    return frame;
  }
}

/**
 * Makes a message ready to be sent to many connections: encoded once, and compressed once for all that share their
 * parameters and keep no context.
 *
 * @param data Text as a string, anything else as binary. Bytes are copied.
 * @throws {TypeError} If it is neither.
 *
 * @example Tell everyone
 * ```ts ignore
 * const message = prepare(JSON.stringify(news));
 * for (const socket of server.connections) socket.send(message);
 * ```
 */
export function prepare(data: string | Bytes): PreparedMessage {
  return new EncodedMessage(data);
}
