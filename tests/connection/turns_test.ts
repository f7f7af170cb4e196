import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { Opcode } from "../../lib/protocol/frame.ts";
import { clientFrame } from "../support/wire.ts";
import { concat } from "../vectors/hex.ts";
import { RecordingTransport, serverOver } from "./recording_transport.ts";

/** How many frames a turn has. */
const TURN = 512;
/** How long a Pong with a byte is. */
const PONG = 3;

test("a peer with more frames than a turn has is not read from until the next, and gets all its Pongs", () => {
  const transport = new RecordingTransport();
  serverOver(transport, { highWaterMark: 1_048_576 });
  transport.sink.data(concat(Array.from({ length: 2 * TURN + 1 }, () => clientFrame(Opcode.Ping, "x"))));
  assertEquals(transport.told, ["resume", "defer", "yield", "pause"]);
  transport.sink.flush();
  assertEquals(transport.take().length, PONG * TURN);
  transport.sink.goOn();
  assertEquals(transport.told, ["resume", "defer", "yield", "pause", "defer", "yield"]);
  transport.sink.goOn();
  transport.sink.flush();
  assertEquals(transport.take().length, PONG * (TURN + 1));
  assertEquals(transport.told.at(-1), "resume");
});

test("while too much waits to be sent, no Ping is answered but the latest, when that is over", () => {
  const transport = new RecordingTransport();
  transport.busy = true;
  const connection = serverOver(transport, { highWaterMark: 100 });
  transport.sink.drain();
  connection.send(new Uint8Array(200));
  transport.take();
  for (const text of ["one", "two", "three"]) transport.sink.data(clientFrame(Opcode.Ping, text));
  transport.sink.flush();
  assertEquals(transport.take(), new Uint8Array(0));
  transport.sink.drain();
  assertEquals(new TextDecoder().decode(transport.take().subarray(2)), "three");
});

test("a connection that waits for its turn asks for it once", () => {
  const transport = new RecordingTransport();
  const connection = serverOver(transport, {});
  transport.sink.data(concat(Array.from({ length: TURN + 1 }, () => clientFrame(Opcode.Ping, "x"))));
  connection.close();
  assertEquals(transport.told.filter((what) => what === "yield").length, 1);
});
