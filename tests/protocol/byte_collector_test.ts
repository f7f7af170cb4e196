import { assertEquals, assertLessOrEqual } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { BufferPool, bufferPool } from "../../lib/protocol/buffer_pool.ts";
import { ByteCollector } from "../../lib/protocol/byte_collector.ts";
import { check } from "../support/property.ts";
import { concat } from "../vectors/hex.ts";

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

test("what is handed over has a buffer of just its size, whether the total was known or not", () => {
  const property = fc.property(parts, fc.boolean(), (parts, known) => {
    const collector = new ByteCollector();
    let left = sum(parts);
    for (const part of parts) {
      left -= part.length;
      if (known) collector.append(part, left);
      else collector.append(part);
    }
    assertEquals(collector.take().buffer.byteLength, sum(parts));
  });
  check(property, { numRuns: 500 });
});

test("a part that lies in the room is there already; one that lies elsewhere in it is moved", () => {
  const collector = new ByteCollector();
  collector.append(Uint8Array.of(1, 2, 3), 100);
  collector.readTarget(100).set([4, 5, 9, 9, 6]);
  collector.append(collector.readTarget(100).subarray(0, 2), 98);
  collector.append(collector.readTarget(98).subarray(2, 3), 97);
  assertEquals(collector.take(), Uint8Array.of(1, 2, 3, 4, 5, 6));
});

test("a total that is declared and does not come costs nothing", () => {
  const collector = new ByteCollector();
  collector.append(new Uint8Array(0), 2 ** 40);
  collector.append(Uint8Array.of(1), 2 ** 40);
  assertEquals(collector.take(), Uint8Array.of(1));
});

/** How many times memory was borrowed of the pool while something was done, and how much at the most. */
function borrowing(work: () => void): { times: number; most: number } {
  const seen = { times: 0, most: 0 };
  const borrow = (size: number) => {
    seen.times++;
    seen.most = Math.max(seen.most, size);
    return BufferPool.prototype.borrow.call(bufferPool, size);
  };
  Object.assign(bufferPool, { borrow });
  try {
    work();
  } finally {
    Reflect.deleteProperty(bufferPool, "borrow");
  }
  return seen;
}

test("memory for what is expected is taken at once", () => {
  const part = new Uint8Array(1_000);
  const seen = borrowing(() => {
    const collector = new ByteCollector();
    for (let left = 15; left >= 0; left--) collector.append(part, undefined, left * part.length);
    assertEquals(collector.take().length, 16_000);
  });
  assertEquals(seen, { times: 1, most: 16_000 });
});

test("however much is expected, memory is taken for sixteen times what has come at most", () => {
  const seen = borrowing(() => {
    const collector = new ByteCollector();
    collector.append(new Uint8Array(1_000), undefined, 2 ** 40);
    collector.discard();
  });
  assertEquals(seen, { times: 1, most: 16_000 });
});

test("too little that is expected again and again costs no more than nothing expected", () => {
  const gather = (expected: number) =>
    borrowing(() => {
      const collector = new ByteCollector();
      for (let i = 0; i < 1_000; i++) collector.append(new Uint8Array(1_000), undefined, expected);
      collector.discard();
    });
  assertEquals(gather(1), gather(0));
});

test("what is thrown away does not come back", () => {
  const collector = new ByteCollector();
  collector.append(Uint8Array.of(1, 2, 3));
  collector.discard();
  assertEquals(collector.length, 0);
  collector.append(Uint8Array.of(4));
  assertEquals(collector.take(), Uint8Array.of(4));
});

test("all copies together are at most three times the bytes, though they come one by one", () => {
  const size = 100_000;
  const set = Uint8Array.prototype.set;
  let copied = 0;
  Uint8Array.prototype.set = function (bytes, at) {
    copied += bytes.length;
    set.call(this, bytes, at);
  };
  try {
    const collector = new ByteCollector();
    const part = new Uint8Array(1);
    for (let i = 0; i < size; i++) collector.append(part);
    assertEquals(collector.length, size);
  } finally {
    Uint8Array.prototype.set = set;
  }
  assertLessOrEqual(copied, 3 * size);
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
    assertEquals(bytes.buffer.byteLength, size);
  }
});
