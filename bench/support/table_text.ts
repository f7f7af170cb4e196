/**
 * Tables as Markdown, aligned so that they read well in a terminal too.
 *
 * @module
 */

import { type Check, isKept, type Table } from "./report.ts";

/** Writes a number with the three or four digits that count. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) {
    return Math.round(size >= 10_000 ? Number(value.toPrecision(3)) : value).toLocaleString("en");
  }
  return value.toFixed(size >= 10 ? 1 : 2);
}

/** Writes a table. */
export function tableText({ rows }: Table): string {
  if (rows.length === 0) return "";
  const names = Object.keys(rows[0]!);
  const numeric = names.map((name) => rows.every((row) => typeof row[name] !== "string"));
  const cells = [
    names,
    ...rows.map((row) =>
      names.map((name) => typeof row[name] === "number" ? formatNumber(row[name]) : row[name] ?? "")
    ),
  ];
  const widths = names.map((_, i) => Math.max(3, ...cells.map((row) => row[i]!.length)));
  const lines = cells.map((row) =>
    row.map((cell, i) => numeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))
  );
  const rule = widths.map((width, i) => numeric[i] ? `${"-".repeat(width - 1)}:` : "-".repeat(width));
  return [lines[0]!, rule, ...lines.slice(1)].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** Lists the bounds that were not kept; says how many were. */
export function checksText(checks: readonly Check[]): string {
  const broken = checks.filter((check) => !isKept(check));
  const lines = broken.map(({ what, value, bound, limit }) =>
    `- ${what}: ${formatNumber(value)}, should be ${bound} ${formatNumber(limit)}`
  );
  return [`${checks.length - broken.length} of ${checks.length} bounds kept`, ...lines].join("\n");
}
