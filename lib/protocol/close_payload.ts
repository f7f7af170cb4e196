/**
 * The payload of a Close frame: nothing, or a code and a reason (RFC 6455 §5.5.1, §7.4).
 *
 * @module
 */

import { WebSocketError } from "../errors.ts";
import { MAX_CONTROL_LENGTH } from "./header.ts";
import { decodeUtf8 } from "./utf8.ts";

/** How a connection was closed: what `closed` resolves to. */
export interface CloseInfo {
  /** The close code; 1005 if the Close frame had none (RFC 6455 §7.1.5). */
  readonly closeCode: number;
  /** The reason: empty if none was given. */
  readonly reason: string;
}

export { NORMAL_CLOSURE } from "./interface_close.ts";

/** Stands for a Close frame without a code, and never goes on the wire. */
export const NO_STATUS_RECEIVED = 1005;

const encoder = new TextEncoder();

/**
 * Tells whether a code may be in a Close frame (RFC 6455 §7.4; IANA's registry for 1012 to 1014).
 *
 * 1005, 1006 and 1015 only ever stand for something that was not on the wire, 1004 and 1016 to 2999 are reserved.
 */
export function isCloseCode(code: number): boolean {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/**
 * Reads the payload of a Close frame that was received.
 *
 * @throws {WebSocketError} `close-payload-short`, `close-code-invalid`, `close-reason-utf8`.
 */
export function readClosePayload(payload: Uint8Array): CloseInfo {
  if (payload.length === 0) return { closeCode: NO_STATUS_RECEIVED, reason: "" };
  if (payload.length === 1) throw new WebSocketError("close-payload-short");
  const closeCode = (payload[0]! << 8) | payload[1]!;
  if (!isCloseCode(closeCode)) throw new WebSocketError("close-code-invalid");
  try {
    return { closeCode, reason: decodeUtf8(payload.subarray(2)) };
  } catch (cause) {
    throw new WebSocketError("close-reason-utf8", { cause });
  }
}

/**
 * Writes the payload of a Close frame.
 *
 * @param info 1005 gives an empty payload. A reason is cut at 123 bytes, between two code points.
 */
export function writeClosePayload({ closeCode, reason }: CloseInfo): Uint8Array {
  if (closeCode === NO_STATUS_RECEIVED) return new Uint8Array(0);
  const payload = new Uint8Array(MAX_CONTROL_LENGTH);
  payload[0] = closeCode >>> 8;
  payload[1] = closeCode;
  // encodeInto never writes part of a code point.
  const { written } = encoder.encodeInto(reason, payload.subarray(2));
  return payload.subarray(0, 2 + written);
}
