/**
 * Things that happen after a time, unless something else happens before.
 *
 * Deadlines of the same length share one timer, ordered by due time: a timer for each connection takes 0.3 KiB on Node
 * and 1.5 KiB on Deno, a place in the shared one 0.1.
 *
 * @module
 */

type Timer = ReturnType<typeof setTimeout>;

/** Something that waits on a {@linkcode SharedTimer}. */
export interface Expiring {
  /** When its time comes, as `performance.now()` counts; `Infinity`: never. */
  readonly due: number;
  /** Called when its time has come; it no longer waits by then. */
  expire(): void;
}

/** How a {@linkcode SharedTimer} runs. */
interface SharedTimerOptions {
  readonly background?: boolean;
  readonly onIdle?: () => void;
}

/** One timer for everything that waits for the same time. */
export class SharedTimer {
  readonly #background: boolean;
  readonly #onIdle: (() => void) | undefined;
  /** What waits, the earliest first. */
  readonly #waiting = new Set<Expiring>();
  /** The one timer that runs, or is being called. */
  #timer: Timer | undefined;

  /**
   * Makes a timer that does not run yet.
   *
   * @param options `background`: whether the process may end before, where the platform's timers know that. `onIdle`: called
   * when nothing waits any more.
   */
  constructor({ background = false, onIdle }: SharedTimerOptions = {}) {
    this.#background = background;
    this.#onIdle = onIdle;
  }

  /** Starts to wait; starts again if it waits already. All must wait for the same time, from when they are added. */
  add(who: Expiring): void {
    if (who.due === Infinity) return;
    this.#waiting.delete(who);
    this.#waiting.add(who);
    if (this.#timer === undefined) this.#start(who);
  }

  /** Stops waiting. */
  delete(who: Expiring): void {
    if (this.#waiting.delete(who) && this.#waiting.size === 0) this.#stop();
  }

  #start({ due }: Expiring): void {
    this.#timer = setTimeout(() => this.#call(), Math.max(1, Math.ceil(due - performance.now())));
    if (this.#background && typeof this.#timer === "object") this.#timer.unref?.();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.size === 0) this.#onIdle?.();
  }

  /**
   * Calls those whose time has come, then waits for the next. Until then the timer counts as running: one that waits again
   * when it is called starts no second one, which would never stop.
   */
  #call(): void {
    const now = performance.now();
    try {
      for (const who of this.#waiting) {
        if (who.due > now) return;
        this.#waiting.delete(who);
        who.expire();
      }
    } finally {
      this.#stop();
      for (const first of this.#waiting) {
        this.#start(first);
        break;
      }
    }
  }
}

/** The timers that something waits on, by their time; each is forgotten when nothing does, for there may be any number. */
const timers = new Map<number, SharedTimer>();
/** Those that do not keep the process from ending. */
const backgroundTimers = new Map<number, SharedTimer>();

/**
 * Starts to wait, on the timer that is shared by all that wait for so long.
 *
 * @param who What to call.
 * @param time How long that is, in milliseconds.
 * @param options `background`: whether the process may end before.
 * @returns The timer, to stop waiting.
 */
export function startWaiting(
  who: Expiring,
  time: number,
  { background = false }: { background?: boolean } = {},
): SharedTimer {
  const all = background ? backgroundTimers : timers;
  const timer = all.get(time) ?? new SharedTimer({ background, onIdle: () => forget() });
  const forget = () => all.get(time) === timer && all.delete(time);
  if (time !== Infinity) all.set(time, timer);
  timer.add(who);
  return timer;
}

/** Runs something after a time, once, unless it is stopped before. */
export class Deadline implements Expiring {
  readonly due: number;
  readonly #timer: SharedTimer;
  readonly #run: () => void;

  /**
   * Starts to wait.
   *
   * @param time How long, in milliseconds; `Infinity` is for ever, and 0 as long as 1.
   * @param run What to run then.
   */
  constructor(time: number, run: () => void) {
    this.due = performance.now() + Math.max(1, time);
    this.#run = run;
    this.#timer = startWaiting(this, time);
  }

  /** Stops waiting. */
  stop(): void {
    this.#timer.delete(this);
  }

  expire(): void {
    this.#run();
  }
}
