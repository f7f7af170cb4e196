/**
 * All conformance cases, in the order of their groups.
 *
 * @module
 */

import type { Case } from "./case.ts";
import { CLOSE_CASES } from "./cases_close.ts";
import { CONTROL_CASES } from "./cases_control.ts";
import { FRAGMENTATION_CASES } from "./cases_fragmentation.ts";
import { FRAMING_CASES } from "./cases_framing.ts";
import { SIZE_CASES } from "./cases_sizes.ts";
import { UTF8_CASES } from "./cases_utf8.ts";

/** Every case. */
export const CASES: readonly Case[] = [
  ...FRAMING_CASES,
  ...CONTROL_CASES,
  ...FRAGMENTATION_CASES,
  ...UTF8_CASES,
  ...CLOSE_CASES,
  ...SIZE_CASES,
].toSorted((a, b) => a.group - b.group);
