import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { HandshakeError } from "../../lib/errors.ts";
import { checkUpgradeResponse } from "../../lib/handshake/client_handshake.ts";
import { ResponseHeadParser } from "../../lib/handshake/head_parser.ts";
import { CLIENT_ROWS } from "../vectors/handshake_client.ts";
import type { ClientRow } from "../vectors/handshake_client.ts";
import { SAMPLE_ACCEPT } from "../vectors/handshake_server.ts";
import { everySplit, fromLatin1, latin1 } from "../vectors/splits.ts";
import { readHead } from "./read_head.ts";

interface Outcome {
  end: string;
  status?: number | undefined;
  protocol?: string;
  rest?: string;
}

function outcome(row: ClientRow, chunks: readonly Uint8Array[]): Outcome {
  const reading = readHead(new ResponseHeadParser(), chunks);
  if ("incomplete" in reading) return { end: "incomplete" };
  if ("fault" in reading) return { end: reading.fault.code };
  try {
    const expected = { accept: SAMPLE_ACCEPT, protocols: row.protocols };
    const { protocol } = checkUpgradeResponse(reading.head, expected);
    return { end: "open", protocol, rest: fromLatin1(reading.rest) };
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    return row.status === undefined ? { end: error.code } : { end: error.code, status: error.status };
  }
}

function expected(row: ClientRow): Outcome {
  if (row.expect === "open") return { end: "open", protocol: row.protocol ?? "", rest: row.rest ?? "" };
  return row.status === undefined ? { end: row.expect } : { end: row.expect, status: row.status };
}

for (const row of CLIENT_ROWS) {
  test(`client: ${row.name} ends in ${row.expect} however it is cut (${row.section})`, () => {
    const bytes = latin1(row.response.replaceAll("{accept}", SAMPLE_ACCEPT));
    const whole = outcome(row, [bytes]);
    assertEquals(whole, expected(row));
    const wanted = JSON.stringify(whole);
    for (const chunks of everySplit(bytes)) {
      const cut = JSON.stringify(outcome(row, chunks));
      if (cut !== wanted) assertEquals(cut, wanted, `cut behind byte ${chunks[0]?.length}`);
    }
  });
}
