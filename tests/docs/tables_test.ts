import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { readLimits } from "../../lib/connection/limits.ts";
import { readGroupsOptions } from "../../lib/groups/groups_options.ts";
import { readHistoryOptions } from "../../lib/groups/history_options.ts";
import { readCompression } from "../../lib/handshake/deflate_negotiation.ts";
import { readServeOptions, serveTable } from "../../lib/server/serve_options.ts";
import { readPage } from "./blocks.ts";

const UNITS: Readonly<Record<string, number>> = { "": 1, "KiB": 1_024, "MiB": 1_048_576, "s": 1_000 };

/** Reads what a table says is the default of an option: bytes, milliseconds, or just a number. */
function defaultIn(page: string, option: string): number | undefined {
  const row = readPage(page).split("\n").find((line) => line.startsWith(`| \`${option}\``));
  const [, , cell = ""] = row?.split("|").map((text) => text.trim()) ?? [];
  if (cell === "`Infinity`" || cell === "none") return Infinity;
  const [, digits, unit = ""] = /^([\d,]+) ?(\w*)$/.exec(cell) ?? [];
  return digits === undefined ? undefined : Number(digits.replaceAll(",", "")) * UNITS[unit]!;
}

test("docs: the README's limits are those of the code", () => {
  const { keepalive, ...limits } = readLimits({});
  assert(keepalive !== false);
  const { maxBodySize, maxConnections } = readServeOptions({}, {});
  const all = Object.entries({
    ...limits,
    "keepalive.interval": keepalive.interval,
    "keepalive.timeout": keepalive.timeout,
    maxBodySize,
    maxConnections,
  });
  const told = all.map(([name]) => [name, defaultIn("README.md", name)]);
  assertEquals(told, all);
});

test("docs: the guides' defaults are those of the code", () => {
  const limits = { ...readLimits({}), ...readServeOptions({}, {}) };
  for (const name of ["highWaterMark", "maxMessageSize", "maxConnections"] as const) {
    assertEquals(defaultIn("docs/backpressure.md", name), limits[name], name);
  }
  const compression = readCompression(true)!;
  for (const name of ["windowBits", "memLevel", "level", "threshold"] as const) {
    assertEquals(defaultIn("docs/compression.md", name), compression[name], name);
  }
  assertEquals(readGroupsOptions({}).maxBuffered, 2 * 1_048_576);
  assert(readPage("docs/groups.md").includes("`maxBuffered` bytes (2 MiB)"));
  for (const [name, value] of Object.entries(readHistoryOptions({}, "history"))) {
    assertEquals(defaultIn("docs/groups.md", name), value, name);
  }
});

test("docs: what compression costs is what was measured", () => {
  const rows = (page: string) => readPage(page).split("\n").filter((line) => /^\| (?:yes|no) /.test(line));
  assert(rows("docs/compression.md").length > 5);
  assertEquals(rows("docs/compression.md"), rows("bench/README.md"));
});

test("docs: the README lists every option of serve", () => {
  const rows = readPage("README.md").split("\n").filter((line) => /^\| `[\w.`, ]+` /.test(line));
  const listed = rows.flatMap((row) => row.split("|")[1]!.match(/\w+(?:\.\w+)?/g)!);
  const names = listed.map((name) => name.split(".")[0]!).filter((name) => name in serveTable());
  assertEquals([...new Set(names)].sort(), Object.keys(serveTable()).sort());
});
