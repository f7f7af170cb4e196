/**
 * What a frame is (RFC 6455 §5.2), as every other part of the library sees it: already unmasked.
 *
 * @module
 */

/** The opcodes that RFC 6455 defines (§5.2, §11.8). All others are reserved. */
export const Opcode = {
  /** Goes on with the message that an earlier Text or Binary frame began. */
  Continuation: 0x0,
  /** Begins a message of UTF-8 text. */
  Text: 0x1,
  /** Begins a message of bytes. */
  Binary: 0x2,
  /** Starts or answers the closing handshake. */
  Close: 0x8,
  /** Asks for a Pong with the same payload. */
  Ping: 0x9,
  /** Answers a Ping, or says unasked that its sender lives. */
  Pong: 0xa,
} as const;

/** One of the opcodes that RFC 6455 defines. */
export type Opcode = (typeof Opcode)[keyof typeof Opcode];

/** Which end of the connection we are: a server demands masked frames and sends unmasked ones (RFC 6455 §5.1). */
export type Role = "server" | "client";

/** One frame, unmasked (RFC 6455 §5.2). */
export interface Frame {
  /** Whether it is the last frame of its message. */
  readonly fin: boolean;
  /** Whether RSV1 is set: an extension uses it, permessage-deflate to say that the message is compressed. */
  readonly rsv1: boolean;
  /** What the frame is for. */
  readonly opcode: Opcode;
  /** The payload. What `FrameDecoderStream` gives out has a buffer that holds nothing else. */
  readonly payload: Uint8Array;
}

const OPCODES: ReadonlySet<number> = new Set(Object.values(Opcode));

/** Tells whether an opcode is one that RFC 6455 defines (§5.2). */
export function isOpcode(opcode: number): opcode is Opcode {
  return OPCODES.has(opcode);
}

/** Tells whether an opcode is that of a control frame: Close, Ping, Pong, or one that is reserved for such (§5.5). */
export function isControl(opcode: number): boolean {
  return opcode >= 0x8;
}
