/**
 * Knowing who calls.
 *
 * @module
 */

/** Tells on whose behalf code runs, also after an `await`: an `AsyncLocalStorage`, by its shape. */
export interface Callers {
  /** Calls a function on behalf of somebody. */
  run<T>(caller: object, call: () => T): T;
  /** Returns on whose behalf the running code was called. */
  getStore(): object | undefined;
}
