import { test } from "node:test";
import { assertEquals, assertRejects } from "#std/assert";
import { WebSocketError } from "../../mod.ts";
import { answer, type Script, scripted } from "../support/scripted_server.ts";
import { connect } from "../support/sluice.ts";
import type { Wire } from "../support/wire.ts";
import { FRAME_ROWS, type FrameRow } from "../vectors/frames.ts";
import { concat, fromHex, maskNaively, show, toHex } from "../vectors/hex.ts";
import { fromLatin1 } from "../vectors/splits.ts";

const HEAD = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Accept: {accept}\r\n\r\n";
const CLOSE = fromHex("88 02 03e8");

/** Nothing may be left to a timeout. */
const AMPLE = 60_000;

/** Rows without a limit end in the middle of a frame that no server could send. */
const rows = FRAME_ROWS.filter((row) =>
  row.role === "client" && !row.decoderOnly && row.limits.maxMessageSize !== Infinity
);

for (const row of rows) {
  test(`a client meets ${row.name} (${row.section}), behind the 101 and glued to it`, async () => {
    await play(row, { glued: false });
    // Behind our own Close nothing can be glued to the head.
    if (!row.closing) await play(row, { glued: true });
  });
}

async function play(row: FrameRow, { glued }: { glued: boolean }): Promise<void> {
  const ends = row.error !== undefined || row.events.some((event) => event.startsWith("close "));
  const bytes = concat([fromHex(row.hex), ends ? new Uint8Array(0) : CLOSE]);
  const frames: string[] = [];
  const script: Script = async (wire) => {
    await answer(glued ? HEAD + fromLatin1(bytes) : HEAD)(wire);
    if (row.closing) assertEquals(await readFrame(wire), "88 03e8");
    if (!glued) wire.send(bytes);
    if (!row.closing) { do frames.push(await readFrame(wire)); while (!frames.at(-1)!.startsWith("88")); }
    wire.socket.end();
    assertEquals(await wire.rest(), new Uint8Array(0));
  };
  await scripted(script, async (url) => {
    const { rsv1: _rsv1, maxFrameSize: _maxFrameSize, ...limits } = row.limits;
    const socket = await connect(url, { ...limits, closeTimeout: AMPLE });
    if (row.closing) socket.close();
    const messages: string[] = [];
    const read = (async () => {
      for await (const message of socket) messages.push(describe(message));
    })();
    if (row.error === undefined) {
      const event = row.events.find((event) => event.startsWith("close ")) ?? 'close 1000 ""';
      const { closeCode, reason } = await socket.closed;
      assertEquals(`close ${closeCode} ${JSON.stringify(reason)}`, event);
      await read;
    } else {
      const error = await assertRejects(() => socket.closed, WebSocketError);
      assertEquals(error.code, row.error);
      assertEquals(await assertRejects(() => read, WebSocketError), error);
    }
    assertEquals(messages, row.events.filter((event) => /^(?:text|binary) /.test(event)));
  });
  assertEquals(frames, row.closing ? [] : [...row.sent, ...ends ? [] : ["88 03e8"]]);
}

function describe(message: string | Uint8Array): string {
  return typeof message === "string" ? `text ${JSON.stringify(message)}` : `binary ${show(message)}`;
}

/** Reads a frame as a client must send it: masked, and none of those here is over 125 bytes. */
async function readFrame(wire: Wire): Promise<string> {
  const [first, second] = await wire.take(2) as unknown as [number, number];
  assertEquals(second & 0x80, 0x80);
  const key = await wire.take(4);
  const payload = maskNaively(await wire.take(second & 0x7f), key);
  return `${toHex(Uint8Array.of(first))} ${show(payload)}`;
}
