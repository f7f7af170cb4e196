/**
 * The codec alone, in process on Node: frames through `FrameDecoder` against ws's `Receiver`.
 *
 * @module
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import { createRequire } from "node:module";
import { FrameDecoder } from "../lib/protocol/frame_decoder.ts";
import { Opcode } from "../lib/protocol/frame.ts";
import { headerSize, writeFrame } from "../lib/protocol/frame_encoder.ts";
import { formatSize } from "./support/load_name.ts";
import { type Part, runPart } from "./support/part.ts";
import { atLeast, type Report } from "./support/report.ts";
import { median, medianRatio } from "./support/statistics.ts";

/** The sizes of frames, and how many times as fast as ws Sluice has to be. */
const SIZES: readonly { size: number; least: number }[] = [
  { size: 16, least: 1.5 },
  { size: 64, least: 1.5 },
  { size: 125, least: 1.5 },
  { size: 1_024, least: 4 },
  { size: 16_384, least: 4 },
  { size: 65_536, least: 4 },
  { size: 1_048_576, least: 4 },
];

/** What a socket reads at once. */
const CHUNK = 65_536;
/** At least so many bytes of frames are decoded before the clock is looked at. */
const PASS = 1_048_576;

/** A decoder under test: takes a chunk, and counts the frames that it completes. */
interface Codec {
  push(chunk: Buffer): void;
  frames: number;
}

class SluiceCodec implements Codec {
  readonly #decoder = new FrameDecoder();
  frames = 0;

  push(chunk: Buffer): void {
    this.#decoder.push(chunk);
    while (this.#decoder.next() !== undefined) this.frames++;
  }
}

interface Receiver {
  write(chunk: Buffer): boolean;
  on(event: "message", listener: () => void): void;
}

/** Not among ws's types. */
const { Receiver }: { Receiver: new (options: { isServer: boolean }) => Receiver } = createRequire(
  import.meta.url,
)("ws");

class WsCodec implements Codec {
  readonly #receiver = new Receiver({ isServer: true });
  frames = 0;

  constructor() {
    this.#receiver.on("message", () => this.frames++);
  }

  push(chunk: Buffer): void {
    this.#receiver.write(chunk);
  }
}

/**
 * Makes masked frames, cut where a socket would cut them. They can be decoded again and again: both decoders unmask in
 * place, which masks what was unmasked before.
 */
function makeChunks(size: number): { chunks: Buffer[]; count: number } {
  const frame = { fin: true, rsv1: false, opcode: Opcode.Binary, payload: new Uint8Array(size).fill(7) };
  const frameSize = headerSize(size, true) + size;
  const count = Math.ceil(PASS / frameSize);
  const bytes = Buffer.alloc(count * frameSize);
  for (let i = 0; i < count; i++) writeFrame(bytes, i * frameSize, frame, 0x1234_5678);
  const chunks = [];
  for (let at = 0; at < bytes.length; at += CHUNK) chunks.push(bytes.subarray(at, at + CHUNK));
  return { chunks, count };
}

/** Decodes for a time; tells the frames per second. */
async function play(codec: Codec, chunks: readonly Buffer[], time: number): Promise<number> {
  const before = codec.frames;
  const start = performance.now();
  do {
    for (const chunk of chunks) codec.push(chunk);
    await nextTurn(); // ws's stream has callbacks to call
  } while (performance.now() - start < time);
  return (codec.frames - before) / (performance.now() - start) * 1_000;
}

async function measureSize(size: number, rounds: number, time: number): Promise<[number[], number[]]> {
  const { chunks, count } = makeChunks(size);
  const codecs = [new SluiceCodec(), new WsCodec()];
  for (const codec of codecs) {
    await play(codec, chunks, time);
    if (codec.frames % count !== 0) {
      throw new Error(`Cannot compare codecs: one lost frames of ${size} bytes`);
    }
  }
  const rates: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    for (const [i, codec] of codecs.entries()) rates[i]!.push(await play(codec, chunks, time));
  }
  return rates;
}

/** Frames through the decoder. */
export const codec: Part = {
  name: "codec",
  async measure({ rounds, time }, progress): Promise<Report> {
    const rows = [];
    const checks = [];
    for (const { size, least } of SIZES) {
      progress.begin(`codec, ${formatSize(size)}`);
      const [ours, theirs] = await measureSize(size, rounds, time / 4);
      const ratio = medianRatio(ours, theirs);
      rows.push({
        "frames of": formatSize(size),
        "Sluice, frames/s": median(ours),
        "ws": median(theirs),
        "Sluice, GB/s": median(ours) * size / 1e9,
        "ws, GB/s": median(theirs) * size / 1e9,
        "ratio": ratio,
      });
      checks.push(atLeast(least, `Codec, frames of ${formatSize(size)} to ws's`, ratio));
    }
    return { part: "codec", tables: [{ title: "Codec in process on Node", rows }], checks, charts: [] };
  },
};

if (import.meta.main) await runPart(codec);
