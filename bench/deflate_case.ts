/**
 * One row of the table of `bench/deflate.ts`, in a process of its own so that its memory can be told.
 *
 * @module
 */

import process from "node:process";
import { zlibCodec } from "../lib/adapters/zlib/codec.ts";
import { jsonMessage } from "./json.ts";

const CONNECTIONS = 500;
const SIZES = [128, 1_024, 16_384];

const options = JSON.parse(process.argv[2]!);
const encoder = new TextEncoder();
const messages = SIZES.map((size) =>
  Array.from({ length: 64 }, (_, i) => encoder.encode(jsonMessage(size, i)))
);

const connection = () => ({ deflater: zlibCodec.deflater(options), inflater: zlibCodec.inflater(options) });

/** Compresses and decompresses a message; returns how many bytes were on the wire. */
function roundTrip({ deflater, inflater }: ReturnType<typeof connection>, message: Uint8Array): number {
  const payload = deflater.deflate(message);
  inflater.write(payload);
  while (inflater.read() !== undefined) { /* it is thrown away */ }
  inflater.end();
  return payload.length;
}

/** The resident memory that each connection holds after it has compressed and decompressed once. */
function measureMemory(): number {
  roundTrip(connection(), messages[2]![0]!);
  const before = process.memoryUsage().rss;
  const connections = Array.from({ length: CONNECTIONS }, connection);
  for (const [i, each] of connections.entries()) roundTrip(each, messages[2]![i % 64]!);
  return (process.memoryUsage().rss - before) / CONNECTIONS / 1_024;
}

/** The share of its size that a message has on the wire, and the microseconds of a round trip. */
function measureSpeed(set: Uint8Array[]): { ratio: number; time: number } {
  const each = connection();
  const count = Math.max(200, Math.floor(2_000_000 / set[0]!.length));
  for (let i = 0; i < count; i++) roundTrip(each, set[i % 64]!);
  let wire = 0;
  const start = performance.now();
  for (let i = 0; i < count; i++) wire += roundTrip(each, set[i % 64]!);
  const time = (performance.now() - start) / count * 1_000;
  return { ratio: wire / count / set[0]!.length, time };
}

console.log(JSON.stringify({ memory: measureMemory(), speeds: messages.map(measureSpeed) }));
