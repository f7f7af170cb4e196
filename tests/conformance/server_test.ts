import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type RunningServer, runtimes, startServer } from "../support/runtimes.ts";
import { type Case, MAX_MESSAGE_SIZE, titleOf } from "./case.ts";
import { CASES } from "./cases.ts";
import { play } from "./harness.ts";
import { Outcomes } from "./outcomes.ts";
import { Peer } from "./peer.ts";

const SCRIPT = fileURLToPath(new URL("../servers/echo.ts", import.meta.url));

// Nothing may be left to the timeout: a case takes less.
const args = ["--max-message-size", `${MAX_MESSAGE_SIZE}`, "--close-timeout", "600000", "--keepalive", "off"];

/** How many cases are played to one server at the same time. */
const LANES = 2;

const servers: RunningServer[] = [];
const runs = new Map(runtimes.map((runtime) => [runtime, new Outcomes(CASES.length)]));
let over = false;

before(() => {
  for (const [runtime, outcomes] of runs) {
    startServer(runtime, SCRIPT, args).then((server) => {
      servers.push(server);
      return playAll(Number(new URL(server.url).port), outcomes);
    }).catch((error) => outcomes.abandon(`${error}`));
  }
});

after(() => {
  over = true;
  return Promise.all(servers.map((server) => server.stop()));
});

for (const [runtime, outcomes] of runs) {
  CASES.forEach((row, index) => test(`${runtime} server: ${titleOf(row)}`, () => outcomes.of(index)));
}

async function playAll(port: number, outcomes: Outcomes): Promise<void> {
  const rows = CASES.entries(); // shared by the lanes
  await Promise.all(Array.from({ length: LANES }, async () => {
    for (const [index, row] of rows) {
      if (over) return;
      await outcomes.settle(index, playOne(port, row, outcomes.limitOf(row)));
    }
  }));
}

async function playOne(port: number, row: Case, limit: number): Promise<void> {
  await play(row, await Peer.open(port), limit);
}
