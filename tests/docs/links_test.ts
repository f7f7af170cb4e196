import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { root } from "../architecture/source.ts";
import { listPages, readPage } from "./blocks.ts";

const LINK = /\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g;

/** Takes code blocks out: what looks like a link in them is none. */
function proseOf(page: string): string {
  return readPage(page).replaceAll(/^( *)```[^]*?^\1```$/gm, "");
}

/** The names under which a page's headings can be linked to. */
function anchorsOf(page: string): Set<string> {
  const headings = [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!);
  return new Set(
    headings.map((heading) =>
      heading.toLowerCase().replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll(/[^\w\- ]/g, "").replaceAll(
        " ",
        "-",
      )
    ),
  );
}

/** Says what is wrong with a link on a page; empty if nothing is. */
function faultOf(link: string, page: string): string {
  if (/^https:/.test(link)) return "";
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : posix.join(posix.dirname(page), path);
  if (!existsSync(join(root, target))) return `${page}: there is no ${target}`;
  return anchor === undefined || anchorsOf(target).has(anchor) ? "" : `${page}: ${target} has no #${anchor}`;
}

test("docs: links lead somewhere", () => {
  const faults = listPages().flatMap((page) =>
    [...proseOf(page).matchAll(LINK)].map(([, link, source]) => faultOf(link ?? source!, page))
  );
  assert(faults.length > 80, `there are ${faults.length} links`);
  assertEquals(faults.filter((fault) => fault !== ""), []);
});

test("docs: links that are wrong are found", () => {
  for (const link of ["docs/nothing.md", "#nothing", "docs/groups.md#nothing", "lib/nothing.ts"]) {
    assert(faultOf(link, "README.md") !== "", link);
  }
});

test("docs: the README leads to every guide", () => {
  const readme = readPage("README.md");
  const guides = globSync("docs/*.md", { cwd: root });
  assertEquals(guides.filter((guide) => !readme.includes(`](${guide})`)), []);
});

test("docs: the tour names functions that there are", () => {
  const sources = globSync("lib/**/*.ts", { cwd: root }).map((file) =>
    readFileSync(join(root, file), "utf8")
  );
  const all = sources.join("\n");
  const named = [...proseOf("docs/tour.md").matchAll(/`(\w+)\(\)`/g)].map(([, name]) => name!);
  assert(named.length > 15, `there are ${named.length}`);
  assertEquals(named.filter((name) => !all.includes(` ${name}(`)), []);
});
