import { assert, assertEquals } from "#std/assert";
import { test } from "node:test";
import { CONNECTION_FAULTS, type WebSocketErrorCode } from "../../lib/errors.ts";
import { DEFLATE_ROWS } from "../vectors/deflate_frames.ts";
import { FRAME_ROWS, type FrameRow } from "../vectors/frames.ts";
import { concat } from "../vectors/hex.ts";
import { type Replay, replay, rowBytes, splits, wireTo } from "./replay.ts";

function expected(row: FrameRow): Replay {
  const events = row.error === undefined ? [...row.events] : [...row.events, `error ${row.error}`];
  const closed = row.events.some((event) => event.startsWith("close"));
  const state = row.error !== undefined ? "failed" : closed ? "closed" : row.closing ? "closeSent" : "open";
  return { events, sent: [...row.sent], state };
}

const ALL_ROWS = [...FRAME_ROWS, ...DEFLATE_ROWS];

for (const row of ALL_ROWS.filter((row) => !row.decoderOnly)) {
  const outcome = row.error ?? `${row.events.length} events`;
  test(`endpoint, ${row.role}: ${row.name} gives ${outcome} however it is cut (${row.section})`, () => {
    const bytes = rowBytes(row);
    assertEquals(replay(row, [bytes]), expected(row));

    const wanted = JSON.stringify(expected(row));
    for (const chunks of splits(bytes)) {
      const cut = JSON.stringify(replay(row, chunks));
      if (cut !== wanted) assertEquals(cut, wanted, `cut behind byte ${chunks[0]?.length}`);
    }

    const trailing = wireTo(row.role, `89 00; 82 05: 61*5; 8a 7d: 62*125; ff ff: ff*20`);
    const more = replay(row, [concat([bytes, trailing])]);
    const { state } = expected(row);
    if (state === "closed" || state === "failed") assertEquals(more, expected(row));
    assertEquals(more.events.slice(0, expected(row).events.length), expected(row).events);
    assertEquals(more.sent.slice(0, expected(row).sent.length), expected(row).sent);

    if (row.error !== undefined && row.visibleAt !== undefined) {
      assertEquals(replay(row, [bytes.subarray(0, row.visibleAt)]), expected(row));
    }
  });
}

/** What no bytes lead to: how a connection ends without them, and what follows from that for a message. */
const WITHOUT_BYTES: readonly WebSocketErrorCode[] = [
  "message-cut",
  "connection-lost",
  "close-timeout",
  "keepalive-timeout",
  "aborted",
  "internal",
  "not-open",
];

test("every fault that bytes can have is in the vectors, for each role that can meet it", () => {
  const faults = Object.keys(CONNECTION_FAULTS) as WebSocketErrorCode[];
  for (const fault of faults.filter((fault) => !WITHOUT_BYTES.includes(fault))) {
    const rows = ALL_ROWS.filter((row) => row.error === fault);
    const oneSided = fault === "unmasked-frame" || fault === "masked-frame";
    assertEquals(new Set(rows.map((row) => row.role)).size, oneSided ? 1 : 2, fault);
    assert(rows.some((row) => row.visibleAt !== undefined), `no row shows when ${fault} must be known`);
  }
});

test("no two vectors have the same name and role", () => {
  const names = ALL_ROWS.map((row) => `${row.role}: ${row.name}`);
  assertEquals(names.filter((name, i) => names.indexOf(name) !== i), []);
});
