/**
 * The attacks of `tests/hostile/` and `tests/faults/` at full size: with `SLUICE_SOAK=1` they take larger numbers.
 *
 * @module
 */

import "../hostile/heads_test.ts";
import "../hostile/floods_test.ts";
import "../hostile/crowds_test.ts";
import "../hostile/bystanders_test.ts";
import "../hostile/chaos_test.ts";
import "../faults/backpressure_test.ts";
import "../faults/bomb_test.ts";
