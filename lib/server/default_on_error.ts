/**
 * What becomes of errors that nobody asked to hear of. The only file of the library that writes to the console.
 *
 * @module
 */

import type { ErrorContext } from "./serve_options.ts";

/** Prints the error and where it came from. */
export function defaultOnError(error: unknown, { stage }: ErrorContext): void {
  console.error(`Sluice: the ${stage} failed:`, error);
}
