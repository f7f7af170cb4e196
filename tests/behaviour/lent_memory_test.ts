import { assertEquals } from "#std/assert";
import { test } from "node:test";
import { Opcode } from "../../lib/protocol/frame.ts";
import type { WebSocketConnection } from "../../mod.ts";
import { echo, receive, serving, sleep, until } from "../support/serving.ts";
import { clientFrame, Wire } from "../support/wire.ts";

const TRIES = 1_000;
const ABREAST = 50;
const SIZE = 5_000;

/** The bytes of a payload that are not its letter. */
function foreignIn(payload: Uint8Array, letter: number): number {
  return payload.reduce((count, byte) => byte === letter ? count : count + 1, 0);
}

test(`a part that waits unread keeps its bytes while another connection is sent to: ${TRIES} uploads`, async () => {
  const letter = 0x61;
  let waiting = 0;
  let gate = Promise.withResolvers<void>();
  let untilOthersHaveSent = Promise.withResolvers<void>();
  const foreign: number[] = [];
  const upload = async (socket: WebSocketConnection) => {
    waiting++;
    await gate.promise;
    const messages = socket.incoming();
    for await (const message of messages) {
      await untilOthersHaveSent.promise;
      const bytes = await message.bytes();
      assertEquals(bytes.length, SIZE);
      foreign.push(foreignIn(bytes, letter));
    }
  };
  await serving(
    {},
    (socket, request) => request.url.pathname === "/upload" ? upload(socket) : echo(socket),
    async ({ port, open }) => {
      const others = await Promise.all(Array.from({ length: ABREAST }, () => open()));
      for (let done = 0; done < TRIES; done += ABREAST) {
        waiting = 0;
        gate = Promise.withResolvers();
        untilOthersHaveSent = Promise.withResolvers();
        const wires = await Promise.all(Array.from({ length: ABREAST }, () => Wire.upgrade(port, "/upload")));
        const last = clientFrame(Opcode.Continuation, new Uint8Array(SIZE).fill(letter));
        for (const wire of wires) {
          wire.send(clientFrame(Opcode.Binary, "", false));
          wire.send(last.subarray(0, 8));
        }
        await until(() => waiting === ABREAST);
        await sleep(10); // until the heads of the frames are read
        gate.resolve();
        await sleep(1);
        for (const wire of wires) wire.send(last.subarray(8));
        await sleep(10); // until the payloads are read
        for (const size of [900, 3_000]) {
          await Promise.all(others.map(async (other) => {
            await other.send(new Uint8Array(size).fill(0x7a));
            await receive(other);
          }));
        }
        untilOthersHaveSent.resolve();
        await until(() => foreign.length >= done + ABREAST);
        wires.forEach((wire) => wire.destroy());
      }
    },
  );
  assertEquals(foreign.filter((count) => count > 0).length, 0, "so many uploads had foreign bytes in them");
  assertEquals(foreign.length, TRIES);
});
