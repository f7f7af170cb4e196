/**
 * How long the broker may take to answer.
 *
 * @module
 */

import { GroupsError } from "./groups_error.ts";

interface Waiting {
  /** Until when, as `performance.now()` counts. */
  readonly due: number;
  readonly expire: () => void;
}

/** Bounds how long promises are waited for. All of them share one timer, since all wait equally long. */
export class TimeLimit {
  readonly #timeout: number;
  /** Whoever waits, the longest first. */
  readonly #waiting = new Set<Waiting>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Makes a limit.
   *
   * @param timeout In milliseconds; `Infinity` for none.
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
      const waiting = {
        due: performance.now() + this.#timeout,
        expire: () => reject(new GroupsError("broker-timeout", { action, timeout: this.#timeout })),
      };
      this.#waiting.add(waiting);
      this.#timer ??= setTimeout(() => this.#check(), this.#timeout);
      answer.then(resolve, reject).finally(() => this.#remove(waiting));
    });
  }

  #remove(waiting: Waiting): void {
    if (!this.#waiting.delete(waiting) || this.#waiting.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #check(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const waiting of this.#waiting) {
      if (waiting.due > now) {
        this.#timer = setTimeout(() => this.#check(), Math.ceil(waiting.due - now));
        return;
      }
      this.#waiting.delete(waiting);
      waiting.expire();
    }
  }
}
