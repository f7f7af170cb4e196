/**
 * The rules for frame headers, all of them, in one pure function.
 *
 * They are asked before a single byte of payload is read or allocated: what is wrong with a frame is visible in its
 * header, most of it in the first two bytes.
 *
 * @module
 */

import type { WebSocketErrorCode } from "../errors.ts";
import { isControl, Opcode } from "./frame.ts";

/** The longest payload of a control frame, in bytes (RFC 6455 §5.5). */
export const MAX_CONTROL_LENGTH = 125;

/** Stands for a payload length that is not known yet: its extended form is still to be read. */
export const LENGTH_UNKNOWN = -1;

/** Stands for a payload length whose highest bit is set, which it must not be (§5.2): 2^63 bytes or more. */
export const LENGTH_INVALID: number = Infinity;

/** What a header is held against: our side's options, and where the stream stands. */
export interface HeaderContext {
  /** Whether frames must be masked: they must when we are the server (§5.1). */
  readonly masked: boolean;
  /** Whether an extension has been negotiated that uses RSV1. */
  readonly rsv1: boolean;
  /** Whether a fragmented message is under way, so that only continuations and control frames may come (§5.4). */
  fragmented: boolean;
  /** The longest data frame we take, in bytes. */
  readonly maxFrameSize: number;
  /** The longest message we take, in bytes, all its frames together: 2^53 - 1 at most, beyond which no number is exact. */
  maxMessageSize: number;
  /** The most bytes that such a message may have on the wire when it is compressed. */
  maxCompressedSize: number;
  /** Whether the message under way is compressed. */
  compressed: boolean;
  /** The bytes of the message under way, from the frames before this one. */
  messageSize: number;
  /** How many empty fragments we take in a row. */
  readonly maxEmptyFragments: number;
  /** How many empty fragments have come in a row. */
  emptyFragments: number;
}

/**
 * Names the first rule that a header breaks (RFC 6455 §5.2).
 *
 * To be asked with {@linkcode LENGTH_UNKNOWN} once the first two bytes are there, if they announce an extended length,
 * and again when that is read.
 *
 * @param first The first byte: FIN, RSV1 to RSV3, opcode.
 * @param second The second byte: MASK and the 7-bit length.
 * @param length The payload's length in bytes.
 * @param context What to hold the header against; it is only read.
 * @returns The fault, or `undefined` if there is none.
 */
export function headerFault(
  first: number,
  second: number,
  length: number,
  context: HeaderContext,
): WebSocketErrorCode | undefined {
  const opcode = first & 0x0f;
  const fin = (first & 0x80) !== 0;
  if ((first & 0x30) !== 0) return "reserved-bit";
  // RFC 7692 §6: RSV1 says of a whole message that it is compressed, on its first frame.
  if ((first & 0x40) !== 0 && (!context.rsv1 || (opcode !== Opcode.Text && opcode !== Opcode.Binary))) {
    return "reserved-bit";
  }
  if ((opcode & 0x7) > 2) return "reserved-opcode";
  if (((second & 0x80) !== 0) !== context.masked) return context.masked ? "unmasked-frame" : "masked-frame";
  if (isControl(opcode)) {
    if (!fin) return "fragmented-control";
    return (second & 0x7f) > MAX_CONTROL_LENGTH ? "control-too-long" : undefined;
  }
  if (opcode === Opcode.Continuation) {
    if (!context.fragmented) return "unexpected-continuation";
  } else if (context.fragmented) {
    return "expected-continuation";
  }
  if (length === LENGTH_UNKNOWN) return undefined;
  const compressed = opcode === Opcode.Continuation ? context.compressed : (first & 0x40) !== 0;
  const limit = compressed ? context.maxCompressedSize : context.maxMessageSize;
  return lengthFault(second & 0x7f, length, { fin, limit, context });
}

/** Names the first rule that a data frame's length breaks. */
function lengthFault(
  form: number,
  length: number,
  { fin, limit, context }: { fin: boolean; limit: number; context: HeaderContext },
): WebSocketErrorCode | undefined {
  // §5.2: "the minimal number of bytes MUST be used to encode the length".
  if ((form === 126 && length < 126) || (form === 127 && length < 65_536)) return "length-not-minimal";
  if (length === LENGTH_INVALID) return "length-out-of-range";
  if (length > context.maxFrameSize) return "frame-too-big";
  if (length > limit - context.messageSize) return "message-too-big";
  if (length === 0 && !fin && context.emptyFragments >= context.maxEmptyFragments) {
    return "too-many-empty-fragments";
  }
  return undefined;
}
