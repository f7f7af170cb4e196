/**
 * Takes a frame's bytes apart, field by field (RFC 6455 §5.2). Nothing here touches the page.
 *
 * @module
 */

const OPCODES = new Map([
  [0x0, "continuation"],
  [0x1, "text"],
  [0x2, "binary"],
  [0x8, "close"],
  [0x9, "ping"],
  [0xa, "pong"],
]);

/**
 * Reads a frame.
 *
 * @param bytes The frame from its first byte on; the end of a long payload may be missing.
 * @param size How many bytes the frame has in all.
 */
export function readFrame(bytes, size) {
  const [first, second] = bytes;
  const short = second & 0x7f;
  const form = short < 126 ? 7 : short === 126 ? 16 : 64;
  const extended = form === 7 ? 0 : form / 8;
  const masked = second >= 0x80;
  const header = 2 + extended + (masked ? 4 : 0);
  const key = masked ? bytes.subarray(header - 4, header) : undefined;
  const payload = bytes.subarray(header);
  return {
    size,
    fin: first >> 7,
    rsv: [first >> 6 & 1, first >> 5 & 1, first >> 4 & 1],
    opcode: first & 0xf,
    name: OPCODES.get(first & 0xf) ?? "reserved",
    masked,
    short,
    form,
    length: size - header,
    extended: bytes.subarray(2, 2 + extended),
    key,
    header,
    bytes,
    payload,
    plain: key === undefined ? payload : unmask(payload, key),
  };
}

/** Undoes the mask: each byte XOR one of the key's four, in turn (§5.3). */
export function unmask(payload, key) {
  return payload.map((byte, i) => byte ^ key[i % 4]);
}

/**
 * Lays a frame's fields out in rows of 32 bits, as the RFC draws them.
 *
 * @returns Pieces in order: `{ field, label, value, bits }`. A field that does not fit in its row goes on in the next.
 */
export function layOut(frame) {
  const { extended, key, payload } = frame;
  const fields = [
    { field: "fin", label: "FIN", value: `${frame.fin}`, bits: 1 },
    ...frame.rsv.map((bit, i) => ({ field: "rsv", label: `RSV${i + 1}`, value: `${bit}`, bits: 1 })),
    { field: "opcode", label: "opcode", value: frame.opcode.toString(16), bits: 4 },
    { field: "mask", label: "MASK", value: frame.masked ? "1" : "0", bits: 1 },
    { field: "length", label: "length", value: `${frame.short}`, bits: 7 },
    { field: "length", label: "extended length", value: hex(extended), bits: extended.length * 8 },
    { field: "key", label: "masking key", value: hex(key ?? []), bits: (key?.length ?? 0) * 8 },
    { field: "payload", label: "payload", value: hex(payload.subarray(0, 8)), bits: payload.length * 8 },
  ].filter(({ bits }) => bits > 0);
  return inRows(fields);
}

/** Cuts fields at the ends of rows. Of the payload there is the row in which it begins, and the next. */
function inRows(fields) {
  const pieces = [];
  let used = 0;
  for (const { field, label, value, bits } of fields) {
    const room = field === "payload" ? 32 - used % 32 + (used % 32 === 0 ? 0 : 32) : bits;
    for (let at = 0; at < Math.min(bits, room);) {
      const piece = Math.min(bits - at, 32 - used % 32);
      pieces.push({
        field,
        label: at > 0 ? `${label}, continued` : label,
        value: bits < 8 ? value : value.slice(at / 8 * 3, (at + piece) / 8 * 3).trim(),
        bits: piece,
      });
      used += piece;
      at += piece;
    }
  }
  return pieces;
}

/** Bytes in hex: `48 65 6c`. */
export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** The bytes that a text of hex digits stands for. */
export function fromHex(text) {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

/** A payload as text where it is one, its control characters visible; `undefined` where it is not. */
export function asText(bytes, cut) {
  try {
    // The end of a text that was cut off may be half a character.
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: cut });
    return text.replace(
      /\p{Cc}/gu,
      (char) => char < " " ? String.fromCharCode(0x2400 + char.charCodeAt(0)) : "·",
    );
  } catch {
    return undefined;
  }
}

/** The lines of a hex dump: `{ offset, hex, text }` for each 16 bytes. */
export function hexDump(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const text = Array.from(row, (byte) => byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")
      .join("");
    lines.push({ offset: at.toString(16).padStart(4, "0"), hex: hex(row), text });
  }
  return lines;
}
