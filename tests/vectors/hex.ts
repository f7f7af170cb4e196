/**
 * Bytes as text that can be read and compared.
 *
 * @module
 */

/** The bytes of hexadecimal digits; spaces do not count, and `61*300` is a byte 300 times over. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  const bytes = text.split(/\s+/).filter((word) => word !== "").map((word) => {
    const [digits = "", times = "1"] = word.split("*");
    const unit = Array.from(
      { length: digits.length / 2 },
      (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16),
    );
    if (unit.some(Number.isNaN) || digits.length % 2 !== 0) throw new Error(`Cannot read hex: ${word}`);
    const all = new Uint8Array(unit.length * Number(times));
    for (let at = 0; at < all.length; at += unit.length) all.set(unit, at);
    return all;
  });
  return concat(bytes);
}

/** Bytes as hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Bytes as hexadecimal digits, or as length and hash where that would be too long to read. */
export function show(bytes: Uint8Array): string {
  if (bytes.length <= 128) return toHex(bytes);
  let hash = 0x811c9dc5; // FNV-1a
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return `${bytes.length} bytes with hash ${(hash >>> 0).toString(16)}`;
}

/** The parts behind each other. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Whether two runs of bytes are equal; for long ones, where `assertEquals` would take its time. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Masks a copy, byte by byte as RFC 6455 §5.3 writes it. */
export function maskNaively(bytes: Uint8Array, key: Uint8Array, offset = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes, (byte, i) => byte ^ key[(i + offset) % 4]!);
}
