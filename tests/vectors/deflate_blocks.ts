/**
 * DEFLATE blocks written bit by bit (RFC 1951): what no compressor would write, and yet a peer may.
 *
 * @module
 */

/** A run of literal bytes, one latin-1 character each, or a copy of `length` bytes from `distance` bytes ago. */
export type Token = string | readonly [length: number, distance: number];

/** One block: `fixed` and `stored` are the block types, `final` is BFINAL. */
export type Block =
  | { readonly fixed: readonly Token[]; readonly final?: boolean }
  | { readonly stored: string; readonly final?: boolean };

/** The symbol and the extra bits of each length that can be written, and the base and extra bits of each distance. */
const LENGTH_SYMBOLS: ReadonlyMap<number, number> = new Map([
  ...[3, 4, 5, 6, 7, 8, 9, 10].map((length) => [length, 254 + length] as const),
  [258, 285],
]);
const DISTANCES: readonly (readonly [base: number, bits: number])[] = Array.from(
  { length: 30 },
  (_, code) => {
    if (code < 4) return [code + 1, 0];
    const bits = (code >> 1) - 1;
    return [((2 + (code & 1)) << bits) + 1, bits];
  },
);

class BitWriter {
  readonly bits: number[] = [];

  /** Appends a number, its lowest bit first. */
  number(value: number, count: number): void {
    for (let i = 0; i < count; i++) this.bits.push((value >> i) & 1);
  }

  /** Appends a Huffman code, its highest bit first. */
  code(value: number, count: number): void {
    for (let i = count - 1; i >= 0; i--) this.bits.push((value >> i) & 1);
  }

  align(): void {
    while (this.bits.length % 8 !== 0) this.bits.push(0);
  }

  bytes(): Uint8Array<ArrayBuffer> {
    this.align();
    return Uint8Array.from({ length: this.bits.length / 8 }, (_, at) => {
      return this.bits.slice(8 * at, 8 * at + 8).reduce((byte, bit, i) => byte | (bit << i), 0);
    });
  }
}

/** Writes a symbol of the fixed literal and length code (RFC 1951 §3.2.6). */
function writeSymbol(writer: BitWriter, symbol: number): void {
  if (symbol < 144) writer.code(0x30 + symbol, 8);
  else if (symbol < 256) writer.code(0x190 + symbol - 144, 9);
  else if (symbol < 280) writer.code(symbol - 256, 7);
  else writer.code(0xc0 + symbol - 280, 8);
}

function writeToken(writer: BitWriter, token: Token): void {
  if (typeof token === "string") {
    for (const character of token) writeSymbol(writer, character.charCodeAt(0));
    return;
  }
  const [length, distance] = token;
  const symbol = LENGTH_SYMBOLS.get(length);
  const code = DISTANCES.findLastIndex(([base]) => base <= distance);
  if (symbol === undefined || code === -1) throw new RangeError(`Cannot write copy of ${length} bytes`);
  writeSymbol(writer, symbol);
  writer.code(code, 5);
  const [base, bits] = DISTANCES[code]!;
  writer.number(distance - base, bits);
}

/**
 * Writes blocks behind each other; behind one with BFINAL the next begins at a whole byte (RFC 7692 §7.2.1).
 *
 * The end is padded to a whole byte, and has no header of the empty block that a receiver adds: see {@linkcode whole}.
 */
export function writeBlocks(blocks: readonly Block[]): Uint8Array<ArrayBuffer> {
  const writer = new BitWriter();
  for (const block of blocks) {
    writer.number(block.final ? 1 : 0, 1);
    if ("fixed" in block) {
      writer.number(1, 2);
      for (const token of block.fixed) writeToken(writer, token);
      writeSymbol(writer, 256);
    } else {
      writer.number(0, 2);
      writer.align();
      writer.number(block.stored.length, 16);
      writer.number(~block.stored.length, 16);
      for (const character of block.stored) writer.number(character.charCodeAt(0), 8);
    }
    if (block.final) writer.align();
  }
  return writer.bytes();
}

/** Writes the payload of a message: blocks, and the header of an empty one whose other bytes are not sent. */
export function whole(blocks: readonly Block[]): Uint8Array<ArrayBuffer> {
  return writeBlocks([...blocks, { stored: "" }]).slice(0, -4);
}
