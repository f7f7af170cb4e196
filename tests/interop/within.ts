/**
 * A limit to waiting, so that a peer that never answers fails its test in words.
 *
 * @module
 */

import { afterPatience } from "../support/patience.ts";

/** How long a peer may take for any one thing on an idle machine, in milliseconds: less than a server waits when it is not answered. */
const LIMIT = 4_000;

/**
 * Waits for a promise; rejects if that takes too long.
 *
 * @param what What is waited for.
 * @param promise What settles when it is there.
 */
export async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const stop = afterPatience(LIMIT, () => late.reject(new Error(`${what} did not come within ${LIMIT} ms`)));
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    stop();
  }
}
