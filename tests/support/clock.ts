/**
 * A clock that is a number: timers fire when a test says that time has passed, and no test waits.
 *
 * @module
 */

interface Waiting {
  readonly run: () => void;
  readonly due: number;
}

/** The clock that is in place of the platform's while {@linkcode withClock} runs. */
export class Clock {
  /** The time, in milliseconds. */
  now = 1_000;
  readonly #waiting = new Map<object, Waiting>();

  /** How many timers run. */
  get timers(): number {
    return this.#waiting.size;
  }

  /** Starts a timer. */
  set(run: () => void, time: number): object {
    const timer = { unref() {} };
    this.#waiting.set(timer, { run, due: this.now + time });
    return timer;
  }

  /** Stops a timer. */
  clear(timer: object): void {
    this.#waiting.delete(timer);
  }

  /** Lets time pass, and timers fire in their order, each at its time. */
  advance(time: number): void {
    const end = this.now + time;
    for (let next = this.#first(end); next !== undefined; next = this.#first(end)) {
      const [timer, { run, due }] = next;
      this.#waiting.delete(timer);
      this.now = Math.max(this.now, due);
      run();
    }
    this.now = end;
  }

  #first(end: number): [object, Waiting] | undefined {
    const due = [...this.#waiting].filter(([, { due }]) => due <= end);
    return due.sort(([, a], [, b]) => a.due - b.due)[0];
  }
}

/** Runs something that is synchronous with a clock of its own in place of the platform's. */
export function withClock<T>(run: (clock: Clock) => T): T {
  const { setTimeout, clearTimeout } = globalThis;
  const { now } = performance;
  const clock = new Clock();
  globalThis.setTimeout = ((run: () => void, time = 0) => clock.set(run, time)) as typeof setTimeout;
  globalThis.clearTimeout = ((timer: object) => clock.clear(timer)) as typeof clearTimeout;
  performance.now = () => clock.now;
  try {
    return run(clock);
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout });
    performance.now = now;
  }
}
