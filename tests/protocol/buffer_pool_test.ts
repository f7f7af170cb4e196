import { test } from "node:test";
import { assert, assertEquals, assertNotEquals } from "#std/assert";
import fc from "fast-check";
import type { PooledBuffer } from "../../lib/protocol/buffer_pool.ts";
import { uncheckedPool } from "../support/checked_pool.ts";
import { check } from "../support/property.ts";

const pool = uncheckedPool();

test("a lent buffer has room, and less than twice as much as asked for, or 1 KiB", () => {
  for (const size of [0, 1, 1_023, 1_024, 1_025, 65_536, 65_537, 2_097_152, 2_097_153, 5_000_000]) {
    const { length } = pool.borrow(size);
    assert(length >= size && length <= Math.max(1_024, 2 * size), `${length} for ${size}`);
  }
});

test("a buffer that was given back is lent again, to one borrower only", () => {
  const buffer = pool.borrow(3_000);
  pool.giveBack(buffer);
  assertEquals(pool.borrow(4_000) === buffer, true);
  assertNotEquals(pool.borrow(4_000) === buffer, true);
});

test("what is kept is bounded, whatever is given back", () => {
  for (const size of [1_024, 65_536, 2_097_152]) {
    const count = size === 1_024 ? 3_000 : 40;
    const buffers = new Set<PooledBuffer>(Array.from({ length: count }, () => pool.borrow(size)));
    buffers.forEach((buffer) => pool.giveBack(buffer));
    let kept = 0;
    while (buffers.has(pool.borrow(size))) kept++;
    assert(kept > 0 && kept * size <= Math.max(524_288, 2 * size), `${kept} buffers of ${size} bytes`);
  }
  const large = pool.borrow(4_194_304);
  pool.giveBack(large);
  assertNotEquals(pool.borrow(4_194_304) === large, true);
});

test("no buffer is lent twice at a time, and none is too small", () =>
  check(
    fc.property(
      fc.array(fc.oneof(fc.nat(100_000), fc.constant("back" as const)), { maxLength: 200 }),
      (steps) => {
        const lent = new Set<PooledBuffer>();
        for (const step of steps) {
          if (step === "back") {
            const [first] = lent;
            if (first === undefined) continue;
            lent.delete(first);
            pool.giveBack(first);
          } else {
            const buffer = pool.borrow(step);
            assert(buffer.length >= step && !lent.has(buffer), "lent twice, or too small");
            lent.add(buffer);
          }
        }
      },
    ),
  ));
