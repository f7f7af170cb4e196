/**
 * Skips, by name and with the reason, what needs programs that npm does not bring.
 *
 * @module
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";

/** The programs that tests may need: where Debian has them. */
const PACKAGES = {
  "chromium": "chromium",
  "redis-server": "redis-server",
  "nats-server": "nats-server",
  "openssl": "openssl",
} as const;

/** A program that a test may need. */
export type Program = keyof typeof PACKAGES;

/**
 * Makes the options of a test that needs a program: `test("…", requires("chromium"), () => …)`.
 *
 * @param program The name of the executable.
 */
export function requires(program: Program): { skip: false | string } {
  if (findProgram(program) !== undefined) return { skip: false };
  return { skip: `${program} is not installed (Debian package ${PACKAGES[program]})` };
}

/** Finds a program in `PATH`; `undefined` if it is not there. */
export function findProgram(program: Program): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
