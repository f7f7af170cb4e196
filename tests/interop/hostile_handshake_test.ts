import { test } from "node:test";
import { assertEquals, assertMatch } from "#std/assert";
import { runtimes } from "../support/runtimes.ts";
import { clientFrame, Wire } from "../support/wire.ts";
import { HELLO, SERVER_ROWS, type ServerRow } from "../vectors/handshake_server.ts";
import { fromLatin1, latin1 } from "../vectors/splits.ts";
import { echoed, leave, openBystander } from "./bystander.ts";
import { useServers } from "./servers.ts";
import { within } from "./within.ts";

// Nothing may be left to this timeout: the tests wait for less.
const args = ["--close-timeout", "60000"];
const urlOf = useServers(
  Object.fromEntries(runtimes.map((runtime) => [runtime, { runtime, script: "echo.ts", args }])),
);

const HELLO_BACK = "\x81\x05Hello";

for (const runtime of runtimes) {
  for (const row of SERVER_ROWS) {
    test(`the server on ${runtime} answers ${row.name} with ${row.expect} (${row.section})`, async () => {
      const url = urlOf(runtime);
      const wire = await Wire.open(Number(new URL(url).port));
      try {
        wire.send(latin1(row.request));
        if (row.expect === 101) await expectEcho(wire, row);
        else await expectRefusal(wire, row);
      } finally {
        wire.destroy();
      }
      const bystander = await openBystander(url);
      assertEquals(await echoed(bystander, row.name), row.name);
      await leave(bystander);
    });
  }
}

/** The status, one response and no more, and the end of the stream: by a FIN, so that nothing of it is lost. */
async function expectRefusal(wire: Wire, row: ServerRow): Promise<void> {
  const answer = fromLatin1(await within("The end of the stream", wire.rest()));
  assertEquals(statusOf(answer), row.expect);
  assertEquals(await wire.ended, "end");
  const border = answer.indexOf("\r\n\r\n") + 4;
  const [head, body] = [answer.slice(0, border), answer.slice(border)];
  assertMatch(head, /\r\nConnection: close\r\n/i);
  assertEquals(/\r\nContent-Length: (\d+)\r\n/i.exec(head)?.[1], String(body.length));
}

/** The status, and a connection that works; what came glued to the head are its first frames. */
async function expectEcho(wire: Wire, row: ServerRow): Promise<void> {
  assertEquals(statusOf(await within("The answer", wire.head())), row.expect);
  if (row.rest === undefined) wire.send(latin1(HELLO));
  if (row.rest === undefined || row.rest === HELLO) {
    assertEquals(fromLatin1(await within("The echo", wire.take(HELLO_BACK.length))), HELLO_BACK);
    wire.send(clientFrame(8));
    assertEquals(fromLatin1(await within("The end of the stream", wire.rest())), "\x88\x00");
  } else {
    // Whatever else is glued to the head is no frame.
    const answer = fromLatin1(await within("The end of the stream", wire.rest()));
    assertEquals(answer, "\x88\x02\x03\xea");
  }
  assertEquals(await wire.ended, "end");
}

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
}
