/**
 * What is to happen after a time, unless something else happens before.
 *
 * All that wait for the same time wait in one line, the earliest first, behind one timer: a timer for each connection
 * takes 0.3 KiB on Node and 1.5 KiB on Deno, a place in the line 0.1.
 *
 * @module
 */

type Timer = ReturnType<typeof setTimeout>;

/** Something that waits in a {@linkcode DeadlineLine}. */
export interface Expiring {
  /** Takes note that its time has come; it waits no longer by then. */
  expire(): void;
}

/** Those who wait for the same time, in the order in which they began. */
export class DeadlineLine {
  readonly #time: number;
  readonly #background: boolean;
  /** Who waits, and until when, as `performance.now()` counts. */
  readonly #waiting = new Map<Expiring, number>();
  #timer: Timer | undefined;

  /**
   * Makes a line.
   *
   * @param time How long to wait, in milliseconds; `Infinity` is for ever.
   * @param options `background`: whether the process may end meanwhile, where the platform's timers know that.
   */
  constructor(time: number, { background = false }: { background?: boolean } = {}) {
    this.#time = time;
    this.#background = background;
  }

  /** Begins to wait; once more, if that one waits already. */
  add(who: Expiring): void {
    if (this.#time === Infinity) return;
    this.#waiting.delete(who);
    this.#waiting.set(who, performance.now() + this.#time);
    if (this.#timer === undefined) this.#wait(this.#time);
  }

  /** Stops waiting. */
  delete(who: Expiring): void {
    if (!this.#waiting.delete(who) || this.#waiting.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait(time: number): void {
    this.#timer = setTimeout(() => this.#call(), Math.max(1, Math.ceil(time)));
    if (this.#background && typeof this.#timer === "object") this.#timer.unref?.();
  }

  /** Tells those whose time has come, then waits for the next. */
  #call(): void {
    this.#timer = undefined;
    for (const [who, due] of this.#waiting) {
      const left = due - performance.now();
      if (left > 0) return this.#wait(left);
      this.#waiting.delete(who);
      who.expire();
    }
  }
}

const lines = new Map<number, DeadlineLine>();

/** Runs something after a time, once, unless it is stopped before. */
export class Deadline implements Expiring {
  /** Runs it. */
  readonly expire: () => void;
  readonly #line: DeadlineLine;

  /**
   * Begins to wait.
   *
   * @param time How long, in milliseconds; `Infinity` is for ever.
   * @param run What to run then.
   */
  constructor(time: number, run: () => void) {
    this.expire = run;
    let line = lines.get(time);
    if (line === undefined) lines.set(time, line = new DeadlineLine(time));
    this.#line = line;
    line.add(this);
  }

  /** Stops waiting. */
  stop(): void {
    this.#line.delete(this);
  }
}
