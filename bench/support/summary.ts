/**
 * The few figures that the project's own README shows.
 *
 * @module
 */

import type { Report, Row } from "./report.ts";
import { type Setting, settingText } from "./setting.ts";
import { tableText } from "./table_text.ts";

/** What is shown of a table: the rows of one load, and the columns of both contestants. */
interface Line {
  readonly what: string;
  readonly part: string;
  /** The cell that the rows begin with; all rows, if there is none. */
  readonly load?: string;
  readonly ours: string;
  readonly theirs: string;
}

const LINES: readonly Line[] = [
  ...[
    ["echo of 64 B, one connection", "1 x 1 x 64 B"],
    ["64 B, 64 connections, one in flight on each", "64 x 1 x 64 B"],
    ["64 B, 64 connections, 16 in flight on each", "64 x 16 x 64 B"],
    ["1 KiB, 16 connections, 16 in flight on each", "16 x 16 x 1 KiB"],
    ["64 KiB, 16 connections, 4 in flight on each", "16 x 4 x 64 KiB"],
  ].map(([what, load]) => ({
    what: `messages/s: ${what}`,
    part: "echo",
    load: load!,
    ours: "Sluice, messages/s",
    theirs: "peer",
  })),
  { what: "handshakes/s", part: "handshakes", ours: "Sluice, handshakes/s", theirs: "peer" },
  { what: "KiB for an idle connection", part: "memory", ours: "Sluice, KiB each", theirs: "peer" },
];

/** Finds the rows of a line: one for each runtime. */
function rowsOf({ part, load }: Line, reports: readonly Report[]): readonly Row[] {
  const rows = reports.find((report) => report.part === part)?.tables[0]?.rows ?? [];
  return load === undefined ? rows : rows.filter((row) => Object.values(row)[0] === load);
}

/** Writes where and when it was measured, and a table of both contestants on each runtime. */
export function summaryMarkdown(setting: Setting, reports: readonly Report[]): string {
  const rows = LINES.map((line) => {
    const cells = rowsOf(line, reports).flatMap((row) => {
      const runtime = String(row["runtime, peer"]).split(",")[0];
      return [[`${runtime}: Sluice`, row[line.ours] ?? null], [
        `${runtime}: its peer`,
        row[line.theirs] ?? null,
      ]];
    });
    return { "": line.what, ...Object.fromEntries(cells) };
  });
  return `${settingText(setting)}\n\n${tableText({ title: "", rows })}`;
}
