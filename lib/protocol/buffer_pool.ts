/**
 * Buffers that are used again and again, for frames on their way out and messages on their way in: fresh ones cost a page
 * fault for every 4 KiB and a collection later, and idle connections shall hold none.
 *
 * @module
 */

/** The smallest and the largest buffers that are kept, as powers of two: 1 KiB and 2 MiB. */
const MIN_BITS = 10;
const MAX_BITS = 21;

/** How many bytes of buffers of one size are kept, and how many buffers at least: 10 MiB in all. */
const MAX_KEPT = 524_288;
const MIN_COUNT = 2;

/** The smallest buffer that is freed at once rather than left to the collector, which lets 64 MiB gather on V8. */
const MIN_FREED = 65_536;

/** What TypeScript does not know of an ArrayBuffer yet. */
type Transferable = ArrayBuffer & { transfer(size: number): ArrayBuffer };

declare const pooled: unique symbol;

/** A buffer of the pool, in the hand of its borrower. A view of it is not one: it cannot be given back. */
export type PooledBuffer = Uint8Array & { readonly [pooled]: true };

/**
 * Lends buffers.
 *
 * A borrower is the only one who knows a buffer. It gives the buffer back once, when it will neither read nor write there any
 * more, and nobody else can: a buffer of which a user, a transport or a native call was shown a part is only given back when
 * they are known to be done, or else never. What is not given back is garbage like any other.
 *
 * Tests hold all borrowers to that (`tests/support/checked_pool.ts`).
 */
export class BufferPool {
  /** The buffers that nobody uses, by the exponent of their size. */
  readonly #free: PooledBuffer[][] = Array.from({ length: MAX_BITS + 1 }, () => []);

  /**
   * Lends a buffer; its content is arbitrary.
   *
   * @param size How many bytes it must have at least. Up to 2 MiB it has the next power of two.
   */
  borrow(size: number): PooledBuffer {
    if (size > 2 ** MAX_BITS) return new Uint8Array(size) as PooledBuffer;
    const bits = size <= 2 ** MIN_BITS ? MIN_BITS : 32 - Math.clz32(size - 1);
    return this.#free[bits]!.pop() ?? new Uint8Array(2 ** bits) as PooledBuffer;
  }

  /**
   * Takes a buffer back.
   *
   * @param buffer What {@linkcode BufferPool.borrow} returned: that very object, not another view of its memory.
   */
  giveBack(buffer: PooledBuffer): void {
    const bits = 31 - Math.clz32(buffer.length);
    const kept = this.#free[bits];
    if (kept === undefined || buffer.length !== 2 ** bits) return;
    if (kept.length < Math.max(MIN_COUNT, MAX_KEPT / buffer.length)) kept.push(buffer);
    else if (buffer.length >= MIN_FREED) (buffer.buffer as Transferable).transfer(0);
  }
}

/** The pool that all connections of the process share. */
export const bufferPool: BufferPool = new BufferPool();
