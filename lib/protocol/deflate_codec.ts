/**
 * What the core needs of a compressor. It has none itself: the adapters inject one.
 *
 * @module
 */

/** Decompresses the messages of one direction of one connection, each as its parts arrive (RFC 7692 §7.2.2). */
export interface Inflater {
  /**
   * Takes the next part of a message; {@linkcode Inflater.read} is called until it is used up, then `write` or `end`.
   *
   * @param part The bytes. They must stay as they are until they are used up.
   */
  write(part: Uint8Array): void;
  /**
   * Decompresses some more of the part, of which it takes 4 KiB at most.
   *
   * @returns What comes out, be it nothing or 64 KiB, good until the next call of any inflater; `undefined` once the part is
   *   used up.
   * @throws {WebSocketError} `invalid-deflate`.
   */
  read(): Uint8Array | undefined;
  /** About how many bytes are still to come out of the part; without it memory is taken as they come. */
  readonly expected?: number;
  /**
   * Ends a message: what was written must end at the border of two blocks, with nothing left over.
   *
   * @throws {WebSocketError} `invalid-deflate`.
   */
  end(): void;
  /** Frees what it holds; also in the middle of a message. */
  close(): void;
}

/** Compresses the messages of one direction of one connection (RFC 7692 §7.2.1). */
export interface Deflater {
  /**
   * Compresses a whole message.
   *
   * @returns The payload; it may be overwritten by the next call.
   */
  deflate(message: Uint8Array): Uint8Array;
  /** Frees what it holds: nothing more is sent. It may be called again. */
  close?(): void;
}

/** How to decompress. */
export interface InflateOptions {
  /** The peer's window, as a power of two. */
  readonly windowBits: number;
  /** Whether messages refer to earlier ones. */
  readonly takeover: boolean;
}

/** How to compress. */
export interface DeflateOptions extends InflateOptions {
  /** How hard to try, 0 to 9. */
  readonly level: number;
  /** How much memory to take for tables, 1 to 9. */
  readonly memLevel: number;
}

/** Makes compressors. All of it is synchronous, so that the order of messages needs no care. */
export interface DeflateCodec {
  /** Makes the receiving side. */
  inflater(options: InflateOptions): Inflater;
  /** Makes the sending side. */
  deflater(options: DeflateOptions): Deflater;
}
