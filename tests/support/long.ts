/**
 * Whether a run is the long one, with its full counts and sizes: `npm run test:long`, and `SLUICE_LONG=1` for any part.
 *
 * @module
 */

import process from "node:process";

/** Whether tests have their full counts and sizes. */
export const LONG: boolean = process.env.SLUICE_LONG === "1";
