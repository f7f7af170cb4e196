import { test } from "node:test";
import { assert, assertEquals } from "#std/assert";
import { globSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { root } from "../architecture/source.ts";

const folder = join(root, "docs/images");
const images = readdirSync(folder).sort();

test("docs: each page of the demo is shown wide and narrow, light and dark", () => {
  const pages = globSync("examples/demo/public/*.html", { cwd: root }).map((file) => basename(file, ".html"));
  const expected = pages.map((page) => page === "index" ? "start" : page).flatMap((page) =>
    ["1280-dark", "1280-light", "390-dark", "390-light"].map((kind) => `${page}-${kind}.png`)
  );
  assertEquals(images, expected.sort());
});

test("docs: pictures are as wide as they say, and small", () => {
  let total = 0;
  for (const image of images) {
    const bytes = readFileSync(join(folder, image));
    assertEquals(bytes.toString("latin1", 1, 4), "PNG", image);
    assertEquals(`${bytes.readUInt32BE(16)}`, image.split("-")[1], image);
    total += bytes.length;
  }
  assert(total < 2_500_000, `they have ${total} bytes`);
});

test("docs: drawings can be read in the dark", () => {
  const drawings = globSync("docs/*.svg", { cwd: root });
  assert(drawings.length > 0);
  for (const drawing of drawings) {
    assert(readFileSync(join(root, drawing), "utf8").includes("prefers-color-scheme: dark"), drawing);
  }
});
