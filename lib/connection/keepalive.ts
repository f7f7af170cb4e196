/**
 * Finding out that a peer is gone without a word: its machine is off, its cable is pulled (RFC 6455 §5.5.2).
 *
 * @module
 */

import { after, type KeepaliveOptions, letGo, type Timer } from "./limits.ts";

/** How long to wait once more before the verdict: a process that was stopped has yet to read what came meanwhile. */
const GRACE = 50;

/** What a {@linkcode Keepalive} asks of its connection. */
export interface KeepaliveSubject {
  /** Sends a Ping. */
  probe(): void;
  /** Whether bytes are read: a peer that we do not listen to is not dead. */
  listening(): boolean;
  /** Takes note that the peer is dead. */
  dead(): void;
}

/** Sends a Ping every interval, and expects a byte, any byte, within the timeout. */
export class Keepalive {
  readonly #subject: KeepaliveSubject;
  readonly #options: Required<KeepaliveOptions>;
  /** Whether something has come since the last Ping. */
  #alive = true;
  #timer: Timer | undefined;

  /** Starts to count. */
  constructor(subject: KeepaliveSubject, options: Required<KeepaliveOptions>) {
    this.#subject = subject;
    this.#options = options;
    this.#wait(options.interval);
  }

  /** Takes note of a sign of life. */
  noteLife(): void {
    this.#alive = true;
  }

  /** Ends it. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait(time: number): void {
    this.#later(time, () => {
      this.#alive = false;
      this.#subject.probe();
      const { interval, timeout } = this.#options;
      if (timeout === Infinity) this.#wait(interval);
      else this.#later(timeout, () => this.#judge());
    });
  }

  #judge(): void {
    if (this.#alive) return this.#waitOn();
    if (!this.#subject.listening()) {
      // The first Ping may have made the kernel learn that the peer is gone: a second one fails for it.
      this.#subject.probe();
      return this.#waitOn();
    }
    this.#later(GRACE, () => this.#alive ? this.#waitOn() : this.#subject.dead());
  }

  /** Waits for the rest of the interval. */
  #waitOn(): void {
    const { interval, timeout } = this.#options;
    this.#wait(Math.max(0, interval - timeout));
  }

  #later(time: number, run: () => void): void {
    this.#timer = letGo(after(time, run));
  }
}
