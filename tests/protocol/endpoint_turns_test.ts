/**
 * How much of what one peer sends is taken before others have their turn.
 *
 * @module
 */

import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { Endpoint, type EndpointEvent } from "../../lib/protocol/endpoint.ts";
import { isMessage } from "../../lib/protocol/message_assembler.ts";
import { Opcode } from "../../lib/protocol/frame.ts";
import { eventsOf } from "../support/endpoint_events.ts";
import { headerSize, writeFrame } from "../../lib/protocol/frame_encoder.ts";
import { clientFrame } from "../support/wire.ts";
import { concat } from "../vectors/hex.ts";
import { showEvent, startDeflate } from "./replay.ts";

/** How many frames a turn has. */
const TURN = 512;

function server(): Endpoint {
  return new Endpoint({ role: "server", maxMessageSize: 1_048_576, maxEmptyFragments: 1_024 });
}

/** The events of one turn. */
function turn(endpoint: Endpoint): EndpointEvent[] {
  const events: EndpointEvent[] = [];
  for (let event = endpoint.next(); event !== undefined; event = endpoint.next()) events.push(event);
  return events;
}

/** Messages that tell their places. */
function messages(count: number): Uint8Array {
  return concat(Array.from({ length: count }, (_, i) => clientFrame(Opcode.Text, `${i}`)));
}

test("a chunk with more frames than a turn has is taken turn for turn, and nothing of it is lost", () => {
  const endpoint = server();
  endpoint.receive(messages(2 * TURN + 1));
  const sizes: number[] = [];
  const texts: unknown[] = [];
  do {
    endpoint.startTurn();
    const events = turn(endpoint);
    sizes.push(events.length);
    texts.push(...events);
  } while (endpoint.turnIsOver);
  assertEquals(sizes, [TURN, TURN, 1]);
  assertEquals(texts, Array.from({ length: 2 * TURN + 1 }, (_, i) => `${i}`));
});

test("what is received before a turn is over comes after what is left of it, wherever it is cut", () => {
  const bytes = messages(TURN + 3);
  const end = messages(TURN).length;
  for (let cut = end; cut <= bytes.length; cut++) {
    const endpoint = server();
    endpoint.receive(bytes.slice(0, cut));
    turn(endpoint);
    endpoint.receive(bytes.slice(cut));
    endpoint.startTurn();
    assertEquals(turn(endpoint), [
      "512",
      "513",
      "514",
    ]);
  }
});

test("a stream that is lost: what is left is decoded, up to a Close or a fault, and nothing is answered", () => {
  const left = messages(3);
  const ends = [clientFrame(Opcode.Close), clientFrame(0x83), new Uint8Array(0)];
  for (const end of ends) {
    const endpoint = server();
    endpoint.receive(concat([left, clientFrame(Opcode.Ping, "?"), clientFrame(Opcode.Text, "3"), end]));
    endpoint.lost();
    assertEquals(turn(endpoint), ["0", "1", "2", "3"]);
    assertEquals([endpoint.state, endpoint.output.size], ["gone", 0]);
  }
});

test("the chunks of one turn count together", () => {
  const endpoint = server();
  const seen = [TURN / 2, TURN / 2 - 1, 5].map((count) => {
    endpoint.receive(messages(count));
    return [turn(endpoint).length, endpoint.turnIsOver];
  });
  assertEquals(seen, [[TURN / 2, false], [TURN / 2 - 1, false], [1, true]]);
});

for (
  const [what, frame] of [
    ["Pings", clientFrame(Opcode.Ping, "x")],
    ["Pongs nobody asked for", clientFrame(Opcode.Pong)],
    ["fragments", clientFrame(Opcode.Continuation, "x", false)],
  ] as const
) {
  test(`${what} count although they give no message`, () => {
    const endpoint = server();
    endpoint.receive(clientFrame(Opcode.Text, "x", false));
    turn(endpoint);
    endpoint.receive(concat(Array.from({ length: 3 * TURN }, () => frame)));
    let turns = 1;
    for (turn(endpoint); endpoint.turnIsOver; turns++) {
      endpoint.startTurn();
      turn(endpoint);
    }
    assertEquals(turns, 4);
  });
}

test("what comes out of the decompressor counts too: few bytes in are many turns", () => {
  const { deflater, ...deflate } = startDeflate(false);
  const endpoint = new Endpoint({
    role: "server",
    maxMessageSize: 1_048_576,
    maxEmptyFragments: 1_024,
    deflate: { ...deflate, deflater: undefined },
  });
  const payload = deflater!.deflate(new Uint8Array(1_048_576)).slice();
  const frame = new Uint8Array(headerSize(payload.length, true) + payload.length);
  writeFrame(frame, 0, { fin: true, rsv1: true, opcode: Opcode.Binary, payload }, 0x01020304);
  endpoint.receive(concat([frame, frame, clientFrame(Opcode.Text, "behind them")]));
  const sizes: number[] = [];
  let turns = 1;
  for (; sizes.length < 3; turns++) {
    endpoint.startTurn();
    sizes.push(...turn(endpoint).map((event) => isMessage(event) ? event.length : -1));
  }
  assertEquals(sizes, [1_048_576, 1_048_576, 11]);
  // 256 KiB are a turn, and what was begun by then is 128 KiB more at most.
  assert(turns >= 6 && turns <= 10, `${turns} turns`);
});

test("a Close behind a full turn is taken in the next", () => {
  const endpoint = server();
  endpoint.receive(concat([messages(TURN), clientFrame(Opcode.Close)]));
  assertEquals([turn(endpoint).length, endpoint.finished], [TURN, false]);
  assertEquals([...eventsOf(endpoint)].map(showEvent), ['close 1005 ""']);
  assertEquals(endpoint.finished, true);
});
