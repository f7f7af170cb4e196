/**
 * Tasks of the event loop, by the cheapest means that there is.
 *
 * @module
 */

/** What an environment may have for tasks. Timers come last: they wait for a millisecond or more. */
interface TaskSources {
  readonly setImmediate?: (task: () => void) => unknown;
  readonly MessageChannel?: typeof MessageChannel;
}

/** Runs something as a task, behind the ones before: when one begins, all microtasks of the last have run. */
export type QueueTask = (task: () => void) => void;

/** Finds a way to queue tasks. */
export function taskQueueOf({ setImmediate, MessageChannel }: TaskSources): QueueTask {
  if (setImmediate !== undefined) return (task) => void setImmediate(task);
  if (MessageChannel !== undefined) return overChannel(new MessageChannel());
  return (task) => void setTimeout(task, 0);
}

/** A message is a task: each one runs the first that waits. */
function overChannel({ port1, port2 }: MessageChannel): QueueTask {
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()!();
  return (task) => {
    waiting.push(task);
    port2.postMessage(null);
  };
}

/** Runs something as a task of its own. */
export const queueTask: QueueTask = taskQueueOf(globalThis as TaskSources);

/**
 * Something that is looked at when nothing has asked for it any more: in a task that was queued after the last call of
 * {@linkcode LastTask.queue}, once for all of them.
 */
export class LastTask {
  readonly #run: () => void;
  /** Whether a task is queued, and whether it was asked for again since. */
  #queued: "no" | "yes" | "again" = "no";

  /** @param run What to run. */
  constructor(run: () => void) {
    this.#run = run;
  }

  /** Asks for it. */
  queue(): void {
    const idle = this.#queued === "no";
    this.#queued = idle ? "yes" : "again";
    if (idle) queueTask(() => this.#take());
  }

  #take(): void {
    const again = this.#queued === "again";
    this.#queued = "no";
    if (again) this.queue();
    else this.#run();
  }
}
