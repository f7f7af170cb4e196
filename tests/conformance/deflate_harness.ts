/**
 * Plays a series of compressed messages to Sluice.
 *
 * @module
 */

import { assert, assertEquals } from "#std/assert";
import { sameBytes, show } from "../vectors/hex.ts";
import { close, fragments, type FrameSpec, withRsv } from "./case.ts";
import { type DeflateCase, termsFor } from "./deflate_cases.ts";
import { Deflater, Inflater } from "./deflate_codec.ts";
import { TooLateError } from "./harness.ts";
import type { Peer } from "./peer.ts";
import { afterPatience } from "../support/patience.ts";

/**
 * Plays a case to its end; each message is sent when the one before it has come back.
 *
 * @param row The case.
 * @param peer A connection whose opening handshake is done, with the extension. It is cut afterwards.
 * @param limit How long it may take on an idle machine, in milliseconds.
 */
export async function playSeries(row: DeflateCase, peer: Peer, limit: number): Promise<void> {
  const { server, client } = termsFor(row, peer.role);
  const [theirs, mine] = peer.role === "server" ? [server, client] : [client, server];
  const [inflater, deflater] = [new Inflater(theirs), new Deflater(mine)];
  const sizes: number[] = []; // on the wire
  peer.inflate((payload) => {
    sizes.push(payload.length);
    return inflater.run(payload);
  });
  let late = false;
  const stop = afterPatience(limit, () => {
    late = true;
    peer.destroy();
  });
  let index = 0;
  try {
    for (; index < row.count; index++) await exchange(row, peer, deflater, index);
    // What need not be smaller may be sent as it is; the rest is compressed, every message of it.
    if (row.compressible) assertEquals(sizes.length, row.count, "not every message has RSV1");
    else if (theirs.takeover) assert(sizes.length > 0, "no message has RSV1");
    // Where a window may be kept, it is: a message that was there before takes next to nothing.
    if (theirs.takeover && repeats(row)) assert(sizes.at(-1)! < sizes[0]! / 2, `sizes ${sizes}`);
    await peer.send(inOneWrite(close(1000)));
    assertEquals((await peer.next())?.opcode, 8);
    if (peer.role === "client") peer.end();
    assertEquals(await peer.next(), undefined);
  } catch (error) {
    const where = `after ${index} of ${row.count} messages`;
    if (late) throw new TooLateError(`nothing more came within ${limit} ms, ${where}`);
    throw new Error(`${(error as Error).message}; ${where}`, { cause: error });
  } finally {
    stop();
    inflater.close();
    deflater.close();
    peer.destroy();
  }
}

function repeats({ size, message }: DeflateCase): boolean {
  return size >= 256 && size <= 16_384 && sameBytes(message(0), message(1));
}

async function exchange(row: DeflateCase, peer: Peer, deflater: Deflater, index: number): Promise<void> {
  const message = row.message(index);
  const whole = withRsv(4, { first: 0x80 | row.opcode, payload: await deflater.run(message) });
  const frames = row.fragment === 0 ? [whole] : fragments(whole, row.fragment);
  await peer.send(inOneWrite(...frames));
  const received = await peer.next();
  if (received?.opcode !== row.opcode || !sameBytes(received.payload, message)) {
    const what = received === undefined
      ? "the end of the stream"
      : `opcode ${received.opcode} [${show(received.payload)}]`;
    throw new Error(`${what} came, not [${show(message)}]`);
  }
}

const inOneWrite = (...frames: readonly FrameSpec[]) => ({ type: "send", frames, chop: Infinity } as const);
