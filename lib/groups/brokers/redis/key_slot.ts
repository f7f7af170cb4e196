/**
 * Which of the slots of a cluster a key or channel is in.
 *
 * @module
 */

const SLOTS = 16_384;

const encoder = new TextEncoder();

/** Computes the slot: CRC-16 (XMODEM) of the key, or of what is between its first braces if they hold anything. */
export function keySlot(key: string): number {
  const tag = /^[^{]*\{([^}]+)\}/s.exec(key)?.[1] ?? key;
  let crc = 0;
  for (const byte of encoder.encode(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : crc << 1 ^ 0x1021;
    crc &= 0xffff;
  }
  return crc % SLOTS;
}
