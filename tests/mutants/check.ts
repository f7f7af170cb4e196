/**
 * Holds the table of mutants to the sources, so that it cannot rot in silence.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { connectionMutants } from "./connection.ts";
import { handshakeMutants } from "./handshake.ts";
import type { Mutant } from "./mutant.ts";
import { protocolMutants } from "./protocol.ts";

/** All guards. */
export const mutants: readonly Mutant[] = [...protocolMutants, ...handshakeMutants, ...connectionMutants];

/** Says what is wrong with the table: a text that does not occur once, a test that is not there. */
export function faultsOf(root: string, table: readonly Mutant[] = mutants): string[] {
  const texts = new Map<string, string>();
  const read = (file: string) => {
    const text = texts.get(file) ?? readFileSync(join(root, file), "utf8");
    texts.set(file, text);
    return text;
  };
  const names = new Set<string>();
  return table.flatMap(({ name, file, find, replace, tests }) => {
    const faults: string[] = [];
    const count = read(file).split(find).length - 1;
    if (count !== 1) faults.push(`its text occurs ${count} times`);
    if (find === replace) faults.push("it changes nothing");
    if (names.has(name)) faults.push("its name is taken");
    names.add(name);
    faults.push(
      ...tests.filter((test) => !existsSync(join(root, test))).map((test) => `there is no ${test}`),
    );
    return faults.map((fault) => `${file}: ${name}: ${fault}`);
  });
}
