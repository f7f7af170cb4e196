/**
 * Promises that may be ignored: none that the library hands out becomes an unhandled rejection.
 *
 * @module
 */

/** A promise and the means to settle it. */
export class Deferred<T> {
  /** The promise. */
  readonly promise: Promise<T>;
  /** Fulfils it. */
  resolve!: (value: T) => void;
  /** Rejects it. */
  reject!: (error: unknown) => void;

  /** Makes a pending promise. */
  constructor() {
    this.promise = ignorable(
      new Promise((resolve, reject) => {
        this.resolve = resolve;
        this.reject = reject;
      }),
    );
  }
}

/** Lets a promise's rejection go unhandled; who awaits it still hears of it. */
export function ignorable<T>(promise: Promise<T>): Promise<T> {
  promise.catch(ignore);
  return promise;
}

/** Makes a promise that rejects. */
export function rejected(error: unknown): Promise<never> {
  return ignorable(Promise.reject(error));
}

/** Does nothing. */
export function ignore(): void {}
