import { test } from "node:test";
import { assertEquals, assertMatch } from "#std/assert";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Program } from "../examples/program.ts";
import { BrokerServer } from "../support/brokers.ts";
import { accepts, freePort } from "../support/ports.ts";
import { requires } from "../support/requires.ts";
import type { Runtime } from "../support/runtimes.ts";
import { allBlocks, type Block } from "./blocks.ts";
import { type Play, plays } from "./plays.ts";
import { closeWorkshop, openWorkshop } from "./workshop.ts";
import { pace } from "../support/patience.ts";

const scripts = allBlocks().filter(({ file }) => file !== "");
const ENTRY = /@sluice\/websocket\/(?:node|deno|bun)"/;

/** The port that the documentation listens on, where a broker is, and what listens in their place. */
interface Addresses {
  readonly port: number;
  readonly broker?: BrokerServer;
}

/** Finds a script; where a page has one for each runtime, the right one. */
function findScript(page: string, file: string, runtime: Runtime): Block {
  const found = scripts.filter((script) => script.page === page && script.file === file);
  const own = found.find(({ text }) => text.includes(`@sluice/websocket/${runtime}"`)) ?? found[0];
  if (own === undefined) throw new Error(`${page} has no ${file}`);
  return own;
}

/** Puts a script where a reader would, but for another port, and the import that its runtime needs. */
function place(folder: string, { file, text }: Block, runtime: Runtime, { port, broker }: Addresses): string {
  const path = join(folder, `${port}_${file}`);
  // `attach` is for node:http, whose own entry point runs on all three.
  const entry = text.includes("{ attach }") ? "node" : runtime;
  const own = text
    .replace(ENTRY, `@sluice/websocket/${entry}"`)
    .replaceAll("8080", `${port}`)
    .replace(/(?:redis:\/\/)?localhost:(?:6379|4222)/, broker?.url ?? "$&");
  writeFileSync(path, own);
  return path;
}

/** Waits until something listens. */
async function listening(port: number, program: Program): Promise<void> {
  let over = false;
  program.exited.then(() => over = true);
  while (!over) {
    if (await accepts(port)) return;
    await sleep(50);
  }
  throw new Error(`The script ended before it listened: ${program.output}`);
}

async function perform(play: Play, runtime: Runtime, start: (file: string, addresses: Addresses) => Program) {
  const broker = play.broker && await BrokerServer.start(play.broker);
  const addresses = { port: await freePort(), ...broker && { broker } };
  const programs: Program[] = [];
  const run = async (file: string, at: Addresses, { listens }: { listens: boolean }) => {
    const program = start(file, at);
    programs.push(program);
    if (listens) await listening(at.port, program);
    return program;
  };
  try {
    if (play.beside !== undefined) await run(play.beside, addresses, { listens: true });
    const program = await run(play.file, addresses, { listens: play.talk !== undefined });
    const other = broker === undefined ? addresses : { broker, port: await freePort() };
    if (broker !== undefined) await run(play.file, other, { listens: true });
    await play.talk?.({ program, port: addresses.port, otherPort: other.port });
    if (play.prints === undefined) return;
    assertEquals(await program.exited, { code: 0, signal: null }, `${runtime}: ${program.output}`);
    assertMatch(program.output, play.prints);
  } finally {
    for (const program of programs) await program.stop("SIGKILL");
    await broker?.stop();
  }
}

for (const play of plays) {
  for (const runtime of play.on) {
    const options = play.broker === undefined ? {} : requires(`${play.broker}-server`);
    test(
      `docs: ${play.page}, ${play.file} on ${runtime}`,
      { timeout: 40_000 * pace(), ...options },
      async () => {
        const folder = openWorkshop();
        try {
          await perform(play, runtime, (file, addresses) => {
            const script = findScript(play.page, file, runtime);
            return new Program(runtime, place(folder, script, runtime, addresses), []);
          });
        } finally {
          closeWorkshop(folder);
        }
      },
    );
  }
}

test("docs: every whole script is run", () => {
  const run = plays.map(({ page, file }) => `${page} ${file}`);
  const written = scripts.map(({ page, file }) => `${page} ${file}`);
  assertEquals([...new Set(run)].sort(), [...new Set(written)].sort());
});
