import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { HandshakeError } from "../../lib/errors.ts";
import { RequestHeadParser } from "../../lib/handshake/head_parser.ts";
import { requestUrl } from "../../lib/handshake/request_url.ts";
import { checkUpgrade } from "../../lib/handshake/server_handshake.ts";
import { HELLO, SERVER_ROWS } from "../vectors/handshake_server.ts";
import type { ServerRow } from "../vectors/handshake_server.ts";
import { everySplit, fromLatin1, latin1 } from "../vectors/splits.ts";
import { readHead } from "./read_head.ts";

/** All that a server can see of a request, as one text. */
function outcome(chunks: readonly Uint8Array[]): string {
  const reading = readHead(new RequestHeadParser(), chunks);
  if ("incomplete" in reading) return "incomplete";
  if ("fault" in reading) return `${reading.fault.status} ${reading.fault.code}`;
  const { head, rest } = reading;
  try {
    const url = requestUrl(head, { secure: false });
    const offer = checkUpgrade(head);
    return `101 ${JSON.stringify([url, offer, ...head.headers, fromLatin1(rest)])}`;
  } catch (error) {
    if (error instanceof HandshakeError) return `${error.status} ${error.code}`;
    throw error;
  }
}

function start(row: ServerRow): string {
  return row.code === undefined ? "101 " : `${row.expect} ${row.code}`;
}

for (const row of SERVER_ROWS) {
  test(`server: ${row.name} gives ${row.expect} however it is cut (${row.section})`, () => {
    const bytes = latin1(row.request);
    const whole = outcome([bytes]);
    assertEquals(whole.startsWith(start(row)), true, `${whole} is not ${start(row)}`);
    for (const chunks of everySplit(bytes)) {
      const cut = outcome(chunks);
      if (cut !== whole) assertEquals(cut, whole, `cut behind byte ${chunks[0]?.length}`);
    }
  });
}

for (const row of SERVER_ROWS.filter((row) => row.expect === 101)) {
  test(`server: ${row.name} keeps the bytes behind the head`, () => {
    const reading = readHead(new RequestHeadParser(), [latin1(row.request + HELLO)]);
    assertEquals("head" in reading && fromLatin1(reading.rest), (row.rest ?? "") + HELLO);
  });
}
