/**
 * The code blocks of the documentation.
 *
 * @module
 */

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../architecture/source.ts";

/** A block between fences. */
export interface Block {
  /** The page, as a path from the root. */
  readonly page: string;
  /** The number of its first line. */
  readonly line: number;
  /** What the fence says first: `ts`, `sh`. */
  readonly language: string;
  /** What the fence says second: the name of the file that the block is, whole; empty for a fragment. */
  readonly file: string;
  readonly text: string;
}

const FENCE = /^( *)```(\w*) ?(\S*)\n([^]*?)^\1```$/gm; // in a list it is indented

/** Finds the blocks of a page. */
export function findBlocks(page: string, text: string): Block[] {
  return [...text.matchAll(FENCE)].map((match) => {
    const [, indent = "", language = "", file = "", code = ""] = match;
    const line = text.slice(0, match.index).split("\n").length + 1;
    return { page, line, language, file, text: code.replaceAll(new RegExp(`^${indent}`, "gm"), "") };
  });
}

/** Lists the pages that a reader is sent to, as paths from the root. */
export function listPages(): string[] {
  return ["README.md", "SECURITY.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "bench/README.md"].concat(
    globSync("docs/*.md", { cwd: root }).sort(),
  );
}

/** Reads a page. */
export function readPage(page: string): string {
  return readFileSync(join(root, page), "utf8");
}

/** Finds the blocks of all pages. */
export function allBlocks(): Block[] {
  return listPages().flatMap((page) => findBlocks(page, readPage(page)));
}

/** Says where a block is, for the message of a test. */
export function placeOf({ page, line }: Block): string {
  return `${page}:${line}`;
}
