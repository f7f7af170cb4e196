import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type RunningServer, runtimes, startServer } from "../support/runtimes.ts";
import { titleOf } from "./case.ts";
import { DEFLATE_CASES, type DeflateCase, SERVER_OPTIONS } from "./deflate_cases.ts";
import { playSeries } from "./deflate_harness.ts";
import { Outcomes } from "./outcomes.ts";
import { Peer } from "./peer.ts";

const SCRIPT = fileURLToPath(new URL("../servers/echo.ts", import.meta.url));

// Nothing may be left to the timeout: a case takes less.
const options = JSON.stringify(SERVER_OPTIONS);
const args = [
  ...["--compression", "--compression-options", options],
  ...["--close-timeout", "600000", "--keepalive", "off"],
];

/** How many cases are played to one server at the same time. */
const LANES = 2;

const servers: RunningServer[] = [];
const runs = new Map(runtimes.map((runtime) => [runtime, new Outcomes(DEFLATE_CASES.length)]));
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
  DEFLATE_CASES.forEach((row, index) => test(`${runtime} server: ${titleOf(row)}`, () => outcomes.of(index)));
}

async function playAll(port: number, outcomes: Outcomes): Promise<void> {
  const rows = DEFLATE_CASES.entries(); // shared by the lanes
  await Promise.all(Array.from({ length: LANES }, async () => {
    for (const [index, row] of rows) {
      if (over) return;
      await outcomes.settle(index, playOne(port, row, outcomes.limitOf(row)));
    }
  }));
}

async function playOne(port: number, row: DeflateCase, limit: number): Promise<void> {
  await playSeries(row, await Peer.open(port, row.asServer), limit);
}
