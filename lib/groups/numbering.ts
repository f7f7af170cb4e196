/**
 * Numbers for what a process publishes on each channel, by which others notice what they missed.
 *
 * @module
 */

import type { ProcessId } from "./envelope.ts";

/** How many channels are numbered at least; a channel not published on for longer than that many others starts again. */
const MAX_CHANNELS = 10_000;

/** How many processes are remembered; the one that was heard of first is forgotten first. */
const MAX_SENDERS = 1_000;

/** Numbers wrap around at 32 bits. A difference beyond half of that is a step back: the publisher has started again. */
const HALF = 2 ** 31;

/** Numbers messages from 1 on, for each channel. */
export class Numbering {
  /** Two generations: when the young one is full it takes the place of the old one, which is forgotten. */
  #young = new Map<string, number>();
  #old: ReadonlyMap<string, number> = new Map();

  /** The next number of a channel. */
  next(channel: string): number {
    const before = this.#young.get(channel) ?? this.#old.get(channel) ?? 0;
    const number = (before + 1) >>> 0;
    if (this.#young.size === MAX_CHANNELS && !this.#young.has(channel)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(channel, number);
    return number;
  }
}

/** What a process was last heard to say, for each subscription. */
type Sender = WeakMap<object, number>;

/** Counts the numbers that are missing. Subscriptions that are gone take what is known of them along. */
export class Gaps {
  readonly #senders = new Map<number, Sender>();

  /** How many processes are known. */
  get size(): number {
    return this.#senders.size;
  }

  /**
   * Takes the number of a message.
   *
   * @param subscription Stands for the channel, for as long as it is subscribed to.
   * @param from The process that it is from.
   * @param number Its number.
   * @returns How many before it are missing since the one before from that process.
   */
  take(subscription: object, from: ProcessId, number: number): number {
    const sender = this.#senderOf(from);
    const before = sender.get(subscription);
    sender.set(subscription, number);
    if (before === undefined) return 0;
    const missing = (number - before - 1) >>> 0;
    return missing < HALF ? missing : 0;
  }

  #senderOf(from: ProcessId): Sender {
    // 48 of its 128 random bits will do: to take one process for another would only count wrongly.
    const key = (from[0]! << 16 | from[1]! << 8 | from[2]!) * 2 ** 24 +
      (from[3]! << 16 | from[4]! << 8 | from[5]!);
    let sender = this.#senders.get(key);
    if (sender !== undefined) return sender;
    if (this.#senders.size === MAX_SENDERS) this.#senders.delete(this.#senders.keys().next().value!);
    this.#senders.set(key, sender = new WeakMap());
    return sender;
  }
}
