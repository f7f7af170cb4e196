/**
 * Skips, by name and with the reason, what needs programs or modules that npm does not bring.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { commandFor } from "./runtimes.ts";

/** The programs that tests may need: where Debian has them. */
const PACKAGES = {
  "chromium": "chromium",
  "redis-server": "redis-server",
  "nats-server": "nats-server",
  "openssl": "openssl",
  "nginx": "nginx-light",
  "haproxy": "haproxy",
  "caddy": "caddy",
  "apache2": "apache2",
} as const;

/** A program that a test may need. */
export type Program = keyof typeof PACKAGES;

/** The modules of Debian's Python that tests may need, by their packages: the names to import. */
const MODULES = {
  "python3-websockets": "websockets",
} as const;

/** A module of Python that a test may need. */
export type Module = keyof typeof MODULES;

/**
 * Makes the options of a test that needs a program: `test("…", requires("chromium"), () => …)`.
 *
 * @param what The name of the executable, or the package of a module.
 */
export function requires(what: Program | Module): { skip: false | string } {
  if (what in MODULES) {
    const module = what as Module;
    if (hasModule(module)) return { skip: false };
    return { skip: `Python's ${MODULES[module]} is not installed (Debian package ${module})` };
  }
  const program = what as Program;
  if (findProgram(program) !== undefined) return { skip: false };
  return { skip: `${program} is not installed (Debian package ${PACKAGES[program]})` };
}

function hasModule(module: Module): boolean {
  const [python, args] = commandFor("python", "-c", [`import ${MODULES[module]}`]);
  try {
    execFileSync(python, args, { stdio: "ignore", timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}

/** Finds a program in `PATH`, or where Debian puts servers; `undefined` if it is not there. */
export function findProgram(program: Program): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return [...folders, "/usr/sbin"].map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
