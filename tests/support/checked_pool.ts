/**
 * Holds whoever borrows a buffer of the pool to the rule that it is given back once, by its borrower, when nobody uses it any
 * more: to import it is enough. The library's own pool is checked, in this process.
 *
 * - A buffer that is given back twice, or was never lent, is a fault at once.
 * - Its memory is moved to another buffer: who still holds the old one, or a view of it, reads nothing, and cannot write.
 * - What nobody should see is full of {@linkcode POISON}: no test can take it for its own bytes.
 * - Memory that was written to after that, by a system call that was still under way, is a fault when it is lent again.
 *
 * A fault is thrown, and is a rejection that nobody handles too, so that no test can pass over it.
 *
 * @module
 */

import { BufferPool, type PooledBuffer } from "../../lib/protocol/buffer_pool.ts";

/** What a buffer is full of that nobody has written to. */
export const POISON = 0xdb;
const POISON_WORD = 0xdbdb_dbdb | 0;

/** What TypeScript does not know of an ArrayBuffer yet. */
type Movable = ArrayBuffer & { transfer(): ArrayBuffer };

const { borrow, giveBack } = BufferPool.prototype;
const lent = new WeakSet<Uint8Array>();
const poisoned = new WeakSet<Uint8Array>();
/** Which memory it is, however often it was moved. */
const identities = new WeakMap<ArrayBufferLike, object>();
let tellRunner = true;

BufferPool.prototype.borrow = function (size: number): PooledBuffer {
  const buffer = borrow.call(this, size);
  if (!poisoned.delete(buffer)) buffer.fill(POISON);
  else if (!isPoison(buffer)) fail("Somebody wrote to a buffer that had been given back to the pool");
  lent.add(buffer);
  if (!identities.has(buffer.buffer)) identities.set(buffer.buffer, {});
  return buffer;
};

BufferPool.prototype.giveBack = function (buffer: PooledBuffer): void {
  if (!lent.delete(buffer)) {
    return fail("A buffer was given back to the pool that is not lent: twice, or not by its borrower");
  }
  const identity = identities.get(buffer.buffer)!;
  const moved = new Uint8Array((buffer.buffer as Movable).transfer()).fill(
    POISON,
  ) as Uint8Array as PooledBuffer;
  identities.set(moved.buffer, identity);
  poisoned.add(moved);
  giveBack.call(this, moved);
};

/** Tells memory of the pool apart, where it is lent again too; `undefined` for any other. */
export function identityOf({ buffer }: Uint8Array): object | undefined {
  return identities.get(buffer);
}

/** Makes a pool of its own that is not checked. */
export function uncheckedPool(): BufferPool {
  return Object.assign(new BufferPool(), { borrow, giveBack });
}

/** Runs what is meant to break the rule: its faults are only thrown. */
export function breakingTheRule<Result>(run: () => Result): Result {
  tellRunner = false;
  try {
    return run();
  } finally {
    tellRunner = true;
  }
}

function isPoison(buffer: Uint8Array): boolean {
  const words = new Int32Array(buffer.buffer, 0, buffer.length >> 2);
  for (let i = 0; i < words.length; i++) if (words[i] !== POISON_WORD) return false;
  return true;
}

function fail(what: string): never {
  const error = new Error(what);
  if (tellRunner) Promise.reject(error);
  throw error;
}
