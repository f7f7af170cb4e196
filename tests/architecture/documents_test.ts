import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./source.ts";

for (const name of ["docs/hostile_peers.md", "SECURITY.md"]) {
  test(`the files that ${name} names are there`, () => {
    const text = readFileSync(join(root, name), "utf8");
    const named = text.match(/\b(?:tests|docs)\/[\w/]*(?:\.\w+)?/g) ?? [];
    assert(named.length > 0, "it names none");
    assertEquals(named.filter((path) => !existsSync(join(root, path))), []);
  });
}
