/**
 * 20 rounds of 1,000 connections ended in every way: with `SLUICE_SOAK=1` the tests of `tests/hostile/` take these numbers.
 *
 * @module
 */

import "../hostile/client_leaks_test.ts";
import "../hostile/server_leaks_test.ts";
