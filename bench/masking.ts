/**
 * Masking alone, in process on Node, in place, against what ws does.
 *
 * @module
 */

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { mask } from "../lib/protocol/mask.ts";
import { formatSize } from "./support/load_name.ts";
import { type Part, runPart } from "./support/part.ts";
import { atLeast, type Report } from "./support/report.ts";
import { median, medianRatio } from "./support/statistics.ts";

const SIZES = [16, 64, 125, 1_024, 16_384, 65_536, 1_048_576];
/** From this size on the bound holds: below, the call costs as much as the work. */
const BOUND_FROM = 1_024;
const LEAST = 5;

/** Bytes between two looks at the clock. */
const PASS = 1_048_576;

const require = createRequire(import.meta.url);
/** A file of ws that it does not export. */
const { unmask }: { unmask(bytes: Buffer, key: Buffer): void } = require(
  join(dirname(require.resolve("ws")), "lib/buffer-util.js"),
);

const key = Buffer.of(0x12, 0x34, 0x56, 0x78);

/** Masks in place for a time; tells the bytes per second. */
function play(maskBytes: (bytes: Buffer) => void, payloads: readonly Buffer[], time: number): number {
  let passes = 0;
  const start = performance.now();
  do {
    for (const payload of payloads) maskBytes(payload);
    passes++;
  } while (performance.now() - start < time);
  const bytes = passes * payloads.length * payloads[0]!.length;
  return bytes / (performance.now() - start) * 1_000;
}

/** Makes payloads as they lie in a chunk: behind headers, so at any alignment. */
function makePayloads(size: number): Buffer[] {
  const count = Math.max(1, Math.floor(PASS / size));
  const chunk = Buffer.alloc(count * (size + 7));
  return Array.from({ length: count }, (_, i) => chunk.subarray(i * (size + 7) + 7, (i + 1) * (size + 7)));
}

function measureSize(size: number, rounds: number, time: number): [number[], number[]] {
  const payloads = makePayloads(size);
  const maskers = [
    (bytes: Buffer) => mask(bytes, 0x1234_5678),
    (bytes: Buffer) => unmask(bytes, key),
  ];
  for (const masker of maskers) play(masker, payloads, time);
  const rates: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    for (const [i, masker] of maskers.entries()) rates[i]!.push(play(masker, payloads, time));
  }
  return rates;
}

/** Masking. */
export const masking: Part = {
  name: "masking",
  measure({ rounds, time }, progress): Promise<Report> {
    const rows = [];
    const checks = [];
    for (const size of SIZES) {
      progress.begin(`masking, ${formatSize(size)}`);
      const [ours, theirs] = measureSize(size, rounds, time / 8);
      const ratio = medianRatio(ours, theirs);
      rows.push({
        "payloads of": formatSize(size),
        "Sluice, GB/s": median(ours) / 1e9,
        "ws, GB/s": median(theirs) / 1e9,
        "ratio": ratio,
      });
      if (size >= BOUND_FROM) {
        checks.push(atLeast(LEAST, `Masking ${formatSize(size)}, to ws's`, ratio));
      }
    }
    const report = {
      part: "masking",
      tables: [{ title: "Masking in process on Node", rows }],
      checks,
      charts: [],
    };
    return Promise.resolve(report);
  },
};

if (import.meta.main) await runPart(masking);
