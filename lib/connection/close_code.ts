/**
 * The codes that a user may close with.
 *
 * @module
 */

import { aString } from "../options/checks.ts";
import { checkOptions, type OptionTable } from "../options/option_table.ts";
import { wrongType } from "../options/wrong_type.ts";
import { isCloseCode } from "../protocol/close_payload.ts";
import type { CloseOptions } from "./web_socket_connection.ts";

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
