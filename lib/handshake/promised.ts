/**
 * Answers of the user's functions that have to come at once.
 *
 * @module
 */

/**
 * Tells whether an answer is a promise. If it rejects nobody else would know, and the process would end by it: that is
 * ignored.
 */
export function isPromised(answer: unknown): boolean {
  if (typeof answer !== "object" || answer === null || !("then" in answer)) return false;
  Promise.resolve(answer).catch(() => {});
  return true;
}
