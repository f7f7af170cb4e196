import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assertEquals } from "#std/assert";
import { Connection } from "../../lib/connection/connection.ts";
import { readLimits } from "../../lib/connection/limits.ts";
import { headerSize, writeFrame } from "../../lib/protocol/frame_encoder.ts";
import { Opcode } from "../../lib/protocol/frame.ts";

import { NotingTransport } from "./noting_transport.ts";

const KIB = 1_024;

/** A server's end that decompresses each KiB to 64; `steps` tells how often it has. */
function inflating() {
  const seen = { steps: 0 };
  const inflater = {
    write(_: Uint8Array, take: (bytes: Uint8Array) => void) {
      seen.steps++;
      take(new Uint8Array(64 * KIB));
    },
    end() {},
    close() {},
  };
  const transport = new NotingTransport();
  const connection = new Connection(transport, {
    role: "server",
    protocol: "",
    extensions: "permessage-deflate",
    deflate: { inflater, deflater: undefined, threshold: 0, optional: true, profile: "" },
    limits: readLimits({ keepalive: false, maxMessageSize: Infinity }),
    rest: new Uint8Array(0),
  });
  return { connection, transport, seen };
}

test("a compressed message is decompressed as it is read, a KiB at a time", async () => {
  const { connection, transport, seen } = inflating();
  const messages = connection.incoming()[Symbol.asyncIterator]();
  const payload = new Uint8Array(16 * KIB);
  const frame = new Uint8Array(headerSize(payload.length, true) + payload.length);
  writeFrame(frame, 0, { fin: true, rsv1: true, opcode: Opcode.Binary, payload }, 0x37fa213d);
  const message = messages.next();
  transport.sink.data(frame);
  const reader = (await message).value!.readable.getReader();
  await sleep(0);
  const waiting = seen.steps;
  let size = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) size += read.value.length;
  assertEquals({ waiting: waiting <= 2, steps: seen.steps, size }, {
    waiting: true,
    steps: 16,
    size: KIB * KIB,
  });
});
