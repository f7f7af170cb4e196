/**
 * Frames in, bytes out (RFC 6455 §5.2), into a buffer of the caller's: many frames can go out as one write.
 *
 * @module
 */

import type { Frame, Opcode } from "./frame.ts";
import { mask } from "./mask.ts";

/** What the first byte of a frame says, besides its opcode. */
export interface FrameFlags {
  /** Whether it is the last frame of its message. */
  readonly fin: boolean;
  /** Whether RSV1 is set. */
  readonly rsv1: boolean;
  /** What the frame is for. */
  readonly opcode: Opcode;
}

/**
 * Tells the size of a frame's header, in bytes: 2, 4 or 10, and 4 more with a masking key. The length is always in its
 * shortest form (RFC 6455 §5.2).
 *
 * @param length The length of the payload, in bytes.
 * @param masked Whether there is a masking key.
 */
export function headerSize(length: number, masked: boolean): number {
  return (length < 126 ? 2 : length < 65_536 ? 4 : 10) + (masked ? 4 : 0);
}

/**
 * Writes a frame's header.
 *
 * @param target Where to; there must be {@linkcode headerSize} bytes of room behind `at`.
 * @param at The index of the header's first byte.
 * @param flags What its first byte says.
 * @param length The length of the payload, in bytes.
 * @param key The masking key, as {@linkcode mask} takes it; `undefined` for a frame that is not masked.
 * @returns The index behind the header, where the payload goes.
 */
export function writeHeader(
  target: Uint8Array,
  at: number,
  flags: FrameFlags,
  length: number,
  key: number | undefined,
): number {
  const maskBit = key === undefined ? 0 : 0x80;
  target[at++] = (flags.fin ? 0x80 : 0) | (flags.rsv1 ? 0x40 : 0) | flags.opcode;
  if (length < 126) {
    target[at++] = maskBit | length;
  } else if (length < 65_536) {
    target[at++] = maskBit | 126;
    at = writeUint(target, at, length, 2);
  } else {
    target[at++] = maskBit | 127;
    at = writeUint(target, at, Math.floor(length / 0x1_0000_0000), 4);
    at = writeUint(target, at, length, 4);
  }
  return key === undefined ? at : writeUint(target, at, key, 4);
}

/**
 * Writes a whole frame.
 *
 * @param target Where to; there must be room for header and payload behind `at`.
 * @param at The index of the frame's first byte.
 * @param frame What to write; its payload is copied, and masked only in the copy.
 * @param key The masking key; `undefined` for a frame that is not masked.
 * @returns The index behind the frame.
 */
export function writeFrame(target: Uint8Array, at: number, frame: Frame, key: number | undefined): number {
  const start = writeHeader(target, at, frame, frame.payload.length, key);
  const end = start + frame.payload.length;
  target.set(frame.payload, start);
  if (key !== undefined) mask(target.subarray(start, end), key);
  return end;
}

/** Writes the lowest `size` bytes of an integer, the highest first; returns the index behind them. */
function writeUint(target: Uint8Array, at: number, value: number, size: number): number {
  for (let shift = (size - 1) * 8; shift >= 0; shift -= 8) target[at++] = value >>> shift;
  return at;
}
