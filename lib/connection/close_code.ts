/**
 * The codes that a user may close with.
 *
 * @module
 */

import { aString } from "../options/checks.ts";
import { checkOptions, type OptionTable } from "../options/option_table.ts";
import { wrongType } from "../options/wrong_type.ts";
import { isCloseCode, NORMAL_CLOSURE } from "../protocol/close_payload.ts";
import { MAX_CONTROL_LENGTH } from "../protocol/header.ts";
import type { CloseOptions } from "./web_socket_connection.ts";

/** The most bytes of a reason: what a Close frame has room for besides its code (RFC 6455 §5.5). */
const MAX_REASON = MAX_CONTROL_LENGTH - 2;

/** What a user may close with. 1002 is for the library to send. */
export const closeTable: OptionTable<CloseOptions> = {
  closeCode: (value, name) => {
    if (typeof value !== "number") throw wrongType(name, "a number", value);
    if (Number.isInteger(value) && isCloseCode(value) && value !== 1002) return;
    throw new RangeError(`Cannot close: the code must not be sent: ${value}`);
  },
  reason: aString,
};

/**
 * Checks what a user wants to close with. An error with a code and a reason, such as a `WebSocketError`, will do.
 *
 * @throws {TypeError} If it is not an object, or has an unknown or a wrong option.
 * @throws {RangeError} If the code must not be sent.
 */
export function checkClose(options: unknown): asserts options is CloseOptions {
  const isError = options instanceof Error && "closeCode" in options;
  const given = isError
    ? { closeCode: options.closeCode, reason: (options as CloseOptions).reason }
    : options;
  checkOptions("options", given, closeTable, '{ closeCode: 4000, reason: "Bye" }');
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
