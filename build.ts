/**
 * Makes the npm package: JavaScript and declarations in `dist/`, from what `deno.json` exports: `npm run build`.
 *
 * What two entry points share is a chunk of its own, so that a class is the same whichever of them it came through.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { build } from "esbuild";
import jsr from "./deno.json" with { type: "json" };

const root = import.meta.dirname;
const dist = join(root, "dist");
const entryPoints = Object.values(jsr.exports);

/** A relative import or export of a declaration. */
const IMPORTED = /(from |import\()"(\.[^"]*)\.ts"/g;

/** Where the compiler writes all declarations, and those that users can reach are taken from. */
const scratch = join(dist, "declarations");

rmSync(dist, { recursive: true, force: true });
await buildScripts();
buildDeclarations();

/** `await using` and the like are lowered to what Node 22 can parse. */
async function buildScripts(): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints,
    outbase: root,
    outdir: dist,
    chunkNames: "chunks/[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "neutral",
    external: ["node:*"],
    target: "node22",
    sourcemap: true,
  });
}

function buildDeclarations(): void {
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [compiler, "-p", "tsconfig.build.json", "--outDir", scratch], {
    cwd: root,
    stdio: "inherit",
  });
  const seen = new Set<string>();
  for (const path of entryPoints) takeDeclaration(join(scratch, path), seen);
  rmSync(scratch, { recursive: true });
}

/** Takes a source's declaration over, and those of what it imports. */
function takeDeclaration(source: string, seen: Set<string>): void {
  if (seen.has(source)) return;
  seen.add(source);
  const path = source.replace(/\.ts$/, ".d.ts");
  const text = readFileSync(path, "utf8");
  const target = path.replace(scratch, dist);
  mkdirSync(dirname(target), { recursive: true });
  // The compiler leaves the extension of the sources, which only the newest compilers resolve.
  writeFileSync(target, text.replaceAll(IMPORTED, `$1"$2.js"`));
  for (const [, , name] of text.matchAll(IMPORTED)) {
    takeDeclaration(join(dirname(source), `${name}.ts`), seen);
  }
}
