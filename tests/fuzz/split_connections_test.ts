import { assertEquals } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import type { Role } from "../../lib/protocol/frame.ts";
import { check } from "../support/property.ts";
import { wireTo } from "../protocol/replay.ts";
import { splitAt } from "../vectors/splits.ts";
import { type ConnectionLog, type PeerScript, playConnection } from "./connections.ts";

const DEFLATE = "permessage-deflate";
const HEADS: Readonly<Record<Role, string>> = {
  server: "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  client:
    "HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n",
};

/** A field, in front of the empty line. */
const withField = (head: string, field: string): string => head.replace(/\r\n\r\n$/, `\r\n${field}\r\n\r\n`);

/** What follows a good head, and what the connection ends in. */
const FRAMES: readonly (readonly [name: string, frames: string, end: RegExp])[] = [
  [
    "messages, a Ping and a Close",
    "81 02: c3a9; 82 03: 000102; 89 02: 6869; 88 05: 03e8 627965",
    /close 1000 bye/,
  ],
  [
    "fragments with Pings among them",
    "01 02: f09f; 89 00; 00 00; 8a 01: 31; 80 02: 9880; 88 00",
    /close 1005/,
  ],
  ["a 16-bit length", "82 7e 0080: 61*128; 88 02: 0fa0", /close 4000/],
  ["a text that cannot become one", "01 03: 61 ed a0; 81 01: 62", /invalid-utf8/],
  ["a length that is not minimal", "81 01: 61; 81 7e 0001: 61; 88 00", /length-not-minimal/],
  ["something behind the Close", "88 02: 03e8; 81 01: 61; ff 00", /close 1000/],
  ["no Close", "81 01: 61; 81 05: 616263", /connection-lost/],
  ["a Close with a bad code", "81 01: 61; 88 02: 03ee", /close-code-invalid/],
];

const DEFLATED: readonly (readonly [name: string, frames: string, end: RegExp])[] = [
  [
    "messages that refer to each other",
    "c1 07: f248cdc9c90700; 41 02: f200; 80 03: 110000; 88 02: 03e8",
    /close 1000/,
  ],
  [
    "messages, some of them compressed",
    "81 01: 61; c2 07: f248cdc9c90700; 89 00; 81 00; 88 00",
    /close 1005/,
  ],
  ["a message that ends too early", "c1 07: f248cdc9c90700; c1 03: f248cd; 88 00", /invalid-deflate/],
];

function scripts(role: Role): (PeerScript & { readonly end: RegExp })[] {
  const good = HEADS[role];
  const packed = withField(good, `Sec-WebSocket-Extensions: ${DEFLATE}`);
  const bad = good.replace("websocket", "h2c");
  const refused = role === "server" ? /not-an-upgrade/ : /upgrade-missing/;
  const script = (head: string, compression: boolean) => ([name, frames, end]: typeof FRAMES[number]) => ({
    ...{ name, role, head, compression, end },
    // A stream that ends without a Close is lost at once.
    echo: name !== "no Close",
    frames: wireTo(role, frames),
  });
  return [
    ...FRAMES.map(script(good, false)),
    ...DEFLATED.map(script(packed, true)),
    script(bad, false)(["a head that is refused, and frames all the same", "81 01: 61", refused]),
    script(withField(good, "X: \x01"), false)(["a head at fault", "81 01: 61", /header-line/]),
  ];
}

const cuts = fc.array(fc.nat(1_048_576), { minLength: 2, maxLength: 12, size: "max" });

for (const role of ["server", "client"] as const) {
  for (const script of scripts(role)) {
    test(`a whole connection to a ${role}, ${script.name}, goes the same however it is cut`, async () => {
      let size = 0;
      const whole = await playConnection(script, (bytes) => (size = bytes.length, [bytes]));
      assertEquals(script.end.test(whole.events.at(-1)!), true, whole.events.join("; "));
      const same = (log: ConnectionLog, place: string) => {
        if (JSON.stringify(log) !== JSON.stringify(whole)) assertEquals(log, whole, `cut at ${place}`);
      };
      for (let at = 1; at < size; at++) {
        same(await playConnection(script, (bytes) => [bytes.subarray(0, at), bytes.subarray(at)]), `${at}`);
      }
      const property = fc.asyncProperty(cuts, async (places) => {
        same(await playConnection(script, (bytes) => splitAt(bytes, places)), `${places}`);
      });
      await check(property, { numRuns: 200 });
      same(await playConnection(script, (bytes) => splitAt(bytes, [...bytes.keys()])), "every byte");
    });
  }
}
