import { assertEquals } from "#std/assert";
import { test } from "node:test";
import { parse, strip } from "./source.ts";

const rows: { name: string; text: string; code: string; strings?: string[] }[] = [
  { name: "a line comment goes", text: "a; // Deno\nb;", code: "a;  \nb;" },
  { name: "a block comment goes", text: "a; /* Deno\n * Bun */ b;", code: "a; \n b;" },
  {
    name: "a string is set aside",
    text: `f("// no", 'it"s');`,
    code: 'f("0", "1");',
    strings: ["// no", 'it"s'],
  },
  { name: "an escaped quote ends no string", text: `"a\\"b" + c`, code: '"0" + c', strings: [`a\\"b`] },
  { name: "a quote in a comment begins no string", text: "// don't\nDeno;", code: " \nDeno;" },
  { name: "a template is set aside", text: "`Deno // x`;", code: '"0";', strings: ["Deno // x"] },
  {
    name: "the code in a template stays",
    text: "`a ${f({ b: `${Deno}` })} c` + d",
    code: '"0"${f({ b: "1"${Deno}"2" })}"3" + d',
    strings: ["a ", "", "", " c"],
  },
  {
    name: "a regular expression is set aside",
    text: "x = /[/\"]'/g; y",
    code: 'x = "0"; y',
    strings: ["/[/\"]'/g"],
  },
  { name: "a division is none", text: "a / b; c / d", code: "a / b; c / d" },
];

for (const { name, text, code, strings = [] } of rows) {
  test(`stripper: ${name}`, () => assertEquals(strip(text), { code, strings }));
}

test("imports: every form is read, and what only looks like one is not", () => {
  const { imports } = parse(
    "lib/server/x.ts",
    `import { a, type B } from "./a.ts";
     import type { C } from "../connection/c.ts";
     import * as d from "node:d";
     import "./e.ts";
     export * from "./f.ts";
     export type { G } from "./g.ts";
     const h = await import("./h.ts");
     // import "./no.ts";
     export const i = Array.from("no"), j = 'import "./no.ts"';`,
  );
  assertEquals(imports.map(({ target, typeOnly }) => `${target}${typeOnly ? " type" : ""}`), [
    "lib/server/a.ts",
    "lib/connection/c.ts type",
    "node:d",
    "lib/server/e.ts",
    "lib/server/f.ts",
    "lib/server/g.ts type",
    "lib/server/h.ts",
  ]);
  assertEquals(imports[0]?.names, ["a", "type B"]);
});
