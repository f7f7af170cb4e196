import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { Opcode } from "../../lib/protocol/frame.ts";
import { clientFrame } from "../support/wire.ts";
import { RecordingTransport, serverOver } from "./recording_transport.ts";

test("what happens behind the end of a connection does not end it otherwise", async () => {
  const transport = new RecordingTransport();
  const connection = serverOver(transport, { closeTimeout: Infinity });
  transport.sink.data(clientFrame(Opcode.Close));
  await connection.closed;
  connection.abort(new Error("too late"));
  transport.sink.gone(new Error("later still"));
  assertEquals((await connection.closed).closeCode, 1005);
  assertEquals(await connection[Symbol.asyncIterator]().next(), { done: true, value: undefined });
});
