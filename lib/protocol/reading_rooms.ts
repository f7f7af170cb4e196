/**
 * Memory that is read into again and again while a message is streamed. Fresh memory for each read would be collected late:
 * V8 lets 64 MiB gather.
 *
 * @module
 */

/** How much is read at a time. */
export const ROOM_SIZE = 65_536;

/** Where parts of messages wait to be read. */
export interface UnreadParts {
  /** Tells whether one of them lies in some memory. */
  holds(memory: ArrayBufferLike): boolean;
}

/** That none wait. */
export const NOTHING_UNREAD: UnreadParts = { holds: () => false };

/** Two rooms that are read into by turns: while the parts in one wait to be read, the next come into the other. */
export class ReadingRooms {
  #next = new Uint8Array(ROOM_SIZE);
  #other = new Uint8Array(ROOM_SIZE);

  /** Lends the room that was not lent last, unless something in it is unread. */
  lend(queue: UnreadParts): Uint8Array | undefined {
    const room = this.#next;
    if (queue.holds(room.buffer)) return undefined;
    this.#next = this.#other;
    this.#other = room;
    return room;
  }
}
