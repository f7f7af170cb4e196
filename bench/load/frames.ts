/**
 * The bytes that a load sends, and those that it expects.
 *
 * @module
 */

import { constants, deflateRawSync } from "node:zlib";
import { type Frame, Opcode } from "../../lib/protocol/frame.ts";
import { headerSize, writeFrame } from "../../lib/protocol/frame_encoder.ts";
import { jsonMessage } from "../json.ts";
import type { Content, EchoSpec } from "./spec.ts";

/** What goes out and comes back, again and again. */
export interface Exchange {
  /** As many frames as are in flight, so that any number of them goes out as one write. */
  readonly frames: Uint8Array;
  readonly frameSize: number;
  /** As many replies, one behind the other; not known if the server compresses. */
  readonly replies: Uint8Array | undefined;
  /** How many bytes a reply has; 0 if that is not known. */
  readonly replySize: number;
}

/** Makes the frames of a load: all alike. */
export function makeExchange({ plain, flight, size, content }: EchoSpec): Exchange {
  const payload = makePayload(content, size);
  const opcode = content === "binary" ? Opcode.Binary : Opcode.Text;
  const frame = { fin: true, rsv1: content === "deflated", opcode, payload };
  const frames = repeat(frame, flight, 0x1234_5678);
  const frameSize = frames.length / flight;
  if (plain) return { frames, frameSize, replies: frames, replySize: frameSize };
  if (content === "deflated") return { frames, frameSize, replies: undefined, replySize: 0 };
  const replies = repeat(frame, flight, undefined);
  return { frames, frameSize, replies, replySize: replies.length / flight };
}

function repeat(frame: Frame, count: number, key: number | undefined): Uint8Array {
  const size = headerSize(frame.payload.length, key !== undefined) + frame.payload.length;
  const bytes = new Uint8Array(size * count);
  for (let i = 0; i < count; i++) writeFrame(bytes, i * size, frame, key);
  return bytes;
}

/** Makes a message's payload; its size is exact but for what is compressed. */
function makePayload(content: Content, size: number): Uint8Array {
  if (content === "deflated") {
    const options = { windowBits: 12, memLevel: 5, level: 1, finishFlush: constants.Z_SYNC_FLUSH };
    return new Uint8Array(deflateRawSync(jsonMessage(size, 1), options).subarray(0, -4));
  }
  const payload = new Uint8Array(size).map((_, i) => 32 + i % 90);
  if (content === "unicode") {
    new TextEncoder().encodeInto("Съешь же ещё этих мягких булок ".repeat(size / 32 + 1), payload);
  }
  return payload;
}

/** Reads the size of a frame from its header. */
export function readFrameSize(bytes: Uint8Array): number {
  const form = bytes[1]! & 0x7f;
  if (form < 126) return 2 + form;
  const extended = bytes.subarray(2, form === 126 ? 4 : 10);
  return 2 + extended.length + extended.reduce((value, byte) => value * 256 + byte, 0);
}
