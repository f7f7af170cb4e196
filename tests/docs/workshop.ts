/**
 * A folder as a reader has it: the package is installed, and is the sources.
 *
 * @module
 */

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root } from "../architecture/source.ts";

const { name, exports } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8")) as {
  name: string;
  exports: Readonly<Record<string, string>>;
};

/** The name of the package. */
export const packageName: string = name;

/** What can be imported, by specifier, and the source file that it is. */
export const entryPoints: ReadonlyMap<string, string> = new Map(
  Object.entries(exports).map(([subpath, file]) => [name + subpath.slice(1), join(root, file)]),
);

/** Makes such a folder in the system's place for what does not last; returns its path. */
export function openWorkshop(): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-docs-"));
  const modules = join(folder, "node_modules");
  const installed = join(modules, name);
  mkdirSync(installed, { recursive: true });
  // Node takes types away only from what does not lie in node_modules, which is why the sources are linked to.
  for (const part of ["mod.ts", "lib"]) symlinkSync(join(root, part), join(installed, part));
  writeFileSync(join(installed, "package.json"), JSON.stringify({ name, type: "module", exports }));
  for (const module of readdirSync(join(root, "node_modules"))) {
    if (module !== dirname(name)) symlinkSync(join(root, "node_modules", module), join(modules, module));
  }
  const imports = Object.fromEntries(entryPoints);
  writeFileSync(join(folder, "deno.json"), JSON.stringify({ imports, nodeModulesDir: "manual" }));
  return folder;
}

/** Removes it. */
export function closeWorkshop(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
