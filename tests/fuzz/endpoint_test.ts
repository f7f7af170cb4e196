import { assertEquals, assertLessOrEqual } from "#std/assert";
import fc from "fast-check";
import type { CloseInfo } from "../../lib/protocol/close_payload.ts";
import type { Endpoint } from "../../lib/protocol/endpoint.ts";
import type { Message } from "../../lib/protocol/message_assembler.ts";
import { otherRole } from "../protocol/replay.ts";
import { OVER_AND_INVALID, readStream } from "../reference/reference_reader.ts";
import { concat } from "../vectors/hex.ts";
import { splitAt } from "../vectors/splits.ts";
import { fuzz, largestAllocation } from "./fuzz.ts";
import { answersTo, endpointFor, play, type Played, readByReference, Witness } from "./play.ts";
import { cuts, framesStream, noiseStream, type Stream } from "./streams.ts";

/**
 * What an endpoint and the reference tell differently: what comes out of compressed data in front of a fault, which zlib
 * keeps to itself if both are in one chunk.
 */
function differs({ code }: Played, what: string | undefined): boolean {
  return code === "invalid-deflate" && what === OVER_AND_INVALID;
}

function compare(stream: Stream, places: readonly number[]): void {
  const expected = readByReference(stream);
  const played = play(stream, splitAt(stream.bytes, places));
  const { violation } = expected;
  const told = expected.events.filter((event) => !event.startsWith("ping"));
  if (differs(played, violation?.what)) {
    assertEquals(played.events.slice(0, -1), told);
    return;
  }
  assertEquals(played.events, violation === undefined ? told : [...told, `fail ${violation.closeCode}`]);
  const sent = readStream(played.sent, { sender: stream.role, strict: true });
  assertEquals([sent.events, sent.violation], [answersTo(expected), undefined]);
}

fuzz(
  "frames, right and wrong, come to what the reference reads in them, however they are cut",
  8_000,
  fc.property(framesStream, cuts, compare),
);

fuzz(
  "noise comes to what the reference reads in it, however it is cut",
  12_000,
  fc.property(noiseStream, cuts, compare),
);

/** What the user and the transport may do meanwhile. */
type Act =
  | { readonly do: "send"; readonly data: Message }
  | { readonly do: "ping" }
  | { readonly do: "congest" }
  | { readonly do: "relieve" }
  | { readonly do: "end" }
  | { readonly do: "close"; readonly info: CloseInfo }
  | { readonly do: "receive"; readonly count: number };

const act: fc.Arbitrary<Act> = fc.oneof(
  { arbitrary: fc.nat(60).map((count): Act => ({ do: "receive", count })), weight: 9 },
  {
    arbitrary: fc.oneof(fc.string({ unit: "grapheme", maxLength: 6 }), fc.uint8Array({ maxLength: 130 }))
      .map((data): Act => ({ do: "send", data })),
    weight: 3,
  },
  { arbitrary: fc.constantFrom<Act>({ do: "ping" }, { do: "congest" }, { do: "relieve" }), weight: 3 },
  { arbitrary: fc.constantFrom<Act>({ do: "end" }), weight: 1 },
  {
    arbitrary: fc.record({
      closeCode: fc.constantFrom(1000, 1005, 4999),
      reason: fc.constantFrom("", "é".repeat(90)),
    })
      .map((info): Act => ({ do: "close", info })),
    weight: 1,
  },
);

function perform(endpoint: Endpoint, act: Exclude<Act, { do: "receive" | "end" }>): void {
  if (act.do === "congest") endpoint.congested = true;
  else if (act.do === "relieve") endpoint.relieve();
  else if (endpoint.state !== "open") return;
  else if (act.do === "send") endpoint.sendMessage(act.data);
  else if (act.do === "ping") endpoint.sendPing(new Uint8Array(3));
  else endpoint.sendClose(act.info);
}

/** Plays a stream to an endpoint whose user is busy too; returns what it sent. */
function converse(stream: Stream, acts: readonly Act[]): Uint8Array {
  const endpoint = endpointFor(stream, { compressing: true });
  const witness = new Witness(stream);
  const sent: Uint8Array[] = [];
  let at = 0;
  let closedAt: number | undefined;
  for (const act of [...acts, { do: "receive", count: Infinity }, { do: "end" }] satisfies Act[]) {
    if (act.do === "receive") {
      const chunk = stream.bytes.subarray(at, at + act.count);
      at += chunk.length;
      witness.feed(endpoint, chunk);
    } else if (act.do === "end") {
      const event = endpoint.peerEnded();
      if (event !== undefined) witness.see(event);
    } else {
      if (act.do === "close" && endpoint.state === "open") closedAt = witness.events.length;
      perform(endpoint, act);
    }
    sent.push(endpoint.output.take().slice());
    endpoint.output.recycle();
  }
  assertEquals(endpoint.finished, true);
  assertEquals(witness.events.filter((event) => /^(?:close|fail)/.test(event)).length, 1);
  // Once our Close is out there is nothing to tell but the end.
  if (closedAt !== undefined) assertEquals(witness.events.length, closedAt + 1);
  return concat(sent);
}

fuzz(
  "whatever a peer sends and a user does, there is one end, and what goes out keeps to the RFC",
  6_000,
  fc.property(framesStream, fc.array(act, { maxLength: 12 }), (stream, acts) => {
    const bytes = converse(stream, acts);
    const { violation } = readStream(bytes, { sender: stream.role, strict: true, deflate: stream.deflate });
    assertEquals(violation, undefined);
  }),
);

fuzz(
  "what an endpoint holds is for bytes that came, and for what they come to",
  4_000,
  fc.property(fc.oneof(framesStream, noiseStream), cuts, (stream, places) => {
    const { bytes, maxMessageSize, deflate, role } = stream;
    const largest = largestAllocation(() => play(stream, splitAt(bytes, places)));
    // A block of 258 bytes takes two bits; a decompressor has a window, and a connection may keep one.
    const inflated = deflate === undefined
      ? 0
      : Math.max(32_768, 2 * Math.min(maxMessageSize, 1_032 * bytes.length));
    assertLessOrEqual(largest, Math.max(1_024, 2 * 16 * bytes.length, inflated), otherRole(role));
  }),
);
