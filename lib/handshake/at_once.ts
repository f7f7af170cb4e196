/**
 * Going on with what a function returned: at once, unless that is a promise. A promise costs more than what follows.
 *
 * @module
 */

/** Tells whether a value is a promise, of whatever kind. */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/**
 * Goes on with a value.
 *
 * @param value What there is, or will be.
 * @param next What to do with it.
 * @returns What that returns; a promise if there was one to wait for.
 */
export function after<T, R>(value: T | PromiseLike<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return isPromise(value) ? Promise.resolve(value).then(next) : next(value);
}
