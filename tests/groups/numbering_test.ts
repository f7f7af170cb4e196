import { assertEquals } from "#std/assert";
import { test } from "node:test";
import { makeProcessId } from "../../lib/groups/envelope.ts";
import { Gaps, Numbering } from "../../lib/groups/numbering.ts";

test("numbering: each channel counts for itself, and one that is in use is not forgotten", () => {
  const numbering = new Numbering();
  assertEquals([numbering.next("a"), numbering.next("a"), numbering.next("b")], [1, 2, 1]);
  let last = 2;
  for (let i = 0; i < 50_000; i++) {
    numbering.next(`channel ${i}`);
    if (i % 5_000 === 0) assertEquals(numbering.next("a"), ++last);
  }
  assertEquals([numbering.next("a"), numbering.next("b")], [++last, 1]);
});

test("gaps: what is missing between two messages of a process is counted, for each subscription", () => {
  const gaps = new Gaps();
  const [here, there] = [makeProcessId(), makeProcessId()];
  const [one, other] = [{}, {}];
  assertEquals(gaps.take(one, here, 7), 0);
  assertEquals(gaps.take(one, here, 8), 0);
  assertEquals(gaps.take(one, here, 12), 3);
  assertEquals(gaps.take(one, there, 100), 0);
  assertEquals(gaps.take(other, here, 14), 0);
  assertEquals(gaps.take(other, here, 16), 1);
});

test("gaps: a publisher that wraps around has no gap, and one that starts again has none either", () => {
  const gaps = new Gaps();
  const [here, one] = [makeProcessId(), {}];
  assertEquals(gaps.take(one, here, 0xffff_fffe), 0);
  assertEquals(gaps.take(one, here, 0xffff_ffff), 0);
  assertEquals(gaps.take(one, here, 500), 500);
  assertEquals(gaps.take(one, here, 1), 0);
  assertEquals(gaps.take(one, here, 3), 1);
});

test("gaps: of 5,000 processes that come and go the latest are remembered", () => {
  const gaps = new Gaps();
  const one = {};
  const processes = Array.from({ length: 5_000 }, makeProcessId);
  for (const id of processes) assertEquals(gaps.take(one, id, 1), 0);
  assertEquals(gaps.size, 1_000);
  assertEquals([gaps.take(one, processes.at(-1)!, 3), gaps.take(one, processes[0]!, 3)], [1, 0]);
});
