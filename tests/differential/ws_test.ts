import { assert, assertEquals } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { fuzz } from "../fuzz/fuzz.ts";
import { play } from "../fuzz/play.ts";
import { framesStream, noiseStream, type Stream } from "../fuzz/streams.ts";
import { rowBytes, wireTo } from "../protocol/replay.ts";
import { DEFLATE_ROWS } from "../vectors/deflate_frames.ts";
import { FRAME_ROWS, type FrameRow } from "../vectors/frames.ts";
import { toHex } from "../vectors/hex.ts";
import { ALLOWED, type Allowed, type Difference } from "./allowed.ts";
import { receiveWithWs } from "./ws_receiver.ts";

function streamOf(row: FrameRow): Stream {
  return {
    role: row.role,
    deflate: row.takeover === undefined ? undefined : { bits: 15, takeover: row.takeover },
    maxMessageSize: row.limits.maxMessageSize ?? 1_048_576,
    maxEmptyFragments: row.limits.maxEmptyFragments ?? 1_024,
    bytes: rowBytes(row),
  };
}

/** Gives the same bytes to both; Pings are left out, which an endpoint answers without a word. */
async function compare(stream: Stream): Promise<Difference | undefined> {
  const { events, code } = play(stream, [stream.bytes]);
  const theirs = (await receiveWithWs(stream)).filter((event) => !event.startsWith("ping"));
  const at = Array.from({ length: Math.max(events.length, theirs.length) }).findIndex((_, i) =>
    events[i] !== theirs[i]
  );
  if (at < 0) return undefined;
  const failed = events[at]?.startsWith("fail");
  return {
    stream,
    ours: events[at],
    code: failed ? code : undefined,
    theirs: theirs[at],
    before: events.slice(0, at),
  };
}

function explain(difference: Difference): Allowed | undefined {
  return ALLOWED.find((entry) => entry.matches(difference));
}

/** Fails where the two differ and the list does not know it. */
async function holdsTo(stream: Stream, name: string): Promise<void> {
  const difference = await compare(stream);
  if (difference === undefined || explain(difference) !== undefined) return;
  const { ours = "nothing", theirs = "nothing", code = "" } = difference;
  throw new Error(`${name}: we say ${ours} ${code}, ws says ${theirs}`);
}

for (const entry of ALLOWED) {
  const { name, ws, sluice, section, sample } = entry;
  test(`${name}: ws ${ws}; Sluice ${sluice} (${section})`, async () => {
    const { wire, deflate = false, maxMessageSize = 1_048_576, cut = 0 } = sample;
    const bytes = wireTo("server", wire);
    const difference = await compare({
      ...{ role: "server", maxMessageSize, maxEmptyFragments: 2 },
      deflate: deflate ? { bits: 15, takeover: true } : undefined,
      bytes: bytes.subarray(0, bytes.length - cut),
    });
    assert(difference !== undefined, "the two do not differ: the entry is out of date");
    assertEquals(explain(difference)?.name, name);
  });
}

test("ws makes the same of every vector, but for what the list knows", async () => {
  for (const row of [...FRAME_ROWS, ...DEFLATE_ROWS].filter((row) => !row.decoderOnly && !row.closing)) {
    await holdsTo(streamOf(row), `${row.role}: ${row.name}`);
  }
});

/** `ws` inflates with a window of 32 KiB whatever was agreed on, and we only within a message. */
const streams = fc.oneof(framesStream, noiseStream).map((stream) => ({
  ...stream,
  deflate: stream.deflate && { ...stream.deflate, bits: 15 },
}));

fuzz(
  "ws makes the same of random streams, but for what the list knows",
  6_000,
  fc.asyncProperty(streams, (stream) => holdsTo(stream, toHex(stream.bytes))),
);
