import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { Connection } from "../../lib/connection/connection.ts";
import { readLimits } from "../../lib/connection/limits.ts";
import type { Transport, TransportSink } from "../../lib/connection/transport.ts";
import { Opcode } from "../../lib/protocol/frame.ts";
import { clientFrame } from "../support/wire.ts";
import { concat } from "../vectors/hex.ts";
import { latin1 } from "../vectors/splits.ts";

/** How many frames a turn has. */
const TURN = 512;

/** A transport that notes what it is told; the end of a turn comes when the test says so. */
class Noting implements Transport {
  sink!: TransportSink;
  readonly open = true;
  readonly remoteAddress = undefined;
  readonly secure = false;
  readonly told: string[] = [];
  /** How many bytes were written. */
  written = 0;

  resume(): void {
    this.told.push("resume");
  }
  pause(): void {
    this.told.push("pause");
  }
  defer(): void {
    if (this.told.at(-1) !== "defer") this.told.push("defer");
  }
  write(bytes: Uint8Array): boolean {
    this.written += bytes.length;
    return true;
  }
  shutdown(): void {}
  destroy(): void {}
}

test("a peer with more frames than a turn has is not read from until the next, and gets all its Pongs", () => {
  const transport = new Noting();
  const limits = readLimits({ keepalive: false, highWaterMark: 1_048_576 });
  new Connection(transport, {
    role: "server",
    protocol: "",
    extensions: "",
    deflate: undefined,
    limits,
    greeting: latin1("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    rest: new Uint8Array(0),
  });
  transport.written = 0;
  transport.sink.data(concat(Array.from({ length: 2 * TURN + 1 }, () => clientFrame(Opcode.Ping, "x"))));
  assertEquals(transport.told, ["resume", "defer", "pause"]);
  transport.sink.flush();
  assertEquals(transport.written, 3 * 2 * TURN);
  assertEquals(transport.told, ["resume", "defer", "pause", "defer"]);
  transport.sink.flush();
  assertEquals(transport.written, 3 * (2 * TURN + 1));
  assertEquals(transport.told.at(-1), "resume");
});
