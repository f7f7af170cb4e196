/**
 * Where bytes are read to: whoever receives them says so, and the transport reads there.
 *
 * @module
 */

/** Knows where the next bytes are best read to. */
export interface ReadTarget {
  /**
   * Lends memory for one read, which then goes to `data` of the sink, from its start. It is good until the next call of
   * any method of the sink or the target.
   *
   * @returns `undefined` if there is nothing to win.
   */
  nextBuffer(): Uint8Array | undefined;
}

/** Whom some memory is given back to. */
export interface Lender {
  /** Takes it back: to be called once, when it is read or thrown away. */
  giveBack(): void;
}

/** How much is read at a time. */
export const READ_SIZE = 65_536;

/** Memory in which parts of a message may lie that nobody has read. */
class ReadBuffer implements Lender {
  readonly bytes = new Uint8Array(READ_SIZE);
  unread = 0;

  giveBack(): void {
    this.unread--;
  }
}

/**
 * Memory that is read into again and again while a message is streamed: two buffers by turns, so that the next parts come
 * into one while those in the other wait to be read. Fresh memory for each read would be collected late: V8 lets 64 MiB
 * gather.
 */
export class ReadBuffers {
  #next = new ReadBuffer();
  #other = new ReadBuffer();

  /** Lends the one that was not lent last, unless something in it is unread. */
  next(): Uint8Array | undefined {
    const buffer = this.#next;
    if (buffer.unread > 0) return undefined;
    this.#next = this.#other;
    this.#other = buffer;
    return buffer.bytes;
  }

  /** Records that a part waits to be read; returns whom it is to be given back to, if it lies here. */
  lend(part: Uint8Array): Lender | undefined {
    const buffer = [this.#next, this.#other].find(({ bytes }) => bytes.buffer === part.buffer);
    if (buffer !== undefined) buffer.unread++;
    return buffer;
  }
}
