/**
 * What the code may name, and how files are named and sized.
 *
 * Each rule brings a file that breaks it: a rule that finds nothing there is itself at fault.
 *
 * @module
 */
import { assert, assertEquals } from "#std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse, readSources, root, type Source } from "./source.ts";

interface Rule {
  readonly name: string;
  /** Which files it holds for; all unless given. */
  readonly files?: (path: string) => boolean;
  /** What is wrong with a file. */
  readonly find: (source: Source) => readonly string[];
  /** A file that breaks the rule: its path, and its text. */
  readonly broken: readonly [path: string, text: string];
}

const isAdapter = (path: string): boolean => path.startsWith("lib/adapters/");

const rules: readonly Rule[] = [
  {
    name: "only adapters name a runtime",
    files: (path) => !isAdapter(path),
    find: runtimesIn,
    broken: ["lib/server/x.ts", `globalThis.Deno.exit();`],
  },
  {
    name: "an adapter names no runtime but its own",
    files: isAdapter,
    find: (source) => {
      const own = /^lib\/adapters\/([a-z]+)/.exec(source.path)![1]!.replace(
        /^(?:zlib|sha|callers)$/,
        "node",
      );
      const foreign = runtimesIn(source).filter((name) => name !== own);
      return foreign.map((name) => `names ${name}, not ${own}`);
    },
    broken: ["lib/adapters/deno_x.ts", `import { Socket } from "node:net"; Deno.listen({ port: 0 });`],
  },
  {
    name: "the core is synchronous and knows no stream",
    files: (path) => path.startsWith("lib/protocol/"),
    find: (source) =>
      words(source, /Promise\w*|async|await|set(?:Timeout|Interval|Immediate)|queueMicrotask|\w*Stream/),
    broken: ["lib/protocol/x.ts", `export async function f(): Promise<void> {}`],
  },
  {
    name: "no console but in the default onError",
    files: (path) => path !== "lib/server/default_on_error.ts",
    find: (source) => words(source, /console/),
    broken: ["lib/server/x.ts", `console.log("Deno");`],
  },
  {
    name: "bytes are copied by copyBytes, not by slice, which of a Buffer makes a view",
    files: (path) => path !== "lib/protocol/bytes.ts",
    find: ({ code }) =>
      /\b(?:Uint8Array|Bytes)\b/.test(code)
        ? code.match(/[\w#.[\]]+(?<!\btext|\bhostname|keys\[i\])!?\.slice\(/g) ?? []
        : [],
    broken: [
      "lib/protocol/x.ts",
      `export const f = (a: Uint8Array, text: string) => [text.slice(1), a.slice()];`,
    ],
  },
  { name: "no any", find: (source) => words(source, /any/), broken: ["lib/x.ts", `let a: any;`] },
  { name: "no enum", find: (source) => words(source, /enum/), broken: ["lib/x.ts", `const enum A { B }`] },
  {
    name: "no default export",
    find: ({ code }) => code.match(/\bexport\s+default\b|\bas\s+default\b/g) ?? [],
    broken: ["lib/x.ts", `export default 1;`],
  },
  {
    name: "no Math.random",
    find: ({ code }) => code.match(/\bMath\s*\.\s*random\b/g) ?? [],
    broken: ["lib/x.ts", `Math.random();`],
  },
  {
    name: "mod.ts and core.ts only export what others define",
    files: (path) => path === "mod.ts" || path === "lib/core.ts",
    find: ({ code }) => {
      const rest = code.replace(/\bexport\s+(?:type\s+)?(?:\*|\{[^}]*\})\s+from\s+"\d+";/g, "").trim();
      return rest === "" ? [] : [rest];
    },
    broken: ["mod.ts", `export { a } from "./lib/a.ts"; export const b = 1;`],
  },
  {
    name: "a file has 400 lines of code at most, an adapter 200",
    find: ({ path, code }) => {
      const lines = code.split("\n").filter((line) => line.trim() !== "").length;
      return lines <= (isAdapter(path) ? 200 : 400) ? [] : [`${lines} lines`];
    },
    broken: ["lib/adapters/node.ts", "a;\n".repeat(201)],
  },
  {
    name: "names are snake_case, and none is utils",
    find: ({ path }) =>
      path.replace(/\.ts$/, "").split("/").filter((name) =>
        !/^[a-z0-9]+(?:_[a-z0-9]+)*$/.test(name) || name === "utils"
      ),
    broken: ["lib/utils.ts", ""],
  },
];

const sources = readSources();

for (const { name, files = () => true, find, broken } of rules) {
  test(`rule: ${name}`, () => {
    assert(files(broken[0]) && find(parse(...broken)).length > 0, "the rule does not find its own breach");
    const found = sources.filter(({ path }) => files(path)).flatMap((source) =>
      find(source).map((what) => `${source.path}: ${what}`)
    );
    assertEquals(found, []);
  });
}

test("rule: lib/ holds its known folders, core.ts and errors.ts", () => {
  const known = [
    "adapters",
    "connection",
    "core.ts",
    "errors.ts",
    "groups",
    "handshake",
    "options",
    "protocol",
    "server",
    "streams",
  ];
  assertEquals(readdirSync(join(root, "lib")).filter((name) => !known.includes(name)), []);
});

test("rule: package.json and deno.json agree on name and version", () => {
  const [npm, jsr] = ["package.json", "deno.json"].map((file) => {
    const { name, version } = JSON.parse(readFileSync(join(root, file), "utf8")) as Record<string, unknown>;
    return { name, version };
  });
  assertEquals(npm, jsr);
});

/** The identifiers of a file that a pattern matches whole; those behind a dot are members, and count only of `globalThis`. */
function words({ code }: Source, pattern: RegExp): string[] {
  const whole = new RegExp(
    `(?:\\bglobalThis\\.|(?<![.\\w$#])|(?<=\\.{3}))(?:${pattern.source})(?![\\w$])`,
    "g",
  );
  return [...new Set(code.match(whole) ?? [])];
}

/** The runtimes that a file names, by their globals or their modules. */
function runtimesIn(source: Source): string[] {
  const names = (pattern: RegExp, module: RegExp) =>
    words(source, pattern).length > 0 || source.strings.some((string) => module.test(string));
  return [
    ...(names(/Buffer|process|NodeJS/, /^node:/) ? ["node"] : []),
    ...(names(/Deno/, /^deno:/) ? ["deno"] : []),
    ...(names(/Bun/, /^bun(?::|$)/) ? ["bun"] : []),
  ];
}
