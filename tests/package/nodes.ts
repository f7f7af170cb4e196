/**
 * The older versions of Node that the package is for; npm brings them, the first time that a test asks.
 *
 * They are no dev dependencies: packages with a program called `node` would be in each other's way in
 * `node_modules/.bin`, and each is 120 MB that most do not need.
 *
 * @module
 */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../architecture/source.ts";
import { npm } from "./installed.ts";

/** The first that the package claims to run on, and the last of each major version. */
export const OLDER_NODES: readonly string[] = ["22.0.0", "22.23.3", "24.21.0"];

/** Returns the path of a version's executable. */
export function fetchNode(version: string): string {
  const folder = join(root, "node_modules/.cache/sluice", `node-${version}`);
  const program = join(folder, "node_modules/node/bin/node");
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    npm(folder, "install", "--prefix", folder, "--no-save", "--no-audit", "--no-fund", `node@${version}`);
  }
  return program;
}
