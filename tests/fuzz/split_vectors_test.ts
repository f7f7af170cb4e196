import { assertEquals } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { HandshakeError } from "../../lib/errors.ts";
import { checkUpgradeResponse } from "../../lib/handshake/client_handshake.ts";
import { RequestHeadParser, ResponseHeadParser } from "../../lib/handshake/head_parser.ts";
import { checkUpgrade } from "../../lib/handshake/server_handshake.ts";
import { readHead } from "../handshake/read_head.ts";
import { decodeLines, replay, rowBytes } from "../protocol/replay.ts";
import { LONG } from "../support/long.ts";
import { check } from "../support/property.ts";
import { DEFLATE_ROWS } from "../vectors/deflate_frames.ts";
import { FRAME_ROWS } from "../vectors/frames.ts";
import { CLIENT_ROWS } from "../vectors/handshake_client.ts";
import { SAMPLE_ACCEPT, SERVER_ROWS } from "../vectors/handshake_server.ts";
import { fromLatin1, latin1, splitAt } from "../vectors/splits.ts";

/** Cuts in many places: where a vector's own test cuts in one. */
const cuts = fc.array(fc.nat(1_048_576), { minLength: 2, maxLength: 12, size: "max" });

/** How often a vector is cut: one of up to a KiB, and a longer one. */
const [TIMES, TIMES_LONG] = LONG ? [200, 20] as const : [50, 5] as const;

/** Holds what comes of bytes to what comes of them whole. */
function splits(
  name: string,
  bytes: Uint8Array,
  outcomeOf: (chunks: readonly Uint8Array[]) => unknown,
): void {
  const wanted = JSON.stringify(outcomeOf([bytes]));
  const property = fc.property(cuts, (places) => {
    const cut = JSON.stringify(outcomeOf(splitAt(bytes, places)));
    if (cut !== wanted) assertEquals(cut, wanted, `${name}, of ${bytes.length} bytes`);
  });
  check(property, { numRuns: bytes.length > 1_024 ? TIMES_LONG : TIMES });
}

const FRAMES = [...FRAME_ROWS, ...DEFLATE_ROWS];

test("cut again and again in many places, every vector of frames gives a decoder the same", () => {
  for (const row of FRAMES) {
    const options = { role: row.role, rsv1: row.takeover !== undefined, ...row.limits };
    splits(`${row.role}: ${row.name}`, rowBytes(row), (chunks) => decodeLines(chunks, options));
  }
});

test("cut again and again in many places, every vector of frames gives an endpoint the same", () => {
  for (const row of FRAMES.filter((row) => !row.decoderOnly)) {
    splits(`${row.role}: ${row.name}`, rowBytes(row), (chunks) => replay(row, chunks));
  }
});

/** What comes of a head, or the code of what is wrong with it. */
function headOutcome<Head>(
  parser: Parameters<typeof readHead<Head>>[0],
  chunks: readonly Uint8Array[],
  use: (head: Head) => unknown,
): unknown {
  const reading = readHead<Head>(parser, chunks);
  if ("fault" in reading) return reading.fault.code;
  if ("incomplete" in reading) return "incomplete";
  try {
    return [use(reading.head), fromLatin1(reading.rest)];
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    return [error.code, error.status];
  }
}

test("cut again and again in many places, every request of the vectors gives a server the same", () => {
  for (const { name, request } of SERVER_ROWS) {
    splits(
      name,
      latin1(request),
      (chunks) => headOutcome(new RequestHeadParser(), chunks, (head) => [head, checkUpgrade(head)]),
    );
  }
});

test("cut again and again in many places, every answer of the vectors gives a client the same", () => {
  for (const { name, response, protocols } of CLIENT_ROWS) {
    const expected = { accept: SAMPLE_ACCEPT, protocols };
    splits(
      name,
      latin1(response.replaceAll("{accept}", SAMPLE_ACCEPT)),
      (chunks) =>
        headOutcome(new ResponseHeadParser(), chunks, (head) => [head, checkUpgradeResponse(head, expected)]),
    );
  }
});
