/**
 * Sources and sinks to drive streams with.
 *
 * @module
 */
import { WebSocketError } from "../../lib/errors.ts";

/** Waits a little: longer than streams take to settle. */
export function pause(time = 10): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}

/** A source that knows what became of it. */
export interface Source<T> {
  readable: ReadableStream<T>;
  /** How many chunks were taken. */
  taken: number;
  /** What it was cancelled with. */
  cancelled: unknown;
}

/**
 * Makes a source that gives a chunk only when it is asked for one.
 *
 * @param chunks What it gives.
 * @param end `error`: what it fails with behind them; without one it is just over.
 */
export function sourceOf<T>(chunks: Iterable<T>, end: { error?: unknown } = {}): Source<T> {
  const iterator = chunks[Symbol.iterator]();
  const source: Source<T> = {
    taken: 0,
    cancelled: undefined,
    readable: new ReadableStream<T>({
      pull(controller) {
        const { done, value } = iterator.next();
        if (!done) {
          source.taken++;
          controller.enqueue(value);
        } else if ("error" in end) {
          controller.error(end.error);
        } else {
          controller.close();
        }
      },
      cancel(reason) {
        source.cancelled = reason;
      },
    }, { highWaterMark: 0 }),
  };
  return source;
}

/** What came out of a stream, and how it ended: `undefined` if well. */
export interface Collected<T> {
  items: T[];
  error?: unknown;
}

/** Reads a stream to its end; `slow` waits before each read. */
export async function collect<T>(
  readable: ReadableStream<T>,
  options: { slow?: boolean } = {},
): Promise<Collected<T>> {
  const items: T[] = [];
  const reader = readable.getReader();
  try {
    for (;;) {
      if (options.slow) await pause(2);
      const { done, value } = await reader.read();
      if (done) return { items };
      items.push(value);
    }
  } catch (error) {
    return { items, error };
  }
}

/** The code of a `WebSocketError`, the name of any other error, and `"end"` if there was none. */
export function outcome({ error }: { error?: unknown }): string {
  if (error === undefined) return "end";
  if (error instanceof WebSocketError) return error.code;
  return error instanceof Error ? error.name : String(error);
}

/** Tells how a promise settles: `"ok"`, its error's outcome, or `"pending"` if it does not within a little. */
export function settled(promise: Promise<unknown>): Promise<string> {
  return Promise.race([
    promise.then(() => "ok", (error: unknown) => outcome({ error: error ?? "undefined" })),
    pause(50).then(() => "pending"),
  ]);
}
