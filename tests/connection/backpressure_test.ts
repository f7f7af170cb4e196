/**
 * When a connection stops and goes on reading, and when its senders have to wait: as tables, without sockets and timers.
 *
 * @module
 */

import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { Opcode } from "../../lib/protocol/frame.ts";
import { clientFrame } from "../support/wire.ts";
import { RecordingTransport, serverOver } from "./recording_transport.ts";

const MARK = 1_000;
/** What a message counts for besides its length. */
const COST = 64;

/** Lets promises settle. */
async function microtasks(): Promise<void> {
  for (let i = 0; i < 30; i++) await undefined;
}

interface Row {
  readonly name: string;
  readonly highWaterMark?: number;
  /** What happens; and what is so afterwards: whether bytes are read, how many senders wait, what is not written. */
  readonly steps: readonly (readonly [what: string, reading: boolean, waiting: number, unsent: number])[];
}

/** Header and payload of a message that we send. */
const framed = (size: number) => size + (size < 126 ? 2 : 4);

const rows: readonly Row[] = [
  {
    name: "what nobody reads stops the reading at the mark; each message that is read makes room",
    steps: [
      ["receive 300", true, 0, 0],
      ["receive 300", true, 0, 0],
      ["receive 300", false, 0, 0],
      ["read", true, 0, 0],
      ["receive 300", false, 0, 0],
    ],
  },
  {
    name: "empty messages count, too",
    steps: [
      [`receive 0 x ${Math.ceil(MARK / COST) - 1}`, true, 0, 0],
      ["receive 0", false, 0, 0],
      ["read", true, 0, 0],
    ],
  },
  {
    name: "as long as somebody waits for a message nothing stops",
    highWaterMark: 1,
    steps: [["read", true, 0, 0], ["receive 5000", true, 0, 0], ["receive 1", false, 0, 0], [
      "read",
      true,
      0,
      0,
    ]],
  },
  {
    name: "a mark of 0 reads one message ahead",
    highWaterMark: 0,
    steps: [["receive 0", false, 0, 0], ["read", true, 0, 0]],
  },
  {
    name: "a message that is not whole does not stop the reading: the rest of it must come",
    steps: [["begin 5000", true, 0, 0], ["begin 5000", true, 0, 0], ["receive more", false, 0, 0]],
  },
  {
    name: "our Close lets all be read: it is thrown away",
    steps: [["receive 5000", false, 0, 0], ["close", true, 0, 4], ["receive 5000", true, 0, 4]],
  },
  {
    name: "a peer's Close does, too",
    steps: [["read", true, 0, 0], ["receive 1", true, 0, 0], ["receive 5000 and Close", true, 0, 0]],
  },
  {
    name: "who sends less than the mark does not wait; more does, until less is left",
    steps: [
      ["send 300", true, 0, framed(300)],
      ["send 600", true, 0, framed(300) + framed(600)],
      ["send 300", true, 1, 2 * framed(300) + framed(600)],
      ["send 1", true, 2, 2 * framed(300) + framed(600) + framed(1)],
      // The first is a write of its own; what was sent while it was under way is the next.
      ["written", true, 0, framed(600) + framed(300) + framed(1)],
      ["written", true, 0, 0],
    ],
  },
  {
    name: "a message larger than the mark waits for all of it",
    steps: [["send 5000", true, 1, framed(5_000)], ["written", true, 0, 0]],
  },
  {
    name: "with a mark of 0 each sender waits for the kernel",
    highWaterMark: 0,
    steps: [["send 0", true, 1, 2], ["written", true, 0, 0]],
  },
  {
    name: "while too much waits Pings are answered once, with the latest",
    steps: [
      ["send 5000", true, 1, framed(5_000)],
      ["ping", true, 1, framed(5_000)],
      ["ping", true, 1, framed(5_000)],
      ["written", true, 0, framed(1)],
      ["written", true, 0, 0],
    ],
  },
  {
    name: "who waits is told when the stream is lost",
    steps: [["send 5000", true, 1, framed(5_000)], ["gone", true, 0, 0]],
  },
];

for (const { name, highWaterMark = MARK, steps } of rows) {
  test(`backpressure: ${name}`, async () => {
    const transport = new RecordingTransport();
    const connection = serverOver(transport, { highWaterMark });
    transport.defer = () => transport.sink.flush();
    transport.busy = true;
    transport.sink.drain(); // the handshake
    const iterator = connection[Symbol.asyncIterator]();
    const text = (size: number) => clientFrame(Opcode.Text, "x".repeat(size));
    let reading = true, waiting = 0, begun = false;
    const perform = (what: string) => {
      const [act, size = "0", , times = "1"] = what.split(" ");
      const { sink } = transport;
      const payload = "x".repeat(Number(size) || 0);
      if (what === "receive more") sink.data(clientFrame(Opcode.Continuation, "", true));
      else if (act === "receive") {
        for (let i = 0; i < (what.includes(" x ") ? Number(times) : 1); i++) sink.data(text(Number(size)));
      } else if (act === "begin") {
        sink.data(clientFrame(begun ? Opcode.Continuation : Opcode.Text, payload, false));
        begun = true;
      } else if (act === "ping") sink.data(clientFrame(Opcode.Ping, "p"));
      else if (act === "send") {
        waiting++;
        connection.send(payload).catch(() => {}).finally(() => waiting--);
      } else if (act === "read") iterator.next();
      else if (act === "written") sink.drain();
      else if (act === "close") connection.close();
      else sink.gone();
      if (what.endsWith("and Close")) sink.data(clientFrame(Opcode.Close));
    };
    for (const [i, [what, ...expected]] of steps.entries()) {
      perform(what);
      await microtasks();
      for (const told of transport.told.splice(0)) {
        if (told === "pause" || told === "resume") reading = told === "resume";
      }
      assertEquals([reading, waiting, connection.bufferedAmount], expected, `${i}: ${what}`);
    }
    connection.closed.catch(() => {});
    connection.abort();
  });
}
