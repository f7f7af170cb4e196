/**
 * DEFLATE read bit by bit, as RFC 1951 tells it and as RFC 7692 §7.2.2 uses it: slow, plain, and nobody else's code.
 *
 * @module
 */

/** What a part of a message, from its beginning on, comes to. */
export interface Inflated {
  /** What came out, up to the fault if there is one. */
  readonly bytes: Uint8Array;
  /** `whole`: a message may end here. `unfinished`: more must follow. `invalid`: no more can help. */
  readonly end: "whole" | "unfinished" | "invalid";
}

/** What copies may refer to. */
export interface Reach {
  /** The bytes in front of the message. */
  readonly history: Uint8Array;
  /** How far back a copy may go, in bytes. */
  readonly distance: number;
}

/** Thrown where reading ends. */
class Stop {
  readonly end: Inflated["end"];

  constructor(end: Inflated["end"]) {
    this.end = end;
  }
}

const invalid = new Stop("invalid");

/** §3.2.5: the extra bits of the lengths 257 to 285, and of the distances; the bases follow from them. */
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const LENGTH_BASES = [...bases(LENGTH_BITS.slice(0, -1), 3), 258];
const DISTANCE_BITS = Array.from({ length: 30 }, (_, symbol) => Math.max(0, (symbol >> 1) - 1));
const DISTANCE_BASES = bases(DISTANCE_BITS, 1);

/** §3.2.7: the order in which the lengths of the code for code lengths come. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

function bases(bits: readonly number[], first: number): number[] {
  return bits.map((_, i) => bits.slice(0, i).reduce((base, count) => base + 2 ** count, first));
}

class Bits {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length * 8;
  }

  /** Takes a number, its lowest bit first. */
  take(count: number): number {
    if (this.#at + count > this.#bytes.length * 8) throw new Stop("unfinished");
    let value = 0;
    for (let i = 0; i < count; i++, this.#at++) {
      value += ((this.#bytes[this.#at >> 3]! >> (this.#at & 7)) & 1) * 2 ** i;
    }
    return value;
  }

  align(): void {
    this.#at = Math.ceil(this.#at / 8) * 8;
  }
}

/** A Huffman code by the lengths of its symbols' codes (§3.2.2). */
class Huffman {
  readonly #symbols = new Map<string, number>();

  /** @param lengths By symbol; 0 means that a symbol is not used. */
  constructor(lengths: readonly number[], { maySpare = true } = {}) {
    let code = 0;
    for (let length = 1; length <= 15; length++, code *= 2) {
      lengths.forEach((own, symbol) => {
        if (own !== length) return;
        this.#symbols.set(code.toString(2).padStart(length, "0"), symbol);
        code++;
      });
      if (code > 2 ** length) throw invalid;
    }
    // Only a code of at most one symbol, which takes one bit, may leave bits without a meaning (§3.2.7).
    const single = maySpare && lengths.every((length) => length <= 1);
    if (code !== 2 ** 16 && !single && this.#symbols.size > 0) throw invalid;
  }

  read(bits: Bits): number {
    for (let code = ""; code.length < 15;) {
      code += bits.take(1);
      const symbol = this.#symbols.get(code);
      if (symbol !== undefined) return symbol;
    }
    throw invalid;
  }
}

const FIXED: readonly [Huffman, Huffman] = [
  new Huffman([...repeat(8, 144), ...repeat(9, 112), ...repeat(7, 24), ...repeat(8, 8)]),
  new Huffman(repeat(5, 32)),
];

function repeat(value: number, count: number): number[] {
  return new Array<number>(count).fill(value);
}

/** Reads the lengths of a block's own two codes (§3.2.7). */
function readCodes(bits: Bits): readonly [Huffman, Huffman] {
  const [literals, distances, count] = [bits.take(5) + 257, bits.take(5) + 1, bits.take(4) + 4];
  // There are no more symbols than these (§3.2.5).
  if (literals > 286 || distances > 30) throw invalid;
  const own = repeat(0, 19);
  for (const symbol of ORDER.slice(0, count)) own[symbol] = bits.take(3);
  const code = new Huffman(own, { maySpare: false });
  const none = own.every((length) => length === 0);
  const lengths: number[] = [];
  while (lengths.length < literals + distances) {
    // A code for nothing gives no symbol a length, which shows at the end, where zlib sees it too.
    const symbol = none ? 0 * bits.take(1) : code.read(bits);
    if (symbol < 16) lengths.push(symbol);
    else if (symbol === 16 && lengths.length === 0) throw invalid;
    else if (symbol === 16) lengths.push(...repeat(lengths.at(-1)!, 3 + bits.take(2)));
    else lengths.push(...repeat(0, symbol === 17 ? 3 + bits.take(3) : 11 + bits.take(7)));
  }
  if (lengths.length > literals + distances || lengths[256] === 0) throw invalid;
  return [new Huffman(lengths.slice(0, literals)), new Huffman(lengths.slice(literals))];
}

function readStored(bits: Bits, out: number[]): void {
  bits.align();
  // Here the sender cut the message off: the length that follows is 00 00 ff ff (RFC 7692 §7.2.1).
  if (bits.atEnd) throw new Stop("whole");
  const [length, complement] = [bits.take(16), bits.take(16)];
  if (length + complement !== 0xffff) throw invalid;
  for (let i = 0; i < length; i++) out.push(bits.take(8));
}

function readCompressed(bits: Bits, [literals, distances]: readonly [Huffman, Huffman], to: Output): void {
  for (let symbol = literals.read(bits); symbol !== 256; symbol = literals.read(bits)) {
    if (symbol < 256) to.out.push(symbol);
    else copy(bits, symbol - 257, distances, to);
  }
}

interface Output {
  readonly out: number[];
  readonly distance: number;
}

function copy(bits: Bits, symbol: number, distances: Huffman, { out, distance: most }: Output): void {
  if (symbol >= LENGTH_BITS.length) throw invalid;
  const length = LENGTH_BASES[symbol]! + bits.take(LENGTH_BITS[symbol]!);
  const code = distances.read(bits);
  if (code >= DISTANCE_BITS.length) throw invalid;
  const distance = DISTANCE_BASES[code]! + bits.take(DISTANCE_BITS[code]!);
  if (distance > Math.min(out.length, most)) throw invalid;
  for (let i = 0; i < length; i++) out.push(out[out.length - distance]!);
}

/**
 * Inflates what has come of a message.
 *
 * @param payload The message from its beginning on, without the four bytes that its sender cut off.
 * @param reach What its copies may refer to.
 */
export function inflate(payload: Uint8Array, { history, distance }: Reach): Inflated {
  const out = [...history];
  const bits = new Bits(payload);
  let end: Inflated["end"];
  try {
    for (;;) {
      const [final, type] = [bits.take(1), bits.take(2)];
      if (type === 3) throw invalid;
      if (type === 0) readStored(bits, out);
      else readCompressed(bits, type === 1 ? FIXED : readCodes(bits), { out, distance });
      // Behind a block with BFINAL a message may end, or go on at the next byte (RFC 7692 §7.2.3.4).
      if (final === 1) bits.align();
      if (final === 1 && bits.atEnd) throw new Stop("whole");
    }
  } catch (stop) {
    if (!(stop instanceof Stop)) throw stop;
    end = stop.end;
  }
  return { bytes: Uint8Array.from(out.slice(history.length)), end };
}
