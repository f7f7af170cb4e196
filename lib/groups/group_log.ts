/**
 * The latest messages of one group, bounded in number, bytes and age.
 *
 * @module
 */

import type { HistoryLimits, Position } from "./history_options.ts";

/** What is kept of a message. */
export interface Kept<T> {
  readonly offset: number;
  readonly value: T;
  /** Its length in bytes. */
  readonly size: number;
  /** When it was published, in milliseconds of the clock that the log is asked by. */
  readonly time: number;
}

/** Keeps a run of messages without a gap in it. */
export class GroupLog<T> {
  readonly epoch: string;
  readonly #limits: HistoryLimits;
  /** By offset, from the first to the last: a map, so that the oldest is taken out without moving the others. */
  readonly #kept = new Map<number, Kept<T>>();
  #last: number;
  #bytes = 0;
  /** When something was last appended. */
  #changed: number;

  /**
   * Makes an empty log.
   *
   * @param position Where it begins: the next message has the offset after it.
   * @param limits What it may hold.
   * @param now The time.
   */
  constructor({ epoch, offset }: Position, limits: HistoryLimits, now: number) {
    this.epoch = epoch;
    this.#last = offset;
    this.#limits = limits;
    this.#changed = now;
  }

  /** The offset of the latest message, whether it is still there or not. */
  get last(): number {
    return this.#last;
  }

  /** The offset of the oldest message that is there; if there is none, that of the next one. */
  get first(): number {
    return this.#last + 1 - this.#kept.size;
  }

  /** Where the log stands. */
  get position(): Position {
    return { epoch: this.epoch, offset: this.#last };
  }

  /** When something was last appended. */
  get changed(): number {
    return this.#changed;
  }

  /** The message at an offset, if it is there. */
  at(offset: number): Kept<T> | undefined {
    return this.#kept.get(offset);
  }

  /** Adds the next message; what is over a bound then goes. */
  append(value: T, size: number, time: number): void {
    const kept = { offset: ++this.#last, value, size, time };
    this.#kept.set(kept.offset, kept);
    this.#bytes += size;
    this.#changed = Math.max(this.#changed, time);
    this.trim(this.#changed);
  }

  /** Goes on after an offset, if that is further; what is there then has a gap behind it, and goes. */
  skipTo(offset: number): void {
    if (offset <= this.#last) return;
    this.#kept.clear();
    this.#bytes = 0;
    this.#last = offset;
  }

  /** Lets go of what is over a bound. */
  trim(now: number): void {
    const { messages, bytes, age } = this.#limits;
    for (let offset = this.first; offset <= this.#last; offset++) {
      const { size, time } = this.#kept.get(offset)!;
      if (this.#kept.size <= messages && this.#bytes <= bytes && now - time <= age) return;
      this.#kept.delete(offset);
      this.#bytes -= size;
    }
  }
}

/** How many times as long as messages a position is kept, for those who come back and have missed nothing. */
export const POSITION_LIVES = 10;

/** Makes up the name of an epoch. */
export function makeEpoch(): string {
  return crypto.randomUUID().slice(0, 13);
}
