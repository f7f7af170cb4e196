/**
 * Makes and answers the key by which both sides prove that they speak WebSocket (RFC 6455 §1.3).
 *
 * @module
 */

import { encodeLatin1 } from "./latin1.ts";
import { BASE64, isAll } from "./octets.ts";

/** Is no WebSocket server's answer by accident (RFC 6455 §1.3). */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const KEY_BYTES = 16;
/** 16 bytes are 22 digits of base64 and two pads. */
const KEY_DIGITS = 22;

/** Computes the SHA-1 of an ASCII text, in base64. */
export type Sha1 = (text: string) => string | Promise<string>;

/**
 * Computes `Sec-WebSocket-Accept`: the SHA-1 of key and GUID in base64 (RFC 6455 §4.2.2).
 *
 * @param key The request's `Sec-WebSocket-Key`.
 * @returns 28 characters.
 *
 * @example
 * ```ts
 * console.log(await acceptKey("dGhlIHNhbXBsZSBub25jZQ==")); // "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
 * ```
 */
export async function acceptKey(key: string): Promise<string> {
  return await acceptKeyBy(key);
}

/** Computes what {@linkcode acceptKey} does, with another SHA-1: at once, if that is one that does. */
export function acceptKeyBy(key: string, sha1: Sha1 = subtleSha1): string | Promise<string> {
  return sha1(key + GUID);
}

async function subtleSha1(text: string): Promise<string> {
  return toBase64(new Uint8Array(await crypto.subtle.digest("SHA-1", encodeLatin1(text))));
}

/**
 * Tells whether a text is a `Sec-WebSocket-Key`: 16 bytes in base64, so 24 characters (RFC 6455 §4.2.1).
 *
 * The last digit carries four bits that are not used; the RFC does not say that they are zero, so `…ZR==` passes.
 *
 * @param key The header's value.
 * @returns Whether it is one.
 */
export function isValidKey(key: string): boolean {
  return key.length === KEY_DIGITS + 2 && key.endsWith("==") && isAll(key, BASE64, 0, KEY_DIGITS);
}

/**
 * Generates a `Sec-WebSocket-Key` for one request (RFC 6455 §4.1).
 *
 * @returns 16 random bytes in base64.
 */
export function generateKey(): string {
  return toBase64(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
