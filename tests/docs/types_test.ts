import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { root } from "../architecture/source.ts";
import { allBlocks, type Block, placeOf } from "./blocks.ts";
import { closeWorkshop, entryPoints, openWorkshop } from "./workshop.ts";
import { slowdown } from "../support/patience.ts";

const run = promisify(execFile);

/** Stricter is not kinder: a reader who pastes a block has options of his own, and these are the usual ones. */
const compilerOptions = {
  target: "es2024",
  lib: ["es2024", "esnext.disposable", "esnext.collection"],
  types: ["node"],
  module: "nodenext",
  moduleResolution: "nodenext",
  strict: true,
  allowJs: true,
  checkJs: true,
  allowImportingTsExtensions: true,
  skipLibCheck: true,
  noEmit: true,
  paths: Object.fromEntries([...entryPoints].map(([specifier, file]) => [specifier, [file]])),
};

/** Runs a checker; returns what it complains of, nothing if it does not. */
async function complaintsOf(program: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    await run(program, args, {
      cwd,
      env: { ...process.env, NO_COLOR: "1" },
      timeout: Math.ceil(60_000 * slowdown()),
    });
    return "";
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return stdout + stderr || String(error);
  }
}

/** Names a block's file after its place, so that a complaint says where to look. */
function fileFor(block: Block): string {
  return `${placeOf(block).replaceAll(/[/:]/g, "_")}.${block.file.split(".").at(-1) || block.language}`;
}

const code = allBlocks().filter(({ language }) => language === "ts" || language === "js");
/** What names a global of another runtime: Deno checks its own, Bun's has no checker. */
const isForDeno = ({ text }: Block) => /\bDeno\./.test(text);
const isForBun = ({ text }: Block) => /\bBun\./.test(text);
const rest = code.filter((block) => !isForDeno(block) && !isForBun(block));

/** Whether a block has types of its own; JavaScript cannot say what its parameters are. */
const isTyped = ({ language }: Block) => language === "ts";
const untyped = { noImplicitAny: false, strictNullChecks: false };

/** Checks blocks of one language, with or without what fragments take for granted; returns the complaints. */
async function checkAll(blocks: readonly Block[], { given }: { given: boolean }): Promise<string> {
  const folder = openWorkshop();
  try {
    const own = blocks.map(fileFor);
    // A module of its own each, whether it imports something or not.
    for (const [i, block] of blocks.entries()) {
      writeFileSync(join(folder, own[i]!), `${block.text}export {};\n`);
    }
    if (given) copyFileSync(join(root, "tests/docs/given.d.ts"), join(folder, "given.d.ts"));
    const files = given ? ["given.d.ts", ...own] : own;
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    const options = { ...compilerOptions, ...!blocks.every(isTyped) && untyped };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files }));
    return await complaintsOf("tsc", ["--project", folder, "--pretty", "false"], folder);
  } finally {
    closeWorkshop(folder);
  }
}

test("docs: there are blocks to check", () => {
  assert(code.length > 50, `there are ${code.length}`);
  assert(code.some(isForDeno) && code.some(isForBun));
});

for (const language of ["ts", "js"]) {
  const own = rest.filter((block) => block.language === language);

  test(`docs: fragments in ${language} have the types that they seem to have`, async () => {
    assertEquals(await checkAll(own.filter(({ file }) => file === ""), { given: true }), "");
  });

  test(`docs: whole scripts in ${language} need nothing that they do not bring`, async () => {
    assertEquals(await checkAll(own.filter(({ file }) => file !== ""), { given: false }), "");
  });
}

test("docs: a fragment that is wrong is found", async () => {
  const wrong = { page: "x.md", line: 3, language: "ts", file: "", text: "await socket.sendd(1);\n" };
  assert((await checkAll([wrong], { given: true })).includes("x.md_3.ts(1,14): error"), "nothing was found");
});

test("docs: what is for Deno has Deno's types", async () => {
  const folder = openWorkshop();
  try {
    const files = code.filter(isForDeno).map((block) => {
      const file = join(folder, fileFor(block));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, block.text);
      return file;
    });
    assertEquals(await complaintsOf("deno", ["check", "-q", "--no-lock", ...files], folder), "");
  } finally {
    closeWorkshop(folder);
  }
});
