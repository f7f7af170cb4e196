/**
 * The bytes that a load sends, and those that it expects.
 *
 * @module
 */

import { constants, deflateRawSync } from "node:zlib";
import { Opcode } from "../../lib/protocol/frame.ts";
import { headerSize, writeFrame } from "../../lib/protocol/frame_encoder.ts";
import { jsonMessage } from "../json.ts";
import type { Content, EchoSpec } from "./spec.ts";

/** What goes out and comes back, again and again. */
export interface Exchange {
  /** As many frames as are in flight, so that any number of them goes out as one write. */
  readonly frames: Uint8Array;
  readonly frameSize: number;
  /** What the server sends, which begins anew at its end; not known if the server compresses. */
  readonly replies: Uint8Array | undefined;
}

/** Makes the frames of a load, each with a masking key of its own. */
export function makeExchange({ plain, flight, size, content }: EchoSpec): Exchange {
  const payload = makePayload(content, size);
  const opcode = content === "binary" ? Opcode.Binary : Opcode.Text;
  const frame = { fin: true, rsv1: content === "deflated", opcode, payload };
  const frameSize = headerSize(payload.length, true) + payload.length;
  const frames = new Uint8Array(frameSize * flight);
  for (let i = 0; i < flight; i++) writeFrame(frames, i * frameSize, frame, 0x1234_5678 + i);
  if (plain) return { frames, frameSize, replies: frames };
  if (content === "deflated") return { frames, frameSize, replies: undefined };
  const reply = new Uint8Array(headerSize(payload.length, false) + payload.length);
  writeFrame(reply, 0, frame, undefined);
  return { frames, frameSize, replies: reply };
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
