import { assertEquals } from "#std/assert";
import { test } from "node:test";
import { DEFLATE_ROWS } from "../vectors/deflate_frames.ts";
import { FRAME_ROWS, type FrameRow } from "../vectors/frames.ts";
import { concat } from "../vectors/hex.ts";
import { decode, decodeLines, joinLines, rowBytes, splits, wireTo } from "./replay.ts";

function expected(row: FrameRow): string[] {
  return row.inHeader ? [...row.frames, `error ${row.error}`] : [...row.frames];
}

const outcome = (row: FrameRow): string => row.inHeader ? row.error! : `${row.frames.length} frames`;

for (const row of [...FRAME_ROWS, ...DEFLATE_ROWS]) {
  test(`decoder, ${row.role}: ${row.name} gives ${outcome(row)} however it is cut (${row.section})`, () => {
    const options = { role: row.role, rsv1: row.takeover !== undefined, ...row.limits };
    const bytes = rowBytes(row);
    assertEquals(decodeLines([bytes], options), expected(row));

    const wanted = expected(row).join("\n");
    const wantedPieces = joinLines(decode([bytes], options)).join("\n");
    for (const chunks of splits(bytes)) {
      const place = `cut behind byte ${chunks[0]?.length}`;
      const lines = decodeLines(chunks, options).join("\n");
      if (lines !== wanted) assertEquals(lines, wanted, place);
      const pieces = joinLines(decode(chunks, { ...options, pieces: true })).join("\n");
      if (pieces !== wantedPieces) assertEquals(pieces, wantedPieces, `in pieces, ${place}`);
    }

    const trailing = wireTo(row.role, `89 00; 82 05: 61*5; 8a 7d: 62*125; ff ff: ff*20`);
    const more = decodeLines([concat([bytes, trailing])], options);
    assertEquals(more.slice(0, expected(row).length), expected(row));
    if (row.inHeader) assertEquals(more.length, expected(row).length);

    if (row.inHeader && row.visibleAt !== undefined) {
      assertEquals(decodeLines([bytes.subarray(0, row.visibleAt)], options), expected(row));
    }
  });
}
