/**
 * What a process holds from round to round, when every round begins and ends the same connections.
 *
 * @module
 */

import { assert, assertEquals } from "#std/assert";
import { figure, soak, type Subject, within } from "../faults/faulty.ts";
import type { Remains } from "../servers/dialler.ts";
import { sleep } from "../support/serving.ts";

/** How many rounds are measured, behind those that warm up. */
export const ROUNDS: number = soak ? 20 : 6;
/** How many series of them there are at most: a leak is in every one, and what a busy machine has not collected yet is not. */
const SERIES = 3;
const WARM_UP = soak ? 15 : 3;
/** How many connections a round has, of all endings together. */
export const CONNECTIONS: number = soak ? 1_000 : 300;
/** How many bytes of heap each connection of a round may leave. A reference that is kept costs more by far. */
const LEFT = soak ? 16 : 150;

/** Runs rounds, and holds what they leave to nothing. */
export async function assertNoLeak(
  name: string,
  subject: Subject,
  round: () => Promise<void>,
): Promise<void> {
  const remains = async (): Promise<Remains> => JSON.parse((await subject.page("/remains")).body);
  for (let i = 0; i < WARM_UP; i++) await round();
  await remains();
  await within(3_000, () => subject.sockets(), 1);
  const before = await remains();
  let heaps: number[] = [];
  let left = Infinity;
  for (let series = 0; series < SERIES && left >= LEFT; series++) {
    heaps = [];
    for (let i = 0; i < ROUNDS; i++) {
      await round();
      // What is closed by a timer is closed by then.
      await sleep(100);
      heaps.push((await remains()).heap);
    }
    left = stepOf(heaps) / CONNECTIONS;
  }
  await within(3_000, () => subject.sockets(), 1);
  const after = await remains();
  figure(name, "bytes a connection and round:", left.toFixed(1), "timers", before.timers, after.timers);
  figure(name, "heaps in KiB:", heaps.map((heap) => Math.round(heap / 1_024)).join(" "));
  assertEquals(after.uncaught, []);
  assertEquals(after.timers, before.timers, "timers are left");
  assert(left < LEFT, `each connection leaves ${left} bytes: ${heaps}`);
}

/**
 * By how much a series grows from one to the next: the median, which neither a round that the collector was late for nor
 * one in which a runtime lets go of megabytes of compiled code moves. Where rounds are few it is the lowest but one: a
 * leak is in every round, and what is compiled in some.
 */
function stepOf(values: readonly number[]): number {
  const steps = values.slice(1).map((value, i) => value - values[i]!).sort((a, b) => a - b);
  return steps[soak ? steps.length >> 1 : 1]!;
}
