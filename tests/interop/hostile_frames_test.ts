import { after, test } from "node:test";
import { assertEquals } from "#std/assert";
import type { WebSocket } from "ws";
import { runtimes } from "../support/runtimes.ts";
import { clientClose, UPGRADE, Wire } from "../support/wire.ts";
import { FRAME_ROWS, type FrameRow } from "../vectors/frames.ts";
import { fromHex, show, toHex } from "../vectors/hex.ts";
import { echoed, openBystander } from "./bystander.ts";
import { useServers } from "./servers.ts";
import { within } from "./within.ts";

/** Which server can play a row, by what it sets; rows with other limits need options that have no flag. */
const SETTINGS: Readonly<Record<string, string>> = {
  '{"limits":{},"closing":false}': "echo",
  '{"limits":{"maxMessageSize":1048576},"closing":false}': "echo",
  '{"limits":{"maxMessageSize":10},"closing":false}': "echo of 10 bytes",
  '{"limits":{},"closing":true}': "initiator",
};

const rows = FRAME_ROWS.filter((row) => row.role === "server" && !row.decoderOnly).flatMap((row) => {
  const server = SETTINGS[JSON.stringify({ limits: row.limits, closing: row.closing })];
  return server === undefined ? [] : [{ row, server }];
});

// Nothing may be left to this timeout: the tests wait for less.
const late = ["--close-timeout", "60000"];
const bystanders = new Map<string, WebSocket>();

const urlOf = useServers(
  Object.fromEntries(runtimes.flatMap((runtime) => [
    [`echo on ${runtime}`, { runtime, script: "echo.ts", args: late }],
    [`echo of 10 bytes on ${runtime}`, {
      runtime,
      script: "echo.ts",
      args: [...late, "--max-message-size", "10"],
    }],
    [`initiator on ${runtime}`, { runtime, script: "initiator.ts" }],
  ])),
  async (urlOf) => {
    for (const runtime of runtimes) {
      bystanders.set(runtime, await openBystander(urlOf(`echo on ${runtime}`)));
    }
  },
);
after(() => bystanders.forEach((socket) => socket.terminate()));

for (const runtime of runtimes) {
  for (const { row, server } of rows) {
    test(`the server on ${runtime} meets ${row.name} (${row.section})`, async () => {
      const wire = await Wire.open(Number(new URL(urlOf(`${server} on ${runtime}`)).port));
      try {
        wire.send(row.closing ? UPGRADE.replace("GET /", "GET /close?code=1000") : UPGRADE);
        await within("The 101", wire.head());
        if (row.closing) assertEquals(await readFrame(wire), "88 03e8");
        await play(wire, row);
      } finally {
        wire.destroy();
      }
      assertEquals(await echoed(bystanders.get(runtime)!, row.name), row.name);
    });
  }
}

/** Sends a row's bytes and looks at what comes back, up to the end of the stream. */
async function play(wire: Wire, row: FrameRow): Promise<void> {
  const bytes = fromHex(row.hex);
  const enough = row.visibleAt ?? bytes.length;
  const echoes = row.events.flatMap(echoOf);
  wire.send(bytes.subarray(0, enough));
  if (row.error !== undefined || row.closing || row.events.some((event) => event.startsWith("close"))) {
    const frames = row.closing ? [] : await readToClose(wire);
    // The rest comes too late to be looked at, and must not cost the peer the Close: no reset.
    wire.send(bytes.subarray(enough));
    if (row.closing) wire.send(clientClose(1000));
    assertEquals(toHex(await within("The end of the stream", wire.rest())), "");
    assertEquals(await wire.ended, "end");
    assertEquals(frames.filter(isControl), row.sent);
    // An echo that the end came before is never sent.
    assertEquals(frames.filter(isData), echoes.slice(0, frames.filter(isData).length));
    return;
  }
  const frames: string[] = [];
  while (frames.length < echoes.length + row.sent.length) frames.push(await readFrame(wire));
  assertEquals(frames.filter(isControl), row.sent);
  assertEquals(frames.filter(isData), echoes);
  wire.send(clientClose(1000));
  assertEquals(await readFrame(wire), "88 03e8");
  assertEquals(toHex(await within("The end of the stream", wire.rest())), "");
  assertEquals(await wire.ended, "end");
}

/** The frame that an echo server makes of an event; the events of binary messages show their bytes already. */
function echoOf(event: string): string[] {
  if (event.startsWith("binary ")) return [`82 ${event.slice("binary ".length)}`];
  if (!event.startsWith("text ")) return [];
  const text = JSON.parse(event.slice("text ".length)) as string;
  return [`81 ${show(new TextEncoder().encode(text))}`];
}

const isControl = (frame: string): boolean => frame.startsWith("88") || frame.startsWith("8a");
const isData = (frame: string): boolean => !isControl(frame);

async function readToClose(wire: Wire): Promise<string[]> {
  const frames: string[] = [];
  do frames.push(await readFrame(wire)); while (!frames.at(-1)!.startsWith("88"));
  return frames;
}

/** Reads a frame: its first byte, and its payload. A server masks nothing, and its lengths are the shortest. */
async function readFrame(wire: Wire): Promise<string> {
  const take = async (size: number) => await within("A frame", wire.take(size));
  const [first, second] = await take(2) as unknown as [number, number];
  const extended = second === 126 ? 2 : second === 127 ? 8 : 0;
  const length = extended === 0 ? second : parseInt(toHex(await take(extended)), 16);
  assertEquals(extended, length < 126 ? 0 : length < 65_536 ? 2 : 8);
  return `${toHex(Uint8Array.of(first))} ${show(await take(length))}`;
}
