/**
 * What one process asks others to do with the connections of a name, as JSON.
 *
 * @module
 */

/** An order. It goes the way of a message to that name. */
export type Order =
  /** Close them. */
  | { readonly type: "disconnect"; readonly closeCode: number; readonly reason: string }
  /** Take them out of a group. */
  | { readonly type: "remove"; readonly group: string };

/** Reads an order, which may be anything: `undefined` if it is none. */
export function readOrder(text: string): Order | undefined {
  try {
    const { type, closeCode, reason, group }: Record<string, unknown> = Object(JSON.parse(text));
    if (type === "remove" && typeof group === "string") return { type, group };
    if (type !== "disconnect" || typeof reason !== "string" || !isCloseCode(closeCode)) return undefined;
    return { type, closeCode, reason };
  } catch {
    return undefined;
  }
}

/** Whether a Close may be sent with a code (RFC 6455 §7.4). */
export function isCloseCode(code: unknown): code is number {
  if (!Number.isInteger(code)) return false;
  const value = code as number;
  return [1000, 1001, 1003].includes(value) || (value >= 1007 && value <= 1014) ||
    (value >= 3000 && value <= 4999);
}
