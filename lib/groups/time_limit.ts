/**
 * How long the broker may take to answer.
 *
 * @module
 */

import { GroupsError } from "./groups_error.ts";

/** Into how many ticks the time is divided. */
const TICKS = 4;

interface Waiting {
  /** The tick in which the wait began. */
  readonly since: number;
  readonly expire: () => void;
}

/**
 * Bounds how long promises are waited for; all of them share one timer.
 *
 * The time is counted in ticks of the event loop's timer, so a process that was busy itself for a while does not take the
 * broker for silent: it has yet to read what came meanwhile.
 */
export class TimeLimit {
  readonly #timeout: number;
  /** Whoever waits, the longest first. */
  readonly #waiting = new Set<Waiting>();
  #tick = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Makes a limit.
   *
   * @param timeout In milliseconds, to a quarter more; `Infinity` for none.
   */
  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  /**
   * Waits for a promise.
   *
   * @param answer What the broker was asked for.
   * @param action What it is asked to do, for the error: `"publish message"`.
   * @returns Settles as `answer` does, or rejects with a `GroupsError` (`broker-timeout`) once the time is up. What
   *   `answer` does after that is ignored.
   */
  wait<T>(answer: Promise<T>, action: string): Promise<T> {
    if (this.#timeout === Infinity) return answer;
    return new Promise((resolve, reject) => {
      const expire = () => reject(new GroupsError("broker-timeout", { action, timeout: this.#timeout }));
      const waiting = { since: this.#tick, expire };
      this.#waiting.add(waiting);
      this.#timer ??= this.#wait();
      answer.then((value) => {
        this.#remove(waiting);
        resolve(value);
      }, (error) => {
        this.#remove(waiting);
        reject(error);
      });
    });
  }

  #remove(waiting: Waiting): void {
    if (!this.#waiting.delete(waiting) || this.#waiting.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait(): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#next(), this.#timeout / TICKS);
  }

  #next(): void {
    this.#tick++;
    for (const waiting of this.#waiting) {
      if (this.#tick - waiting.since <= TICKS) break;
      this.#waiting.delete(waiting);
      waiting.expire();
    }
    this.#timer = this.#waiting.size > 0 ? this.#wait() : undefined;
  }
}
