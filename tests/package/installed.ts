/**
 * The npm package as a user gets it: packed, and installed into an empty folder.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { root } from "../architecture/source.ts";

/** What `npm pack` tells. */
export interface Packed {
  /** The bytes of the tarball. */
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/** A package that is installed in a folder of its own. */
export interface Installed extends Packed {
  /** The tarball. */
  readonly tarball: string;
  /** A user's folder, with the package in its `node_modules` and the programs of `consumer/` beside. */
  readonly folder: string;
}

/** Builds the package, packs it and installs it, without the network; all of it is gone when the process ends. */
export function installPackage(): Installed {
  const folder = mkdtempSync(join(tmpdir(), "sluice-package-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  // The build writes to stdout as well; what npm tells comes last.
  const told = npm(root, "pack", "--json", "--silent", "--pack-destination", folder);
  const [packed] = JSON.parse(told.slice(told.search(/^\[$/m))) as [Packed & { filename: string }];
  const tarball = join(folder, packed.filename);
  writeFileSync(join(folder, "package.json"), `{ "type": "module", "private": true }`);
  npm(folder, "install", "--offline", "--no-audit", "--no-fund", tarball);
  cpSync(join(import.meta.dirname, "consumer"), folder, { recursive: true });
  return { ...packed, tarball, folder };
}

/** Adds a module that the project itself has to what a user has installed. */
export function addModule(folder: string, name: string): void {
  cpSync(join(root, "node_modules", name), join(folder, "node_modules", name), { recursive: true });
}

/** Runs npm, and returns what it writes. */
export function npm(cwd: string, ...args: string[]): string {
  return execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
