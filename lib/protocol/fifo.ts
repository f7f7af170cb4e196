/**
 * A queue that is as quick to take from as to put into, however long it is.
 *
 * @module
 */

const NOTHING: never[] = [];

/** What an emptied queue may keep room for. */
const MAX_KEPT = 1_024;

/** First in, first out; nothing in it is `undefined`. */
export class Fifo<T> {
  /** A ring: its length is a power of two, and 0 until there is something in it. */
  #ring: (T | undefined)[] = NOTHING;
  #first = 0;
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** Puts one in, behind all others. */
  push(item: T): void {
    if (this.#size === this.#ring.length) this.#grow();
    this.#ring[(this.#first + this.#size++) & (this.#ring.length - 1)] = item;
  }

  /** Takes the first one out; `undefined` if there is none. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#ring[this.#first];
    this.#ring[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#ring.length - 1);
    if (--this.#size === 0 && this.#ring.length > MAX_KEPT) this.#ring = NOTHING;
    return item;
  }

  /** Takes all of them out. */
  takeAll(): T[] {
    return Array.from({ length: this.#size }, () => this.shift()!);
  }

  #grow(): void {
    const size = this.#size;
    const items = this.takeAll();
    items.length = Math.max(2, size * 2);
    this.#ring = items;
    this.#first = 0;
    this.#size = size;
  }
}
