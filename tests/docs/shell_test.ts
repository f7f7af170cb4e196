import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../architecture/source.ts";
import { allBlocks, type Block, placeOf } from "./blocks.ts";
import { packageName } from "./workshop.ts";

const blocks = allBlocks();
const { scripts, devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  scripts: Readonly<Record<string, string>>;
  devDependencies: Readonly<Record<string, string>>;
};

/** What npm has without a script of ours. */
const COMMANDS = new Set(["install", "add", "pack"]);

/** Splits a block into commands, each a list of words. Variables in front, comments and what is put behind `--` go. */
function commandsOf({ text }: Block): string[][] {
  return text.replaceAll("\\\n", " ").split("\n").map((line) =>
    line.replace(/(?:^|\s)#.*$/, "").replace(/ -- .*$/, "").trim().split(/\s+/).filter((word) =>
      !/^[A-Z_]+=/.test(word)
    )
  ).filter(([first = ""]) => first !== "");
}

function npmFault([command = "", script = ""]: readonly string[], packages: readonly string[]): string {
  const name = command === "run" ? script : command;
  if (COMMANDS.has(name)) return packageFault(packages);
  return name in scripts ? "" : `there is no npm script ${name}`;
}

/** Names a package that is neither ours nor one that the tests use. */
function packageFault(packages: readonly string[]): string {
  const unknown = packages.find((name) => name !== packageName && !(name in devDependencies));
  return unknown === undefined ? "" : `who is ${unknown}?`;
}

/** A script is in the repository, or a block of the page. */
function fileFault(words: readonly string[], { page }: Block): string {
  const file = words.find((word) => /\.m?[jt]s$/.test(word));
  if (file === undefined) return "it runs no script";
  const own = blocks.some((block) => block.page === page && block.file === file);
  return own || existsSync(join(root, file)) ? "" : `there is no ${file}`;
}

/** Says what is wrong with a command; empty if nothing is. */
function faultOf([program = "", ...words]: readonly string[], block: Block): string {
  switch (program) {
    case "npm":
      return npmFault(words, words.slice(1).filter((word) => !word.startsWith("-")));
    case "deno":
      if (words[0] === "add") return packageFault(words.slice(1).map((name) => name.replace("jsr:", "")));
      return words[0] === "run" ? fileFault(words, block) : `deno ${words[0]} is not known here`;
    case "bun":
      return words[0] === "add" ? packageFault(words.slice(1)) : fileFault(words, block);
    case "node":
      return fileFault(words, block);
    default:
      return `${program} is not known here`;
  }
}

test("docs: commands name scripts, files and packages that there are", () => {
  const shells = blocks.filter(({ language }) => language === "sh");
  assert(shells.length > 8, `there are ${shells.length}`);
  const faults = shells.flatMap((block) =>
    commandsOf(block).map((command) => [faultOf(command, block), placeOf(block), command.join(" ")])
  );
  assertEquals(faults.filter(([fault]) => fault !== ""), []);
});

test("docs: commands that are wrong are found", () => {
  const block = { page: "x.md", line: 1, language: "sh", file: "", text: "" };
  for (
    const wrong of [
      "npm run nothing",
      "npm nothing",
      "node nothing.mjs",
      "npm install slice",
      "bun nothing.ts",
      "rm x",
    ]
  ) {
    assert(faultOf(wrong.split(" "), block) !== "", wrong);
  }
});

test("docs: every block is of a kind that is checked, or no code", () => {
  // Without a word behind the fence it is a drawing.
  const kinds = new Set(["", "ts", "js", "sh", "text", "mermaid"]);
  // Those of this page are run by tests/proxies/.
  const proxies = new Set(["nginx", "haproxy", "caddy", "apache"]);
  const unchecked = blocks.filter(({ language, page }) =>
    !kinds.has(language) && !(page === "docs/behind_proxies.md" && proxies.has(language))
  );
  assertEquals(unchecked.map(placeOf), []);
});
