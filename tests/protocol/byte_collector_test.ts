import { assertEquals, assertLessOrEqual } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { ByteCollector } from "../../lib/protocol/byte_collector.ts";
import { check } from "../support/property.ts";
import { concat } from "../vectors/hex.ts";

/** What is held beyond twice the bytes received, at most. */
const SLACK = 64;

const parts = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 30 });

function sum(parts: readonly Uint8Array[]): number {
  return parts.reduce((length, part) => length + part.length, 0);
}

test("parts come out in one piece, and the collector is empty then", () => {
  const property = fc.property(fc.array(parts), (rounds) => {
    const collector = new ByteCollector();
    for (const parts of rounds) {
      for (const part of parts) collector.append(part);
      assertEquals(collector.length, sum(parts));
      assertEquals(collector.take(), concat(parts));
      assertEquals(collector.length, 0);
    }
  });
  check(property, { numRuns: 50 });
});

test("a part may be overwritten once it is appended", () => {
  const collector = new ByteCollector();
  const part = Uint8Array.of(1, 2, 3);
  collector.append(part);
  part.fill(0);
  collector.append(part);
  assertEquals(collector.take(), Uint8Array.of(1, 2, 3, 0, 0, 0));
});

test("what was handed over is not written to again", () => {
  const collector = new ByteCollector();
  collector.append(Uint8Array.of(1, 2, 3));
  const first = collector.take();
  collector.append(Uint8Array.of(4, 5, 6));
  assertEquals([first, collector.take()], [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)]);
});

test("what is held stays below twice what was received", () => {
  const property = fc.property(parts, (parts) => {
    const collector = new ByteCollector();
    for (const part of parts) collector.append(part);
    assertLessOrEqual(collector.take().buffer.byteLength, 2 * sum(parts) + SLACK);
  });
  check(property, { numRuns: 500 });
});

test("with a known total, what is held never passes it, nor twice what was received", () => {
  const property = fc.property(parts, fc.nat(5_000), (parts, missing) => {
    const total = sum(parts) + missing;
    const collector = new ByteCollector();
    let left = total;
    for (const part of parts) collector.append(part, left -= part.length);
    const held = collector.take().buffer.byteLength;
    assertLessOrEqual(held, total);
    assertLessOrEqual(held, 2 * sum(parts) + SLACK);
  });
  check(property, { numRuns: 500 });
});

test("a total that is declared and does not come costs nothing", () => {
  const collector = new ByteCollector();
  collector.append(new Uint8Array(0), 2 ** 40);
  collector.append(Uint8Array.of(1), 2 ** 40);
  assertLessOrEqual(collector.take().buffer.byteLength, SLACK);
});

test("one-byte parts are copied a bounded number of times each", () => {
  // The buffer moves only when it has at least doubled: then all copies together are fewer than the bytes received.
  const capacities = Array.from({ length: 3_000 }, (_, count) => {
    const collector = new ByteCollector();
    for (let i = 0; i < count; i++) collector.append(Uint8Array.of(i));
    return collector.take().buffer.byteLength;
  });
  const steps = capacities.filter((capacity, i) => capacity !== capacities[i - 1]);
  for (const [i, step] of steps.entries()) {
    const before = steps[i - 1] ?? 0;
    if (step < 2 * before) assertEquals(step, 2 * before, "it moved without doubling");
  }
  assertLessOrEqual(steps.length, 9);
});

test("1 MiB in one-byte parts comes out whole, in a buffer of its own size if that was known", () => {
  const size = 2 ** 20;
  for (const known of [true, false]) {
    const collector = new ByteCollector();
    const part = new Uint8Array(1);
    for (let i = 0; i < size; i++) {
      part[0] = i * 31;
      if (known) collector.append(part, size - i - 1);
      else collector.append(part);
    }
    const bytes = collector.take();
    assertEquals(bytes.length, size);
    assertEquals(bytes.findIndex((byte, i) => byte !== ((i * 31) & 0xff)), -1);
    assertLessOrEqual(bytes.buffer.byteLength, known ? size : 2 * size);
  }
});
