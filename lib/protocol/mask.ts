/**
 * Masking (RFC 6455 §5.3): the XOR of a payload with a four-byte key. It is its own inverse.
 *
 * @module
 */

/** Whether the lowest byte of a word comes first in memory. */
const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** Below this many bytes, making a view of words costs more than it saves. */
const WORDWISE_FROM = 48;

/**
 * Masks or unmasks bytes in place.
 *
 * Works on words of four bytes whatever the alignment: 16 to 18 GB/s on V8 and JavaScriptCore alike, against 3 byte by
 * byte. Words of eight are twice as fast on V8 and fifty times slower on JavaScriptCore.
 *
 * @param bytes What to mask; it is overwritten.
 * @param key The masking key as an integer of 32 bits, its first byte on the wire being the highest.
 * @param offset How many bytes of the payload lie before `bytes`. @default {0}
 */
export function mask(bytes: Uint8Array, key: number, offset = 0): void {
  let rotated = rotate(key, offset);
  const length = bytes.length;
  if (length < WORDWISE_FROM) return maskBytes(bytes, 0, length, rotated);
  const lead = -bytes.byteOffset & 3;
  maskBytes(bytes, 0, lead, rotated);
  rotated = rotate(rotated, lead);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + lead, (length - lead) >> 2);
  const word = LITTLE_ENDIAN ? swap(rotated) : rotated;
  for (let i = 0; i < words.length; i++) words[i] = words[i]! ^ word;
  maskBytes(bytes, lead + (words.length << 2), length, rotated);
}

/** Masks `bytes[start..end)`, the key's first byte falling on `start`. */
function maskBytes(bytes: Uint8Array, start: number, end: number, key: number): void {
  for (let i = start, shift = 24; i < end; i++, shift = (shift - 8) & 31) {
    bytes[i] = bytes[i]! ^ (key >>> shift);
  }
}

/** Turns the key so that the byte due after `offset` others comes first. */
function rotate(key: number, offset: number): number {
  const shift = (offset & 3) << 3;
  return shift === 0 ? key : (key << shift) | (key >>> (32 - shift));
}

/** Reverses the order of the four bytes. */
function swap(key: number): number {
  return (key << 24) | ((key & 0xff00) << 8) | ((key >>> 8) & 0xff00) | (key >>> 24);
}
