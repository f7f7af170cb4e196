/**
 * The codes that a user may close with.
 *
 * @module
 */

import { isCloseCode } from "../protocol/close_payload.ts";

/**
 * Checks a code that a user wants to close with.
 *
 * @throws {RangeError} If it must not be sent, or is 1002, which is for the library to send.
 */
export function checkCloseCode(closeCode: number): void {
  if (Number.isInteger(closeCode) && isCloseCode(closeCode) && closeCode !== 1002) return;
  throw new RangeError(`Cannot close: the code must not be sent: ${closeCode}`);
}
