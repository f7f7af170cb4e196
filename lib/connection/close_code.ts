/**
 * The codes that a user may close with.
 *
 * @module
 */

import { isCloseCode, NORMAL_CLOSURE } from "../protocol/close_payload.ts";
import { MAX_CONTROL_LENGTH } from "../protocol/header.ts";

/** The most bytes of a reason: what a Close frame has room for besides its code (RFC 6455 §5.5). */
const MAX_REASON = MAX_CONTROL_LENGTH - 2;

/**
 * Checks a code that a user wants to close with.
 *
 * @throws {RangeError} If it must not be sent, or is 1002, which is for the library to send.
 */
export function checkCloseCode(closeCode: number): void {
  if (Number.isInteger(closeCode) && isCloseCode(closeCode) && closeCode !== 1002) return;
  throw new RangeError(`Cannot close: the code must not be sent: ${closeCode}`);
}

/**
 * Checks what a user of one of the WHATWG's interfaces wants to close with.
 *
 * @throws {DOMException} `InvalidAccessError` unless the code is 1000, or 3000 to 4999; `SyntaxError` if the reason is
 *   over 123 bytes.
 */
export function checkInterfaceClose(closeCode: number | undefined, reason: string | undefined): void {
  const inRange = closeCode === undefined || closeCode === NORMAL_CLOSURE ||
    (closeCode >= 3000 && closeCode <= 4999);
  if (!inRange) throw new DOMException(`Cannot close: the code is ${closeCode}`, "InvalidAccessError");
  if (reason !== undefined && new TextEncoder().encode(reason).length > MAX_REASON) {
    throw new DOMException(`Cannot close: the reason is over ${MAX_REASON} bytes`, "SyntaxError");
  }
}
