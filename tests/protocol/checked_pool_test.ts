import { assert, assertEquals, assertThrows } from "#std/assert";
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, read, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { bufferPool, type PooledBuffer } from "../../lib/protocol/buffer_pool.ts";
import { ByteCollector } from "../../lib/protocol/byte_collector.ts";
import { Opcode } from "../../lib/protocol/frame.ts";
import { SendBuffer } from "../../lib/protocol/send_buffer.ts";
import { breakingTheRule, POISON } from "../support/checked_pool.ts";
import { runtime } from "../support/sluice.ts";

test("a buffer that is given back twice, or was never lent, is a fault", () => {
  const buffer = bufferPool.borrow(2_000);
  const view = buffer.subarray() as PooledBuffer;
  breakingTheRule(() => {
    assertThrows(() => bufferPool.giveBack(view), Error, "that is not lent");
    bufferPool.giveBack(buffer);
    assertThrows(() => bufferPool.giveBack(buffer), Error, "that is not lent");
    assertThrows(() => bufferPool.giveBack(new Uint8Array(2_048) as PooledBuffer), Error, "that is not lent");
  });
});

test("who holds a buffer that was given back, or a view of it, reads nothing and cannot write", () => {
  const buffer = bufferPool.borrow(5_000).fill(1);
  const view = buffer.subarray(10, 20);
  bufferPool.giveBack(buffer);
  assertEquals([buffer.length, view.length, view[0]], [0, 0, undefined]);
  assertThrows(() => view.set([1]), Error);
  assertThrows(() => buffer.slice(), TypeError);
});

test("a buffer is full of poison when it is lent, be it fresh or used", () => {
  const buffer = bufferPool.borrow(40_000);
  assert(buffer.every((byte) => byte === POISON));
  buffer.fill(7);
  bufferPool.giveBack(buffer);
  const again = bufferPool.borrow(40_000);
  assert(again.every((byte) => byte === POISON));
  bufferPool.giveBack(again);
});

test("a deliberate early return, before a write is done, is caught: nothing of it can be sent", () => {
  const output = new SendBuffer("server");
  output.frame({ fin: true, rsv1: false, opcode: Opcode.Binary, payload: new Uint8Array(100).fill(97) });
  const writing = output.take();
  assertEquals(writing.length, 102);
  output.recycle();
  assertEquals(writing.length, 0);
  assertThrows(() => writing.slice(), TypeError);
});

test("a deliberate early return, before a part is read, is caught: nothing of it can be read", () => {
  const lent = bufferPool.borrow(1_024);
  const part = lent.subarray(0, 100).fill(97);
  const collector = new ByteCollector();
  bufferPool.giveBack(lent);
  assertThrows(() => collector.append(part), Error);
});

test("a system call that still writes to a buffer that was given back reaches nobody", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-early-return-"));
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  const pipe = openSync(path, "r+");
  try {
    const buffer = bufferPool.borrow(100_000);
    const reading = new Promise<number>((resolve, reject) => {
      read(pipe, buffer, 0, 1_500, null, (error, size) => error ? reject(error) : resolve(size));
    });
    // By then it waits for what is written.
    await new Promise((resolve) => setTimeout(resolve, 50));
    bufferPool.giveBack(buffer);
    writeSync(pipe, new Uint8Array(1_500).fill(98));
    assertEquals(await reading, 1_500);
    const lendAgain = () => bufferPool.borrow(100_000);
    // Bun moves what the call does not know of: the call goes on in memory of its own, which is nobody's.
    if (runtime === "bun") assert(lendAgain().every((byte) => byte === POISON));
    else breakingTheRule(() => assertThrows(lendAgain, Error, "Somebody wrote"));
  } finally {
    closeSync(pipe);
    rmSync(folder, { recursive: true });
  }
});
