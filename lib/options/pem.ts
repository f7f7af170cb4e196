/**
 * Certificates and keys as users give them.
 *
 * @module
 */

import { wrongType } from "./wrong_type.ts";

/** A certificate or key in PEM, as text or as the bytes of a file. */
export type Pem = string | ArrayBuffer | ArrayBufferView;

/** Demands PEM. What exactly is in it is for the runtime's TLS to judge. */
export function aPem(value: unknown, name: string): void {
  const text = isPem(value) ? pemText(value) : undefined;
  if (text?.includes("-----BEGIN ")) return;
  throw wrongType(name, `PEM, a string or bytes with "-----BEGIN " in it`, text === "" ? "" : value);
}

/** Reads PEM as text. */
export function pemText(pem: Pem): string {
  return typeof pem === "string" ? pem : new TextDecoder().decode(pem as Uint8Array);
}

function isPem(value: unknown): value is Pem {
  return typeof value === "string" || value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}
