/**
 * Turns octets into text and back, one character for one octet: header values may hold obs-text, which has no
 * charset that is known (RFC 9110 §5.5).
 *
 * @module
 */

const decoder = new TextDecoder();

/** Keeps the argument lists of `fromCharCode` far below what any engine's stack takes. */
const SLICE = 4096;

/**
 * Decodes octets as latin-1.
 *
 * The decoder that WHATWG calls "latin1" is windows-1252, wrong for 0x80 to 0x9f, so ASCII takes the UTF-8 decoder,
 * and only what is not ASCII goes octet by octet.
 *
 * @param bytes The octets; not kept.
 * @returns A text as long as `bytes`.
 */
export function decodeLatin1(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  // An octet above 0x7f either shortens the text, as part of a sequence, or leaves a U+FFFD: both are seen here.
  if (text.length === bytes.length && !text.includes("\ufffd")) return text;
  let exact = "";
  for (let at = 0; at < bytes.length; at += SLICE) {
    exact += String.fromCharCode(...bytes.subarray(at, at + SLICE));
  }
  return exact;
}

/**
 * Encodes a text as latin-1.
 *
 * @param text What to encode: no character above U+00FF, which the callers have checked.
 * @returns As many octets as `text` has characters; the caller's own.
 */
export function encodeLatin1(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}
