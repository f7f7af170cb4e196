import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { root } from "./source.ts";

for (const name of ["docs/hostile_peers.md", "SECURITY.md"]) {
  test(`the files that ${name} names are there`, () => {
    const text = readFileSync(join(root, name), "utf8");
    const named = text.match(/\b(?:tests|docs)\/[\w/]*(?:\.\w+)?/g) ?? [];
    assert(named.length > 0, "it names none");
    assertEquals(named.filter((path) => !existsSync(join(root, path))), []);
  });
}

for (const name of ["ARCHITECTURE.md", "docs/tour.md"]) {
  test(`the source files that ${name} names are there`, () => {
    const sources = new Set(globSync("{lib/**/*,*}.ts", { cwd: root }).map((path) => basename(path)));
    const text = readFileSync(join(root, name), "utf8");
    const named = [...text.matchAll(/`(?:\w+\/)*(\w+\.ts)`/g)].map(([, file]) => file!);
    assert(named.length > 10, `it names ${named.length}`);
    assertEquals(named.filter((file) => !sources.has(file)), []);
  });
}

test("ARCHITECTURE.md names every method of a transport, and counts them right", () => {
  const COUNTS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"];
  const source = readFileSync(join(root, "lib/connection/transport.ts"), "utf8");
  const methods = [...source.matchAll(/^ {2}(\w+)\(.*\): [^;]+;$/gm)].map(([, name]) => name!);
  const text = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");
  const count = /a contract of (\w+) methods/.exec(text)?.[1] ?? "";
  assertEquals(COUNTS.indexOf(count) + 10, methods.length);
  const section = text.slice(text.indexOf("## `Transport`"), text.indexOf("## Adapters"));
  assertEquals(methods.filter((name) => !section.includes(`\`${name}\``)), []);
});
