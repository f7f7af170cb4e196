import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { Opcode } from "../../lib/protocol/frame.ts";
import { serving, sleep } from "../support/serving.ts";
import { clientClose, clientFrame, Wire } from "../support/wire.ts";
import { concat } from "../vectors/hex.ts";

const COUNT = 220;
const SIZES = [1, 10, 125, 126, 1_000, 4_000, 65_535, 65_536, 70_000, 200_000, 0];
const CUTS = [1, 3, 1_000, 65_536, 100_000, 17, 300_000];

/** Makes a message that no other one is like. */
function make(number: number): Uint8Array {
  const bytes = new Uint8Array(SIZES[number % SIZES.length]!);
  for (let i = 0; i < bytes.length; i++) bytes[i] = number * 31 + i * 7 + (i >> 8);
  return bytes;
}

function isSame(bytes: Uint8Array, wanted: Uint8Array): boolean {
  return bytes.length === wanted.length && bytes.every((byte, i) => byte === wanted[i]);
}

/** Waits in one of the ways in which handlers do. */
async function waitSomehow(number: number): Promise<void> {
  if (number % 3 === 0) await sleep(number % 5);
  if (number % 3 === 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Cuts the bytes of all messages and a Close without regard for where one ends. */
async function sendCut(wire: Wire): Promise<void> {
  const frames = Array.from({ length: COUNT }, (_, i) => clientFrame(Opcode.Binary, make(i)));
  let bytes = concat([...frames, clientClose(1000)]);
  for (let i = 0; bytes.length > 0; i++) {
    const size = CUTS[i % CUTS.length]!;
    wire.send(bytes.slice(0, size));
    bytes = bytes.subarray(size);
    if (i % 3 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

for (const way of ["frames cut anywhere", "a client", "a client that compresses"] as const) {
  test(`forEach that borrows: from ${way}, a message does not change until its handler has settled`, async () => {
    const compression = way === "a client that compresses";
    const wrong: string[] = [];
    const handled = Promise.withResolvers<number>();
    await serving({ closeTimeout: 60_000, compression }, async (socket) => {
      let number = 0;
      await socket.forEach(async (message) => {
        const wanted = make(number);
        if (!isSame(message as Uint8Array, wanted)) wrong.push(`${number} came`);
        await waitSomehow(number);
        if (!isSame(message as Uint8Array, wanted)) wrong.push(`${number} changed`);
        // It is lent to be written to, too: no other message has a byte of it.
        if (number % 4 === 0) (message as Uint8Array).fill(0);
        number++;
      }, { borrow: true });
      handled.resolve(number);
    }, async ({ port, open }) => {
      if (way === "frames cut anywhere") {
        const wire = await Wire.upgrade(port);
        await sendCut(wire);
        assertEquals(await handled.promise, COUNT);
        wire.destroy();
      } else {
        const socket = await open({ compression });
        for (let i = 0; i < COUNT; i++) await socket.send(make(i));
        socket.close();
        assertEquals(await handled.promise, COUNT);
      }
    });
    assertEquals(wrong, []);
  });
}
