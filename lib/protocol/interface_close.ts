/**
 * What a user of one of the WHATWG's interfaces closes with: converted as Web IDL says (§3.2), and checked, before
 * anything else happens.
 *
 * @module
 */

/** What a closing is about when nothing else is said (RFC 6455 §7.4.1). */
export const NORMAL_CLOSURE = 1000;

/** The most bytes of a reason: what a control frame has room for behind the code (RFC 6455 §5.5). */
const MAX_REASON = 123;

const MAX_UNSIGNED_SHORT = 65_535;

/**
 * Converts to `[Clamp] unsigned short`: the nearest integer that there is, an even one if two are as near.
 *
 * @throws {TypeError} If it is a `bigint`, a symbol, or an object that is no number.
 */
export function clampToUnsignedShort(value: unknown): number {
  const number = Math.min(Math.max(toNumber(value) || 0, 0), MAX_UNSIGNED_SHORT);
  const floor = Math.floor(number);
  const isHalf = number - floor === 0.5;
  return isHalf ? floor + floor % 2 : Math.round(number);
}

/**
 * Converts to `[EnforceRange] unsigned short`: what is behind the point is cut off.
 *
 * @throws {TypeError} If it is no number from 0 to 65535.
 */
export function toUnsignedShortInRange(value: unknown): number {
  const number = Math.trunc(toNumber(value));
  if (number >= 0 && number <= MAX_UNSIGNED_SHORT) return number + 0; // -0 is 0
  throw new TypeError(`Cannot close: the code must be a number from 0 to 65535, not ${String(value)}`);
}

/**
 * Converts to a string.
 *
 * @throws {TypeError} If it is a symbol, or an object that is no text.
 */
export function toUsvString(value: unknown): string {
  // Half a pair of surrogates is replaced when it is encoded.
  return `${value as string}`;
}

/** Converts to a number, as `+value` does. */
function toNumber(value: unknown): number {
  return +(value as number);
}

/** What a user of one of the WHATWG's interfaces wants to close with, converted. */
export interface InterfaceClose {
  readonly closeCode: number | undefined;
  readonly reason: string | undefined;
}

/**
 * Checks what a user of one of the WHATWG's interfaces wants to close with.
 *
 * @throws {DOMException} `InvalidAccessError` unless the code is 1000, or 3000 to 4999; `SyntaxError` if the reason is
 *   over 123 bytes.
 */
export function checkInterfaceClose({ closeCode, reason }: InterfaceClose): void {
  const inRange = closeCode === undefined || closeCode === NORMAL_CLOSURE ||
    (closeCode >= 3000 && closeCode <= 4999);
  if (!inRange) throw new DOMException(`Cannot close: the code is ${closeCode}`, "InvalidAccessError");
  if (reason !== undefined && new TextEncoder().encode(reason).length > MAX_REASON) {
    throw new DOMException(`Cannot close: the reason is over ${MAX_REASON} bytes`, "SyntaxError");
  }
}

/**
 * Converts the dictionary `WebSocketCloseInfo`, and checks what it has.
 *
 * @throws {TypeError} If it is no object, or a member cannot be converted.
 * @throws {DOMException} As {@linkcode checkInterfaceClose} does.
 */
export function readCloseInfo(info: unknown): InterfaceClose {
  const isObject = info === undefined || info === null || typeof info === "object" ||
    typeof info === "function";
  if (!isObject) {
    throw new TypeError(`Cannot close: the code and reason come in an object, not a ${typeof info}`);
  }
  const given: { closeCode?: unknown; reason?: unknown } = info ?? {};
  const { closeCode } = given;
  const code = closeCode === undefined ? undefined : toUnsignedShortInRange(closeCode);
  const { reason } = given;
  const close = { closeCode: code, reason: reason === undefined ? undefined : toUsvString(reason) };
  checkInterfaceClose(close);
  return close;
}
