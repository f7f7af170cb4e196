/**
 * Counts the timers that run, on every runtime: to import it is enough, ahead of what sets them.
 *
 * @module
 */

type Timer = ReturnType<typeof setTimeout>;

const running = new Set<Timer>();
const { setTimeout: set, clearTimeout: clear } = globalThis;

/** How many timers have been set, and neither fired nor been cleared. */
export function timersRunning(): number {
  return running.size;
}

globalThis.setTimeout = ((run: (...args: unknown[]) => void, time?: number, ...args: unknown[]): Timer => {
  const timer = set(() => {
    running.delete(timer);
    run(...args);
  }, time);
  running.add(timer);
  return timer;
}) as typeof setTimeout;

globalThis.clearTimeout = (timer) => {
  running.delete(timer as Timer);
  clear(timer as Timer);
};
