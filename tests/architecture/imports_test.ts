/**
 * Who may import whom.
 *
 * @module
 */
import { assert, assertEquals } from "#std/assert";
import { test } from "node:test";
import { type Import, parse, readSources, type Source } from "./source.ts";

interface Row {
  /** A folder, or a file. */
  readonly of: string;
  /** Where its imports may lead besides its own folder. */
  readonly may: readonly RegExp[];
  /** Where only types, or the names given, may come from. */
  readonly typesOf?: { readonly from: RegExp; readonly except: readonly string[] };
  /** An import that the row forbids. */
  readonly breach: string;
}

const options = /^lib\/options\//;
const errors = /^lib\/errors\.ts$/;
const protocol = /^lib\/protocol\//;
const handshake = /^lib\/handshake\//;
const streams = /^lib\/streams\//;
const connection = /^lib\/connection\//;
const server = /^lib\/server\//;

const table: readonly Row[] = [
  {
    of: "lib/errors.ts",
    may: [/^lib\/protocol\/interface_close\.ts$/],
    breach: `import { a } from "./protocol/frame.ts";`,
  },
  { of: "lib/options/", may: [], breach: `import { a } from "../errors.ts";` },
  { of: "lib/protocol/", may: [errors, options], breach: `import { a } from "../handshake/accept_key.ts";` },
  {
    of: "lib/handshake/",
    may: [errors, options],
    typesOf: { from: protocol, except: [] },
    breach: `import { a } from "../protocol/frame.ts";`,
  },
  {
    of: "lib/streams/",
    may: [errors, options, protocol],
    breach: `import { a } from "../connection/transport.ts";`,
  },
  {
    of: "lib/connection/",
    may: [errors, options, protocol, handshake, streams],
    breach: `import { a } from "../server/session.ts";`,
  },
  {
    of: "lib/server/",
    may: [errors, options, handshake, connection],
    breach: `import { a } from "../protocol/frame.ts";`,
  },
  {
    of: "lib/adapters/",
    may: [errors, options, protocol, handshake, streams, connection, server, /^node:/],
    breach: `import { a } from "../groups/group.ts";`,
  },
  {
    of: "lib/groups/",
    may: [options, /^lib\/adapters\/node_buffer\.ts$/],
    typesOf: { from: connection, except: ["prepare", "queueTask"] },
    breach: `import { prepare, connectStream } from "../connection/mod.ts";`,
  },
  {
    of: "lib/core.ts",
    may: [errors, protocol, handshake],
    breach: `export { acceptStream } from "./connection/accept.ts";`,
  },
  {
    of: "mod.ts",
    may: [errors, protocol, handshake, streams, connection, server],
    breach: `export { serve } from "./lib/adapters/node.ts";`,
  },
];

const sources = readSources();

for (const row of table) {
  test(`imports of ${row.of}`, () => {
    const path = row.of.endsWith("/") ? `${row.of}x.ts` : row.of;
    assertEquals(breaches(row, parse(path, row.breach)).length, 1, "the row forbids nothing");
    assertEquals(sources.filter(({ path }) => path.startsWith(row.of)).flatMap((s) => breaches(row, s)), []);
  });
}

test("imports: every source file has its row", () => {
  assert(sources.length > 0);
  assertEquals(
    sources.map(({ path }) => path).filter((path) => !table.some(({ of }) => path.startsWith(of))),
    [],
  );
});

test("imports: an adapter uses its own runtime's adapters, and what all share", () => {
  // node_net: Deno has its TLS from there.
  const shared = [
    "zlib/codec",
    "zlib/deflater",
    "zlib/inflater",
    "zlib/stream",
    "sha1",
    "turn",
    "callers",
    "node_net",
  ];
  const foreign = ({ path, imports }: Source) =>
    path.startsWith("lib/adapters/")
      ? imports.filter(({ target }) => {
        const name = /^lib\/adapters\/(.+)\.ts$/.exec(target)?.[1];
        return name !== undefined && !shared.includes(name) &&
          familyOf(name) !== familyOf(path.slice("lib/adapters/".length, -".ts".length));
      }).map((line) => describe(path, line))
      : [];
  assertEquals(foreign(parse("lib/adapters/bun.ts", `import { a } from "./node_upgrade.ts";`)).length, 1);
  assertEquals(foreign(parse("lib/adapters/node.ts", `import { a } from "./node_upgrade.ts";`)), []);
  assertEquals(sources.flatMap(foreign), []);
});

test("imports: a relative one ends in .ts", () => {
  const bare = ({ path, imports }: Source) =>
    imports.filter(({ specifier }) => specifier.startsWith(".") && !specifier.endsWith(".ts"))
      .map((line) => describe(path, line));
  assertEquals(bare(parse("lib/x.ts", `import { a } from "./a"; import "./b.js";`)).length, 2);
  assertEquals(sources.flatMap(bare), []);
});

function breaches({ of, may, typesOf }: Row, { path, imports }: Source): string[] {
  const allowed = (line: Import) =>
    (of.endsWith("/") && line.target.startsWith(of)) ||
    may.some((pattern) => pattern.test(line.target)) ||
    (typesOf?.from.test(line.target) &&
      (line.typeOnly ||
        (line.names.length > 0 && line.names.every((name) => typesOf.except.includes(name)))));
  return imports.filter((line) => !allowed(line)).map((line) => describe(path, line));
}

function describe(path: string, { specifier, typeOnly }: Import): string {
  return `${path} imports ${typeOnly ? "types of " : ""}${specifier}`;
}

/** The runtime in an adapter's file name: that of `node_upgrade` is `node`. */
function familyOf(name: string): string {
  return name.split("_")[0]!;
}
