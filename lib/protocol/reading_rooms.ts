/**
 * Memory that is read into again and again while a message is streamed. Fresh memory for each read would be collected late:
 * V8 lets 64 MiB gather.
 *
 * @module
 */

import type { Message } from "./message_assembler.ts";

/** How much is read at a time. */
const ROOM_SIZE = 65_536;

/** Tells of the parts of messages that wait to be read. */
export interface UnreadParts {
  /** What they count for; 0 if there are none. */
  readonly unread: number;
  /** The first of them; `undefined` if it is not known. */
  readonly oldestPart: Message | undefined;
}

/** That there are none. */
export const NOTHING_UNREAD: UnreadParts = { unread: 0, oldestPart: undefined };

/** Two rooms that are read into by turns: while the parts in one wait to be read, the next come into the other. */
export class ReadingRooms {
  #next = new Uint8Array(ROOM_SIZE);
  #other = new Uint8Array(ROOM_SIZE);

  /**
   * Lends the room that was not lent last, if nothing in it is unread. Parts are read in the order in which they came: if
   * the first is in the room that was lent last, none is in the one before.
   */
  lend({ unread, oldestPart }: UnreadParts): Uint8Array | undefined {
    const room = this.#next;
    const inOther = oldestPart instanceof Uint8Array && oldestPart.buffer === this.#other.buffer;
    if (unread > 0 && !inOther) return undefined;
    this.#next = this.#other;
    this.#other = room;
    return room;
  }
}
